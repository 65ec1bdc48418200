// ISO 8859-1 and UTF-8: the two charsets between which clients differ where none is agreed on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace convoy::base {

// nullopt for what is no UTF-8 and for characters beyond U+00FF.
std::optional<std::string> Utf8ToLatin1(std::string_view text);
std::string Latin1ToUtf8(std::string_view text);

}  // namespace convoy::base
