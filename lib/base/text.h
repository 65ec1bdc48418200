// Predicates and look-ups over untrusted text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/http.h"

namespace convoy::base {

bool IsValidUtf8(std::string_view text);  // RFC 3629: no surrogates, nothing overlong
bool EqualsIgnoreCase(std::string_view a, std::string_view b);  // ASCII
bool IsHeaderName(std::string_view name);                       // an RFC 9110 token
bool IsHeaderValue(std::string_view value);  // no control characters but tab: nothing to inject

// Quotes `text` for an error message: in quotes, escaped as C escapes it, and cut off after 64
// bytes.
std::string Quote(std::string_view text);

// The value of the first header called `name`, compared without case.
std::optional<std::string_view> FindHeader(std::span<const HeaderView> headers,
                                           std::string_view name);
std::optional<std::string_view> FindHeader(const Headers& headers, std::string_view name);
size_t CountHeader(std::span<const HeaderView> headers, std::string_view name);

// The decoded value of the first query parameter called `name` (form rules: '+' is a space).
std::optional<std::string> FindQueryParameter(std::string_view query, std::string_view name);
// All of them, in order.
std::vector<std::string> FindQueryParameters(std::string_view query, std::string_view name);

}  // namespace convoy::base
