// Parser of locators; see locator.h.
#include "lib/verify/locator.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"

namespace convoy::verify {

bool IsOfHead(const Locator& locator) {
  using Kind = Locator::Kind;
  return locator.kind == Kind::kHeader || locator.kind == Kind::kQuery ||
         locator.kind == Kind::kSignatureItem || locator.kind == Kind::kConfig;
}

absl::StatusOr<Locator> ParseLocator(std::string_view text) {
  using Kind = Locator::Kind;
  constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"header", Kind::kHeader}, {"query", Kind::kQuery},  {"form", Kind::kForm},
      {"json", Kind::kJson},     {"item", Kind::kItem},    {"sig", Kind::kSignatureItem},
      {"jwt", Kind::kJwt},       {"config", Kind::kConfig}};
  if (text == "body") return Locator{};
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon + 1 < text.size()) {
    const std::string_view name = text.substr(colon + 1);
    for (const auto& [prefix, kind] : kKinds) {
      if (text.substr(0, colon) != prefix) continue;
      if (kind == Kind::kHeader && !base::IsHeaderName(name)) break;
      return Locator{kind, std::string(name)};
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text,
                   "\" is no place in a request: header:NAME, query:NAME, form:NAME, json:PATH, "
                   "item:PATH, sig:ITEM, jwt:CLAIM, config:NAME or body"));
}

}  // namespace convoy::verify
