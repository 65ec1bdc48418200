// Patterns of event types, by which subscriptions say what they want:
//
//   *           every event type
//   a.b.*       every event type that starts with "a.b."
//   a.b         that event type and no other, case included
//
// An asterisk anywhere else is refused, because it would never match what its author expects.
#pragma once

#include <string_view>

#include "absl/status/status.h"

#include "convoy/model.h"

namespace convoy::route {

struct EventPattern {
  bool is_prefix;         // whether any event type that starts with `text` matches
  std::string_view text;  // of the pattern it was made from; empty for "*"

  // Of any text; what CheckEventPattern refuses is an event type like any other.
  static EventPattern Of(std::string_view pattern);
  bool Matches(std::string_view event_type) const;
};

// Whether one of the subscription's patterns matches the event type.
bool WantsType(const Subscription& subscription, std::string_view event_type);

// kInvalidArgument says what is wrong with it and what is allowed.
absl::Status CheckEventPattern(std::string_view pattern);

}  // namespace convoy::route
