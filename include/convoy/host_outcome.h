// Outcomes for the host: results of deliveries, and changes of endpoints and sources, so that it
// can inform its customers or raise alarms. They wait in a queue in memory, which the host empties
// (Gateway::NextOutcome) and GatewayOptions::outcomes_max bounds; the REST API has the records.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace convoy {

struct HostOutcome {
  enum class Kind : uint8_t {
    kDelivery = 0,           // an attempt has ended, or a delivery was given up; it is recorded
    kEndpointFailing = 1,    // its first failure after a success, or ever
    kEndpointRecovered = 2,  // deliveries succeed again
    kEndpointDisabled = 3,   // nothing is sent to it until it is activated
    kBreakerOpened = 4,      // its circuit breaker: nothing is sent for a while
    kBreakerClosed = 5,
    kSourceRefuses = 6,  // requests were refused; told once a minute for a source and a reason
  };

  Kind kind = Kind::kDelivery;
  absl::Time at;
  std::string project_id;   // empty for kSourceRefuses
  std::string endpoint_id;  // empty for kSourceRefuses
  std::string source_id;    // of kSourceRefuses; empty if no source has the link
  // Of the delivery. Other kinds about an endpoint have them, too, if a delivery was the cause.
  std::string delivery_id;
  std::string event_id;
  std::string event_type;
  // "delivered", "timed_out", "discarded", … (docs/delivery.md); of kSourceRefuses the reason.
  std::string outcome;
  std::string detail;           // one line for people; may be empty
  uint32_t attempt_number = 0;  // of kDelivery: the number of attempts so far
  bool is_success = false;
  bool will_retry = false;
  absl::Time retry_at = absl::InfiniteFuture();  // if will_retry
  uint64_t count = 1;                            // of kSourceRefuses: requests since the last one
};

}  // namespace convoy
