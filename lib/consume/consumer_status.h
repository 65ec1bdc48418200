// Status of a consumer of a message broker, for operators.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace convoy::consume {

enum class ConsumerState : uint8_t {
  kConnecting,
  kRunning,
  kBackingOff,     // the broker or the store is unavailable; retried
  kMisconfigured,  // an operator has to change something; retried nevertheless
  kStopped,        // nothing is read until the source or the process changes
};

std::string_view Name(ConsumerState state);

// The failing state that an error of a broker means.
ConsumerState StateOf(const absl::Status& error);

// Counts since the consumer was started.
struct ConsumerCounters {
  uint64_t received = 0;
  uint64_t accepted = 0;      // became events
  uint64_t duplicates = 0;    // became events that an idempotency key marked as duplicates
  uint64_t redelivered = 0;   // had been stored before, so nothing was
  uint64_t dead_letters = 0;  // could not become events
};

// A message that was acknowledged without a new event, because it had been stored before.
struct RedeliveredMessage {
  std::string id;             // BrokerMessage::id, at most kTracedTextBytesMax bytes of it
  std::string redelivery_id;  // likewise
  absl::Time at;
};

inline constexpr size_t kTracedMessagesMax = 16;
inline constexpr size_t kTracedTextBytesMax = 256;

struct ConsumerStatus {
  std::string project_id;
  std::string source_id;
  std::string consumer_id;
  ConsumerState state = ConsumerState::kConnecting;
  std::string last_error;  // stays after it is over
  absl::Time last_error_at = absl::InfinitePast();
  absl::Time last_message_at = absl::InfinitePast();
  ConsumerCounters counters;
  // Messages that wait at the broker, when it last said so; otherwise why that is not known.
  std::optional<uint64_t> lag;
  absl::Time lag_at = absl::InfinitePast();
  std::string lag_error;
  // The latest messages that had been stored before, oldest first.
  std::deque<RedeliveredMessage> redelivered_last;
  // Messages in a row, up to the latest one, that had been stored before, and since when.
  uint64_t redelivered_in_a_row = 0;
  absl::Time redelivered_since = absl::InfinitePast();

  // Whether more messages had been stored before than a lost acknowledgement or two explain: then
  // the broker may be handing out old messages, or two senders' messages may look the same.
  bool is_mostly_redelivered() const;
};

}  // namespace convoy::consume
