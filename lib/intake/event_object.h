// Reader of an event's JSON object, in the form that the REST API and brokers' envelopes share:
//
//   {"endpoint_id", "owner_id", "event_type", "data", "custom_headers", "idempotency_key"}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "lib/intake/broker_message.h"
#include "lib/json/raw.h"

namespace convoy::intake {

// A member that cannot be read, or should not be there.
struct EventFlaw {
  enum class Kind : uint8_t {
    kRepeated,     // parsers differ in which of two members counts
    kUnknown,      // no field of an event
    kWrongType,    // a string is wanted; of custom_headers an object of strings
    kTooManyItems  // more custom headers than kCustomHeadersMax
  };
  Kind kind = Kind::kWrongType;
  std::string_view parent;  // "custom_headers", or empty: the event
  std::string field;
};

inline constexpr size_t kCustomHeadersMax = 64;

// Reads what can be read into `out`, whose `type` is left alone; `data` is taken as the bytes it
// is. Adds the first few flaws to `flaws`, in the order of the members. The status is not OK if the
// body is no JSON object within `limits`. Values are not judged (event_checks.h).
absl::Status ReadEventObject(std::string_view body, const json::Limits& limits, AddressedEvent* out,
                             std::vector<EventFlaw>* flaws);

}  // namespace convoy::intake
