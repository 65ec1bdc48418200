// Shared parts of handlers; see context.h.
#include "lib/http/request/context.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"

namespace convoy::http {
std::optional<std::string_view> FindRepeatedKey(const json::Value& root) {
  std::vector<const json::Value*> open = {&root};
  while (!open.empty()) {
    const json::Value& value = *open.back();
    open.pop_back();
    if (value.IsArray()) {
      for (const json::Value& element : value.GetArray()) open.push_back(&element);
    }
    if (!value.IsObject()) continue;
    absl::flat_hash_set<std::string_view> keys;
    for (auto member = value.MemberBegin(); member != value.MemberEnd(); ++member) {
      const std::string_view key(member->name.GetString(), member->name.GetStringLength());
      if (!keys.insert(key).second) return key;
      open.push_back(&member->value);
    }
  }
  return std::nullopt;
}

absl::Status RepeatedKeyError(std::string_view key) {
  constexpr size_t kShownMax = 256;
  if (key.size() > kShownMax) {
    key = key.substr(0, kShownMax);
    // Not within a character.
    while (!base::IsValidUtf8(key)) key.remove_suffix(1);
  }
  return absl::InvalidArgumentError(absl::StrCat("body contains field \"", key, "\" twice"));
}

absl::StatusOr<json::Document> ParseBody(const Context& context, const json::Limits& limits) {
  CONVOY_ASSIGN_OR_RETURN(json::Document document, json::Parse(context.request->body, limits));
  if (!document.IsObject()) {
    return absl::InvalidArgumentError("body contains incorrect JSON type (at character 1)");
  }
  if (const auto key = FindRepeatedKey(document)) return RepeatedKeyError(*key);
  return document;
}

}  // namespace convoy::http
