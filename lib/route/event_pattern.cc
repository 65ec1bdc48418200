// Patterns of event types: what they match and which are refused.
#include "lib/route/event_pattern.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace convoy::route {

EventPattern EventPattern::Of(std::string_view pattern) {
  if (pattern == "*" || absl::EndsWith(pattern, ".*")) {
    return {.is_prefix = true, .text = absl::StripSuffix(pattern, "*")};
  }
  return {.is_prefix = false, .text = pattern};
}

bool EventPattern::Matches(std::string_view event_type) const {
  return is_prefix ? absl::StartsWith(event_type, text) : event_type == text;
}

bool WantsType(const Subscription& subscription, std::string_view event_type) {
  return std::any_of(subscription.event_types.begin(), subscription.event_types.end(),
                     [event_type](std::string_view pattern) {
                       return EventPattern::Of(pattern).Matches(event_type);
                     });
}

absl::Status CheckEventPattern(std::string_view pattern) {
  const auto refuse = [pattern](std::string_view reason) {
    return absl::InvalidArgumentError(absl::StrCat("'", pattern, "' ", reason));
  };
  if (pattern.empty()) return absl::InvalidArgumentError("must not be empty");
  if (pattern.find(',') != std::string_view::npos) {
    return refuse("holds a comma; give each event type as an entry of its own");
  }
  if (absl::StripAsciiWhitespace(pattern) != pattern) return refuse("starts or ends with a space");
  if (std::any_of(pattern.begin(), pattern.end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return absl::InvalidArgumentError("must not hold control characters");
  }
  const std::string_view text = EventPattern::Of(pattern).text;
  if (text.find('*') != std::string_view::npos || text == ".") {
    return refuse("is no pattern: * stands alone or as the last part, as in 'invoice.*'");
  }
  return absl::OkStatus();
}

}  // namespace convoy::route
