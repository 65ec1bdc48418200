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
