#include "lib/verify/message_template.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"

namespace convoy::verify {

absl::StatusOr<MessageTemplate> MessageTemplate::Compile(std::string_view text) {
  MessageTemplate compiled;
  while (!text.empty()) {
    const size_t open = std::min(text.find_first_of("{}"), text.size());
    if (open > 0) {
      compiled.parts_.push_back({Kind::kLiteral, std::string(text.substr(0, open))});
      text.remove_prefix(open);
      continue;
    }
    const size_t close = text.find('}');
    if (text[0] == '}' || close == std::string_view::npos) {
      return absl::InvalidArgumentError("scheme field \"message\" has a brace without its partner");
    }
    CONVOY_ASSIGN_OR_RETURN(Part part, CompilePart(text.substr(1, close - 1)));
    compiled.parts_.push_back(std::move(part));
    text.remove_prefix(close + 1);
  }
  return compiled;
}

absl::StatusOr<MessageTemplate::Part> MessageTemplate::CompilePart(std::string_view name) {
  constexpr std::pair<std::string_view, Kind> kNames[] = {
      {"body", Kind::kBody}, {"ts", Kind::kTimestamp}, {"method", Kind::kMethod},
      {"path", Kind::kPath}, {"url", Kind::kUrl},      {"query", Kind::kQuery}};
  for (const auto& [known, kind] : kNames) {
    if (name == known) return Part{kind, ""};
  }
  constexpr std::string_view kHeaderPrefix = "header:";
  if (name.starts_with(kHeaderPrefix) && base::IsHeaderName(name.substr(kHeaderPrefix.size()))) {
    return Part{Kind::kHeader, std::string(name.substr(kHeaderPrefix.size()))};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("scheme field \"message\" has an unknown part {", name, "}"));
}

bool MessageTemplate::Has(Kind kind) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [kind](const Part& part) { return part.kind == kind; });
}

bool MessageTemplate::Feed(const VerifyRequest& request, std::string_view timestamp,
                           crypto::Hmac& mac) const {
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::kLiteral:
        mac.Update(part.text);
        break;
      case Kind::kBody:
        mac.Update(request.body);
        break;
      case Kind::kTimestamp:
        mac.Update(timestamp);
        break;
      case Kind::kMethod:
        mac.Update(request.method);
        break;
      case Kind::kPath:
        mac.Update(request.path);
        break;
      case Kind::kUrl:
        mac.Update(request.url);
        break;
      case Kind::kQuery:
        mac.Update(request.query);
        break;
      case Kind::kHeader:
        if (base::CountHeader(request.headers, part.text) != 1) return false;
        mac.Update(*base::FindHeader(request.headers, part.text));
        break;
    }
  }
  return true;
}

}  // namespace convoy::verify
