// Search in lists; see search.h.
#include "lib/storage/search.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace convoy::storage {
namespace {

bool HasIgnoringCase(std::string_view text, std::string_view part) {
  const auto is_same = [](char a, char b) {
    return absl::ascii_tolower(static_cast<unsigned char>(a)) ==
           absl::ascii_tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), is_same) != text.end();
}

}  // namespace

bool IsFoundBy(const SearchText& search, std::initializer_list<std::string_view> ids,
               std::initializer_list<std::string_view> texts) {
  if (search.text.empty()) return true;
  return std::any_of(
             ids.begin(), ids.end(),
             [&](std::string_view id) { return absl::StartsWithIgnoreCase(id, search.text); }) ||
         std::any_of(texts.begin(), texts.end(),
                     [&](std::string_view text) { return HasIgnoringCase(text, search.text); });
}

bool MayBeginId(const SearchText& search) {
  static constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  constexpr size_t kIdSize = 26;
  if (search.text.size() > kIdSize || (!search.text.empty() && search.text[0] > '7')) return false;
  return absl::c_all_of(search.text, [](char c) {
    return absl::StrContains(kDigits, absl::ascii_toupper(static_cast<unsigned char>(c)));
  });
}

}  // namespace convoy::storage
