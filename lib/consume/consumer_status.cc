// Names and aggregation of consumer states.
#include "lib/consume/consumer_status.h"

namespace convoy::consume {

std::string_view Name(ConsumerState state) {
  switch (state) {
    case ConsumerState::kConnecting:
      return "connecting";
    case ConsumerState::kRunning:
      return "running";
    case ConsumerState::kBackingOff:
      return "backing_off";
    case ConsumerState::kMisconfigured:
      return "misconfigured";
    case ConsumerState::kStopped:
      return "stopped";
  }
  return "";
}

bool ConsumerStatus::is_mostly_redelivered() const {
  // One crash of one consumer brings what it had read ahead, and quickly.
  constexpr uint64_t kManyMessages = 2048;
  constexpr uint64_t kSomeMessages = 10;
  constexpr absl::Duration kLong = absl::Minutes(1);
  if (redelivered_in_a_row >= kManyMessages) return true;
  return redelivered_in_a_row >= kSomeMessages && last_message_at - redelivered_since >= kLong;
}

ConsumerState StateOf(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
      return ConsumerState::kMisconfigured;
    default:
      return ConsumerState::kBackingOff;
  }
}

}  // namespace convoy::consume
