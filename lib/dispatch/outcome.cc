// The table, and how it is asked. docs/delivery.md shows the same table; a test compares the two.
#include "lib/dispatch/outcome.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/dispatch/retry_after.h"

namespace convoy::dispatch {
namespace {

constexpr std::string_view kRaiseTimeout =
    "the endpoint's http_timeout sets how long an attempt may take";

using End = TransportOutcome;

constexpr OutcomeRule kTable[] = {
    {Learnt::kAccepted, {}, Outcome::kDelivered, false, Resend::kNever, ""},
    {Learnt::kRedirect,
     {},
     Outcome::kRedirected,
     true,
     Resend::kAtLeastOnce,
     "redirects are not followed; set the endpoint's url to the final one"},
    {Learnt::kGone,
     {},
     Outcome::kGone,
     true,
     Resend::kNever,
     "the endpoint was disabled; activate it to deliver again"},
    {Learnt::kPatience, {}, Outcome::kThrottled, true, Resend::kAtLeastOnce, ""},
    {Learnt::kOtherStatus, {}, Outcome::kRejected, true, Resend::kAtLeastOnce, ""},
    {Learnt::kNothing, End::kDeniedAddress, Outcome::kRefusedByGuard, true, Resend::kAlways,
     "allow its network with --allow-network (allowed_networks)"},
    {Learnt::kNothing, End::kInvalidUrl, Outcome::kInvalidRequest, true, Resend::kAlways, ""},
    {Learnt::kNothing, End::kNameNotResolved, Outcome::kNameNotResolved, true, Resend::kAlways,
     "check the host of the endpoint's url"},
    {Learnt::kNothing, End::kConnectFailed, Outcome::kConnectFailed, true, Resend::kAlways, ""},
    {Learnt::kNothing, End::kTlsFailed, Outcome::kTlsFailed, true, Resend::kAlways, ""},
    {Learnt::kNothing, End::kTimedOut, Outcome::kTimedOut, true, Resend::kUnlessSent,
     kRaiseTimeout},
    {Learnt::kNothing, End::kResponseTooLarge, Outcome::kResponseTooLarge, true,
     Resend::kAtLeastOnce, "at most 64 KiB and 256 headers are read"},
    {Learnt::kNothing, End::kProtocolError, Outcome::kProtocolError, true, Resend::kUnlessSent, ""},
    {Learnt::kNothing, End::kNoAccessToken, Outcome::kNoAccessToken, true, Resend::kAlways,
     "check the endpoint's authentication.oauth2"},
    {Learnt::kNothing, End::kFunctionFailed, Outcome::kFunctionFailed, false, Resend::kAlways,
     "correct the subscription's function"},
    {Learnt::kNothing, End::kHandled, Outcome::kDelivered, false, Resend::kNever, ""},
    {Learnt::kNothing, End::kHandlerFailed, Outcome::kHandlerFailed, true, Resend::kAtLeastOnce,
     ""},
    {Learnt::kNothing, End::kHandlerRefused, Outcome::kHandlerRefused, true, Resend::kNever, ""},
    {Learnt::kNothing, End::kNotTaken, Outcome::kNotTaken, false, Resend::kAlways, ""},
    // A response without a status comes only from a transport that breaks its contract.
    {Learnt::kNothing, End::kResponse, Outcome::kProtocolError, true, Resend::kAtLeastOnce, ""},
    {Learnt::kNothing, End::kCancelled, Outcome::kCancelled, false, Resend::kUnlessSent, ""},
    {Learnt::kNothing, End::kLocalFailure, Outcome::kLocalFailure, false, Resend::kUnlessSent, ""},
};

std::string ErrorOf(const OutcomeRule& rule, const TransportResult& result) {
  if (rule.outcome == Outcome::kDelivered) return "";
  std::string error = result.http_status != 0
                          ? absl::StrCat("the endpoint answered ", result.http_status)
                          : result.error;
  if (error.empty()) error = std::string(OutcomeName(rule.outcome));
  if (!rule.remedy.empty()) absl::StrAppend(&error, "; ", rule.remedy);
  return error;
}

}  // namespace

std::span<const OutcomeRule> OutcomeTable() { return kTable; }

Learnt LearntOf(int http_status) {
  if (http_status == 0) return Learnt::kNothing;
  if (http_status >= 200 && http_status < 300) return Learnt::kAccepted;
  if (http_status >= 300 && http_status < 400) return Learnt::kRedirect;
  if (http_status == 410) return Learnt::kGone;
  if (http_status == 429 || http_status == 503) return Learnt::kPatience;
  return Learnt::kOtherStatus;
}

const OutcomeRule& RuleFor(Learnt learnt, TransportOutcome end) {
  const OutcomeRule* last = nullptr;
  for (const OutcomeRule& rule : kTable) {
    last = &rule;
    if (rule.learnt == learnt && (!rule.end.has_value() || *rule.end == end)) break;
  }
  return *last;
}

Classification Classify(const TransportResult& result, absl::Time now) {
  const OutcomeRule& rule = RuleFor(LearntOf(result.http_status), result.outcome);
  Classification classification = {.outcome = rule.outcome,
                                   .resend = rule.resend,
                                   .may_have_arrived = result.may_have_arrived,
                                   .counts_against_endpoint = rule.counts_against_endpoint,
                                   .error = ErrorOf(rule, result)};
  if (rule.learnt == Learnt::kPatience) {
    classification.wait_min = RetryAfterOf(result.headers, now);
  }
  if (result.retry_after > absl::ZeroDuration()) {
    classification.wait_min = std::min(result.retry_after, kRetryAfterMax);
  }
  return classification;
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
    case Outcome::kNoAccessToken:
      return "no_access_token";
    case Outcome::kFunctionFailed:
      return "function_failed";
    case Outcome::kHandlerFailed:
      return "handler_failed";
    case Outcome::kHandlerRefused:
      return "handler_refused";
    case Outcome::kNotTaken:
      return "not_taken";
    case Outcome::kLocalFailure:
      return "local_failure";
    case Outcome::kCancelled:
      break;
  }
  return "cancelled";
}

std::string_view LearntName(Learnt learnt) {
  switch (learnt) {
    case Learnt::kNothing:
      return "no answer";
    case Learnt::kAccepted:
      return "2xx";
    case Learnt::kRedirect:
      return "3xx";
    case Learnt::kGone:
      return "410";
    case Learnt::kPatience:
      return "429, 503";
    case Learnt::kOtherStatus:
      break;
  }
  return "other status";
}

}  // namespace convoy::dispatch
