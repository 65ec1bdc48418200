// Comma-separated values (RFC 4180): lines of fields, in quotes where they hold commas, quotes or
// line breaks.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace convoy::body {

using CsvRow = std::vector<std::string>;

// Empty lines are left out, and so is a byte order mark. nullopt if a quote is out of place or
// never closes, or if there are more than `rows_max` rows or `fields_max` fields in one.
std::optional<std::vector<CsvRow>> ReadCsv(std::string_view text, size_t rows_max,
                                           size_t fields_max);

}  // namespace convoy::body
