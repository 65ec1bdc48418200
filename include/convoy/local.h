// Local delivery: events for the host itself. An endpoint whose URL is "local:NAME" is delivered to
// in the process of the gateway: the host takes its deliveries and says what became of each
// (Gateway::TakeLocal, FinishLocal). Retries, order, pauses and lists are those of every endpoint;
// nothing is signed and no connection is made.
//
// Deliveries are fetched from the store for a name that the host takes, a little ahead of it. One
// that was fetched and is not taken within an eighth of a lease goes back as it was, without an
// attempt; then nothing more is fetched for the name until the host takes again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/model.h"
#include "convoy/transport.h"

namespace convoy {

// A delivery in the hands of the host. It belongs to the host until it is finished, or until
// `deadline`: then the attempt has failed as timed out, and the delivery is retried like any other.
struct LocalDelivery {
  uint64_t ticket = 0;  // for FinishLocal
  std::string name;     // of "local:NAME"
  std::string project_id;
  std::string endpoint_id;
  std::string delivery_id;
  std::shared_ptr<const Event> event;  // id, type, body as bytes, content type
  Headers headers;                     // of the event, without those of a connection
  std::string idempotency_key;         // may be empty
  uint32_t attempt_number = 1;         // 1: the first one
  absl::Time deadline;                 // of the wall clock
};

// The host's word about a delivery.
struct LocalOutcome {
  enum class Kind : uint8_t {
    kDone,   // delivered
    kRetry,  // failed; tried again as the retry policy says
    kFail,   // failed for good, whatever the retry policy says
  };

  Kind kind = Kind::kDone;
  // For kRetry: not before that, at most a day; 0: when the policy says.
  absl::Duration retry_after = absl::ZeroDuration();
  // UTF-8 for people, kept with the attempt; what is beyond 1 KiB is cut off.
  std::string detail;
};

// An attempt for a LocalTransport.
struct LocalRequest {
  LocalDelivery delivery;    // without ticket and deadline
  absl::Duration timeout;    // from when the host takes it
  absl::Duration time_left;  // from now, for waiting and for the attempt together
};

// The counterpart of Transport for local endpoints. Calls come from one thread at a time, except
// where it is said.
class LocalTransport {
 public:
  virtual ~LocalTransport() = default;

  // How many more deliveries of `name` are worth fetching now. From any thread; quick.
  virtual uint32_t RoomOf(std::string_view name) const = 0;

  // Starts an attempt. `done` runs exactly once, from within Step or Cancel, never from Send.
  virtual void Send(LocalRequest request, SendCompletion done) = 0;

  // Runs completions. Returns when to call again at the latest, by the steady clock.
  virtual absl::Time Step() = 0;

  // Hands nothing out any more, and ends with kNotTaken what was not. From any thread.
  virtual void Drain() = 0;

  // Ends every attempt, now: with kNotTaken or, if the host has it, with kCancelled.
  virtual void Cancel() = 0;
};

}  // namespace convoy
