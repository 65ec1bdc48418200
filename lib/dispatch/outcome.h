// Outcome of an attempt, in the terms in which decisions are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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
  kResponseTooLarge,
  kProtocolError,
  kLocalFailure,  // this process has no descriptor, port or memory; says nothing about the endpoint
  kCancelled,     // by us: the gateway is closing; says nothing about the endpoint
};

inline constexpr size_t kOutcomesCount = static_cast<size_t>(Outcome::kCancelled) + 1;

struct Classification {
  Outcome outcome = Outcome::kProtocolError;
  bool has_response = false;               // a status arrived, so the receiver saw the request
  bool counts_against_endpoint = true;     // the endpoint, not this process, is to blame
  std::optional<absl::Duration> wait_min;  // what the receiver asked for
};

Classification Classify(const TransportResult& result, absl::Time now);

std::string_view OutcomeName(Outcome outcome);  // "delivered", "timed_out"; stable

// The Retry-After header (RFC 9110, section 10.2.3), seconds or a date, between 0 and a day.
std::optional<absl::Duration> ParseRetryAfter(std::string_view value, absl::Time now);

}  // namespace convoy::dispatch
