// Local delivery: events for the host itself. Deliveries to an endpoint with the URL "local:NAME"
// stay in the process of the gateway: the host takes and finishes each of them (Gateway::TakeLocal,
// FinishLocal). Retries, order, pauses and lists are those of every endpoint; nothing is signed and
// no connection is made.
//
// Deliveries are fetched from the store, a little ahead, for names that the host takes from. A
// fetched delivery that is not taken within an eighth of a lease returns to the store unchanged,
// without an attempt. Then no more are fetched for the name until the host takes from it again.
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

// A delivery that the host has taken. It belongs to the host until it is finished, or until
// `deadline`: then the attempt has timed out, and the delivery is retried like any other.
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

// The result of a delivery, as the host finishes it.
struct LocalOutcome {
  enum class Kind : uint8_t {
    kDone,   // delivered
    kRetry,  // failed; tried again as the retry policy says
    kFail,   // failed; not tried again, even if the retry policy would
  };

  Kind kind = Kind::kDone;
  // For kRetry: the least wait, at most a day; 0: the retry policy alone decides.
  absl::Duration retry_after = absl::ZeroDuration();
  // UTF-8 for people; its first KiB is stored with the attempt.
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

  // How many more deliveries of `name` the dispatcher should fetch now. From any thread; quick.
  virtual uint32_t RoomOf(std::string_view name) const = 0;

  // Starts an attempt. `done` runs exactly once, from within Step or Cancel, never from Send.
  virtual void Send(LocalRequest request, SendCompletion done) = 0;

  // Runs completions. Returns the latest instant for the next call, by the steady clock.
  virtual absl::Time Step() = 0;

  // Hands out nothing any more, and ends all attempts that were not taken, with kNotTaken. From any
  // thread.
  virtual void Drain() = 0;

  // Ends every attempt, now: with kCancelled if the host has taken it, otherwise with kNotTaken.
  virtual void Cancel() = 0;
};

}  // namespace convoy
