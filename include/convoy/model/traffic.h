// Traffic of a project: events, deliveries, attempts, and the inputs that are held because no event
// was made of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/model/policy.h"
#include "convoy/model/subscription.h"

namespace convoy {

// Why an input is held.
enum class HeldKind : uint8_t {
  kQuarantine,  // a request that its source's verifier refused
  kDeadLetter,  // no event could be made of it: a broker's message; a request whose function failed
};

// An input that a source could not use, kept whole until it is released, discarded or expired.
struct HeldInput {
  std::string id;
  std::string project_id;
  std::string source_id;
  HeldKind kind = HeldKind::kQuarantine;
  std::string reason;  // stable, for programs: "signature_mismatch", "malformed"
  std::string detail;  // one sentence for the operator
  // As received. The headers of a broker's message are its attributes, and method, path and query
  // are empty.
  std::string method;
  std::string path;
  std::string query;
  Headers headers;
  std::string body;
  // That of a broker's message, e.g. "orders/3/1207"; "position" in JSON. Empty for requests.
  std::string redelivery_id;
  absl::Time received_at;
  absl::Time expires_at = absl::InfiniteFuture();  // from then on it is not listed

  friend bool operator==(const HeldInput&, const HeldInput&) = default;
};

enum class EventStatus : uint8_t { kPending, kProcessing, kSuccess, kFailure, kRetry };

struct Event {
  std::string id;
  std::string project_id;
  std::string source_id;  // empty for events of the REST API
  std::string event_type;
  std::vector<std::string> endpoint_ids;  // that it is delivered to
  Headers headers;                        // as received, or the custom headers of a REST call
  std::string body;                       // raw bytes, exactly as they came in
  std::string content_type;               // as received; may be empty
  std::string url_query;                  // raw query string of the ingest request
  std::string url_path;
  std::string idempotency_key;
  bool is_duplicate = false;
  EventStatus status = EventStatus::kPending;
  std::string failure_reason;
  absl::Time created_at;
  absl::Time acknowledged_at;

  friend bool operator==(const Event&, const Event&) = default;
};

enum class DeliveryStatus : uint8_t {
  kScheduled,
  kProcessing,
  kRetry,
  kSuccess,
  kFailure,
  kDiscarded,
};

// One event on its way to one endpoint.
struct Delivery {
  std::string id;
  std::string project_id;
  std::string event_id;
  std::string endpoint_id;
  std::string subscription_id;
  std::string event_type;
  std::string idempotency_key;
  DeliveryStatus status = DeliveryStatus::kScheduled;
  DeliveryMode mode = DeliveryMode::kAtLeastOnce;
  RetryPolicy retry;
  uint32_t attempts_count = 0;
  absl::Time due_at;        // when the next attempt may start; meaningless in a final status
  std::string description;  // why it failed or was discarded
  absl::Duration latency = absl::ZeroDuration();  // from creation to the final outcome
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Delivery&, const Delivery&) = default;
};

// How long each phase of an exchange took. 0: the phase was not needed, as on a kept connection, or
// did not finish.
struct PhaseTimings {
  absl::Duration name_lookup = absl::ZeroDuration();
  absl::Duration connect = absl::ZeroDuration();
  absl::Duration tls = absl::ZeroDuration();         // the handshake
  absl::Duration first_byte = absl::ZeroDuration();  // from the request to the answer's first byte

  friend bool operator==(const PhaseTimings&, const PhaseTimings&) = default;
};

// One try of one delivery, and its result.
struct Attempt {
  std::string id;
  std::string project_id;
  std::string delivery_id;
  std::string endpoint_id;
  std::string url;
  std::string method = "POST";
  Headers request_headers;
  int http_status = 0;  // 0: no response arrived
  Headers response_headers;
  std::string response_body;  // capped; raw bytes
  std::string remote_ip;
  std::string error;  // empty on success
  bool is_success = false;
  absl::Time requested_at;
  absl::Time responded_at;
  PhaseTimings phases;
  absl::Duration elapsed = absl::ZeroDuration();  // of the whole exchange; 0: not known

  friend bool operator==(const Attempt&, const Attempt&) = default;
};

}  // namespace convoy
