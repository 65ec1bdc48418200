// A strictly forward reader of CSV; see csv.h.
#include "lib/body/csv.h"

#include <algorithm>
#include <utility>

namespace convoy::body {
namespace {

// Takes a field in quotes off `text`. False if it does not close, or more follows it.
bool TakeQuoted(std::string_view& text, std::string* out) {
  for (text.remove_prefix(1); !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '"') {
      out->push_back(text.front());
      continue;
    }
    text.remove_prefix(1);
    if (!text.starts_with('"')) {
      return text.empty() || text.front() == ',' || text.front() == '\r' || text.front() == '\n';
    }
    out->push_back('"');
  }
  return false;
}

bool TakeField(std::string_view& text, std::string* out) {
  if (text.starts_with('"')) return TakeQuoted(text, out);
  const size_t end = std::min(text.find_first_of(",\r\n"), text.size());
  *out = std::string(text.substr(0, end));
  text.remove_prefix(end);
  return out->find('"') == std::string::npos;
}

}  // namespace

std::optional<std::vector<CsvRow>> ReadCsv(std::string_view text, size_t rows_max,
                                           size_t fields_max) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<CsvRow> rows;
  while (!text.empty()) {
    CsvRow row;
    do {
      if (!row.empty()) text.remove_prefix(1);  // the comma
      if (row.size() == fields_max) return std::nullopt;
      if (!TakeField(text, &row.emplace_back())) return std::nullopt;
    } while (text.starts_with(','));
    if (text.starts_with('\r')) text.remove_prefix(1);
    if (text.starts_with('\n')) text.remove_prefix(1);
    if (row.size() == 1 && row.front().empty()) continue;
    if (rows.size() == rows_max) return std::nullopt;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace convoy::body
