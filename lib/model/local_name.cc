// Reader of names of local endpoints.
#include "lib/model/local_name.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace convoy::model {
namespace {

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

bool IsLocalName(std::string_view name) {
  constexpr size_t kSizeMax = 64;
  if (name.empty() || name.size() > kSizeMax || !IsLetter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::optional<std::string_view> LocalNameOf(std::string_view url) {
  constexpr std::string_view kScheme = "local:";
  if (!absl::StartsWithIgnoreCase(url, kScheme)) return std::nullopt;
  return url.substr(kScheme.size());
}

absl::Status CheckServed(std::string_view name, const std::vector<std::string>& served) {
  if (served.empty()) {
    return absl::InvalidArgumentError(
        "local endpoints are delivered by a host that takes their events in its own process, and "
        "this one serves none (local_names)");
  }
  if (!IsLocalName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name of a local endpoint must be ", kLocalNameRule));
  }
  if (served[0] == "*" || std::find(served.begin(), served.end(), name) != served.end()) {
    return absl::OkStatus();
  }
  constexpr size_t kShownMax = 20;
  const auto shown_end = served.begin() + std::min(served.size(), kShownMax);
  return absl::InvalidArgumentError(absl::StrCat(
      "this host serves no local endpoint called '", name, "', but: ",
      absl::StrJoin(served.begin(), shown_end, ", "), served.size() > kShownMax ? ", …" : ""));
}

}  // namespace convoy::model
