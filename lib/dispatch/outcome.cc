#include "lib/dispatch/outcome.h"

#include <algorithm>

#include "absl/strings/numbers.h"

#include "lib/base/text.h"

namespace convoy::dispatch {
namespace {

// Nobody may silence an endpoint of somebody else for longer than that.
constexpr absl::Duration kRetryAfterMax = absl::Hours(24);

// A date of RFC 9110, section 5.6.7, in the form to be used or one of the obsolete two.
std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  constexpr const char* kForms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                    "%a %b %e %H:%M:%S %Y"};
  constexpr size_t kDateSizeMax = 64;
  // The parser would take "infinite-future", too.
  if (text.size() > kDateSizeMax || text.starts_with("infinite")) return std::nullopt;
  for (const char* form : kForms) {
    absl::Time date;
    std::string error;
    if (absl::ParseTime(form, text, &date, &error)) return date;
  }
  return std::nullopt;
}

Outcome OutcomeOfStatus(int status) {
  if (status >= 200 && status < 300) return Outcome::kDelivered;
  if (status >= 300 && status < 400) return Outcome::kRedirected;
  if (status == 410) return Outcome::kGone;
  if (status == 429 || status == 503) return Outcome::kThrottled;
  return Outcome::kRejected;
}

Outcome OutcomeOf(const TransportResult& result) {
  switch (result.outcome) {
    case TransportOutcome::kResponse:
      return OutcomeOfStatus(result.http_status);
    case TransportOutcome::kDeniedAddress:
      return Outcome::kRefusedByGuard;
    case TransportOutcome::kInvalidUrl:
      return Outcome::kInvalidRequest;
    case TransportOutcome::kNameNotResolved:
      return Outcome::kNameNotResolved;
    case TransportOutcome::kConnectFailed:
      return Outcome::kConnectFailed;
    case TransportOutcome::kTlsFailed:
      return Outcome::kTlsFailed;
    case TransportOutcome::kTimedOut:
      return Outcome::kTimedOut;
    case TransportOutcome::kResponseTooLarge:
      // The receiver has taken the event if it says so, however much it has to say about it.
      return OutcomeOfStatus(result.http_status) == Outcome::kDelivered
                 ? Outcome::kDelivered
                 : Outcome::kResponseTooLarge;
    case TransportOutcome::kCancelled:
      return Outcome::kCancelled;
    case TransportOutcome::kLocalFailure:
      return Outcome::kLocalFailure;
    case TransportOutcome::kProtocolError:
      break;
  }
  return Outcome::kProtocolError;
}

}  // namespace

Classification Classify(const TransportResult& result, absl::Time now) {
  Classification classification;
  classification.outcome = OutcomeOf(result);
  classification.has_response = result.http_status != 0;
  classification.counts_against_endpoint = classification.outcome != Outcome::kDelivered &&
                                           classification.outcome != Outcome::kLocalFailure &&
                                           classification.outcome != Outcome::kCancelled;
  if (classification.outcome == Outcome::kThrottled) {
    if (const auto header = base::FindHeader(result.headers, "Retry-After")) {
      classification.wait_min = ParseRetryAfter(*header, now);
    }
  }
  return classification;
}

std::optional<absl::Duration> ParseRetryAfter(std::string_view value, absl::Time now) {
  std::optional<absl::Duration> wait;
  uint32_t seconds = 0;
  if (absl::SimpleAtoi(value, &seconds)) {
    wait = absl::Seconds(seconds);
  } else if (const std::optional<absl::Time> date = ParseHttpDate(value)) {
    wait = *date - now;
  }
  if (!wait.has_value()) return std::nullopt;
  return std::clamp(*wait, absl::ZeroDuration(), kRetryAfterMax);
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDelivered:
      return "delivered";
    case Outcome::kRedirected:
      return "redirected";
    case Outcome::kGone:
      return "gone";
    case Outcome::kThrottled:
      return "throttled";
    case Outcome::kRejected:
      return "rejected";
    case Outcome::kRefusedByGuard:
      return "refused_by_guard";
    case Outcome::kInvalidRequest:
      return "invalid_request";
    case Outcome::kNameNotResolved:
      return "name_not_resolved";
    case Outcome::kConnectFailed:
      return "connect_failed";
    case Outcome::kTlsFailed:
      return "tls_failed";
    case Outcome::kTimedOut:
      return "timed_out";
    case Outcome::kResponseTooLarge:
      return "response_too_large";
    case Outcome::kProtocolError:
      return "protocol_error";
    case Outcome::kLocalFailure:
      return "local_failure";
    case Outcome::kCancelled:
      break;
  }
  return "cancelled";
}

}  // namespace convoy::dispatch
