// Outcome of an attempt, in the terms in which decisions are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/time/time.h"

#include "convoy/transport.h"

namespace convoy::dispatch {

enum class Outcome : uint8_t {
  kDelivered,       // 2xx
  kRedirected,      // 3xx: never followed
  kGone,            // 410: the receiver wants no more of this, ever
  kThrottled,       // 429 or 503: the receiver asks for patience
  kRejected,        // any other status
  kRefusedByGuard,  // the address is not allowed; nothing was sent
  kInvalidRequest,  // the endpoint's URL or headers cannot be used; nothing was sent
  kNameNotResolved,
  kConnectFailed,
  kTlsFailed,
  kTimedOut,
  kResponseTooLarge,  // the head; a body that is too large changes nothing
  kProtocolError,
  kNoAccessToken,   // the endpoint's authorisation server gave none; nothing was sent
  kHandlerFailed,   // of a local endpoint: the host wants it again
  kHandlerRefused,  // of a local endpoint: the host can never use it
  kFunctionFailed,  // the subscription's payload function failed; nothing was sent
  kNotTaken,        // of a local endpoint: the host did not take it; no attempt was made
  kLocalFailure,  // this process has no descriptor, port or memory; says nothing about the endpoint
  kCancelled,     // by us: the gateway is closing; says nothing about the endpoint
};

inline constexpr size_t kOutcomesCount = static_cast<size_t>(Outcome::kCancelled) + 1;

// Knowledge of the answer when an attempt has ended.
enum class Learnt : uint8_t {
  kNothing,     // no head of a final answer was complete
  kAccepted,    // 200 to 299
  kRedirect,    // 300 to 399
  kGone,        // 410
  kPatience,    // 429, 503
  kOtherStatus  // anything else
};

// Whether the event is sent again after such an attempt, while tries are left.
enum class Resend : uint8_t {
  kNever,
  kAtLeastOnce,  // only in that mode: the receiver has had the event
  kUnlessSent,   // in at_most_once only if nothing of the request was written
  kAlways,       // in both modes: the request was not written
};

// A line of the table that decides every attempt: what was learnt, and how it ended. An answer
// decides alone, so its `end` is empty: cut off, slow, endless and badly framed bodies are bodies.
struct OutcomeRule {
  Learnt learnt;
  std::optional<TransportOutcome> end;
  Outcome outcome;
  bool counts_against_endpoint;
  Resend resend;
  std::string_view remedy;  // what would change it, appended to the error; may be empty
};

// Every line; each pair of (learnt, end) is matched by exactly one.
std::span<const OutcomeRule> OutcomeTable();
Learnt LearntOf(int http_status);
const OutcomeRule& RuleFor(Learnt learnt, TransportOutcome end);

struct Classification {
  Outcome outcome = Outcome::kProtocolError;
  Resend resend = Resend::kAlways;
  bool may_have_arrived = true;            // TransportResult::may_have_arrived
  bool counts_against_endpoint = true;     // the endpoint, not we, is to blame
  std::optional<absl::Duration> wait_min;  // what the receiver asked for
  std::string error;                       // cause and remedy in one line; empty on success
};

Classification Classify(const TransportResult& result, absl::Time now);

std::string_view OutcomeName(Outcome outcome);  // "delivered", "timed_out"; stable
std::string_view LearntName(Learnt learnt);     // "2xx", "no answer"

}  // namespace convoy::dispatch
