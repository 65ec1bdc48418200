#include "lib/dispatch/outcome.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

const absl::Time kNow = testing::SimEpoch();  // Fri, 01 May 2026 10:00:00 GMT

constexpr TransportOutcome kEnds[] = {
    TransportOutcome::kResponse,       TransportOutcome::kDeniedAddress,
    TransportOutcome::kInvalidUrl,     TransportOutcome::kNameNotResolved,
    TransportOutcome::kConnectFailed,  TransportOutcome::kTlsFailed,
    TransportOutcome::kTimedOut,       TransportOutcome::kResponseTooLarge,
    TransportOutcome::kProtocolError,  TransportOutcome::kCancelled,
    TransportOutcome::kLocalFailure,   TransportOutcome::kNoAccessToken,
    TransportOutcome::kHandled,        TransportOutcome::kHandlerFailed,
    TransportOutcome::kHandlerRefused, TransportOutcome::kNotTaken,
    TransportOutcome::kFunctionFailed};

TEST_CASE("outcome: each pair of what was learnt and how it ended is decided by one rule") {
  for (int status : {0, 200, 302, 410, 429, 500}) {
    for (const TransportOutcome end : kEnds) {
      INFO(status << " " << static_cast<int>(end));
      int rules_count = 0;
      for (const OutcomeRule& rule : OutcomeTable()) {
        const bool is_met =
            rule.learnt == LearntOf(status) && (!rule.end.has_value() || *rule.end == end);
        rules_count += is_met ? 1 : 0;
      }
      CHECK(rules_count == 1);
      CHECK(RuleFor(LearntOf(status), end).learnt == LearntOf(status));
    }
  }
}

TEST_CASE("outcome: a status means what it says, however the exchange ended") {
  const std::tuple<int, Outcome, Resend> cases[] = {
      {200, Outcome::kDelivered, Resend::kNever},
      {204, Outcome::kDelivered, Resend::kNever},
      {299, Outcome::kDelivered, Resend::kNever},
      {301, Outcome::kRedirected, Resend::kAtLeastOnce},
      {304, Outcome::kRedirected, Resend::kAtLeastOnce},
      {400, Outcome::kRejected, Resend::kAtLeastOnce},
      {404, Outcome::kRejected, Resend::kAtLeastOnce},
      {410, Outcome::kGone, Resend::kNever},
      {429, Outcome::kThrottled, Resend::kAtLeastOnce},
      {500, Outcome::kRejected, Resend::kAtLeastOnce},
      {503, Outcome::kThrottled, Resend::kAtLeastOnce},
      {101, Outcome::kRejected, Resend::kAtLeastOnce},
      {600, Outcome::kRejected, Resend::kAtLeastOnce}};
  for (const auto& [status, expected, resend] : cases) {
    for (const TransportOutcome end : kEnds) {
      INFO(status << " " << static_cast<int>(end));
      const Classification classification =
          Classify({.outcome = end, .http_status = status, .error = "how it ended"}, kNow);
      CHECK(classification.outcome == expected);
      CHECK(classification.resend == resend);
      CHECK(classification.counts_against_endpoint == (expected != Outcome::kDelivered));
      const std::string text = absl::StrCat("the endpoint answered ", status);
      CHECK(classification.error.empty() == (expected == Outcome::kDelivered));
      CHECK((classification.error.empty() || absl::StartsWith(classification.error, text)));
    }
  }
}

TEST_CASE("outcome: a failure without an answer keeps its kind, and is sent again in both modes") {
  const std::pair<TransportOutcome, Outcome> cases[] = {
      {TransportOutcome::kDeniedAddress, Outcome::kRefusedByGuard},
      {TransportOutcome::kInvalidUrl, Outcome::kInvalidRequest},
      {TransportOutcome::kNameNotResolved, Outcome::kNameNotResolved},
      {TransportOutcome::kConnectFailed, Outcome::kConnectFailed},
      {TransportOutcome::kTlsFailed, Outcome::kTlsFailed},
      {TransportOutcome::kTimedOut, Outcome::kTimedOut},
      {TransportOutcome::kResponseTooLarge, Outcome::kResponseTooLarge},
      {TransportOutcome::kProtocolError, Outcome::kProtocolError},
      {TransportOutcome::kLocalFailure, Outcome::kLocalFailure},
      {TransportOutcome::kNoAccessToken, Outcome::kNoAccessToken},
      {TransportOutcome::kFunctionFailed, Outcome::kFunctionFailed},
      {TransportOutcome::kCancelled, Outcome::kCancelled}};
  for (const auto& [transport, expected] : cases) {
    const Classification classification =
        Classify({.outcome = transport, .error = "the cause"}, kNow);
    CHECK(classification.outcome == expected);
    CHECK(classification.may_have_arrived);
    CHECK(absl::StartsWith(classification.error, "the cause"));
    CHECK(classification.counts_against_endpoint ==
          (expected != Outcome::kLocalFailure && expected != Outcome::kCancelled &&
           expected != Outcome::kFunctionFailed));
  }
}

TEST_CASE("outcome: a host says what became of a local delivery") {
  using End = TransportOutcome;
  const std::tuple<End, Outcome, Resend, bool> cases[] = {
      {End::kHandled, Outcome::kDelivered, Resend::kNever, false},
      {End::kHandlerFailed, Outcome::kHandlerFailed, Resend::kAtLeastOnce, true},
      {End::kHandlerRefused, Outcome::kHandlerRefused, Resend::kNever, true},
      {End::kNotTaken, Outcome::kNotTaken, Resend::kAlways, false}};
  for (const auto& [end, outcome, resend, counts] : cases) {
    const Classification classification = Classify({.outcome = end, .error = "why"}, kNow);
    CHECK(classification.outcome == outcome);
    CHECK(classification.resend == resend);
    CHECK(classification.counts_against_endpoint == counts);
    CHECK(classification.error == (end == End::kHandled ? "" : "why"));
    CHECK(!classification.wait_min.has_value());
  }
  for (const absl::Duration wait : {absl::Minutes(5), absl::Hours(100)}) {
    const Classification classification =
        Classify({.outcome = End::kHandlerFailed, .retry_after = wait}, kNow);
    CHECK(classification.wait_min == std::min(wait, absl::Hours(24)));
  }
}

TEST_CASE("outcome: an error names what would change it") {
  const auto error = [](TransportOutcome end) {
    return Classify({.outcome = end, .error = "cause"}, kNow).error;
  };
  CHECK(error(TransportOutcome::kDeniedAddress) ==
        "cause; allow its network with --allow-network (allowed_networks)");
  CHECK(error(TransportOutcome::kTimedOut) ==
        "cause; the endpoint's http_timeout sets how long an attempt may take");
  CHECK(error(TransportOutcome::kConnectFailed) == "cause");
  CHECK(Classify({.outcome = TransportOutcome::kResponse, .http_status = 302}, kNow).error ==
        "the endpoint answered 302; redirects are not followed; set the endpoint's url to the "
        "final one");
  // A transport that says nothing still leaves a reason.
  CHECK(Classify({.outcome = TransportOutcome::kConnectFailed}, kNow).error == "connect_failed");
}

TEST_CASE("outcome: only those who ask for patience are given it") {
  for (const int status : {429, 503, 500, 200, 302, 410}) {
    const Classification classification = Classify({.outcome = TransportOutcome::kTimedOut,
                                                    .http_status = status,
                                                    .headers = {{"retry-after", "7"}}},
                                                   kNow);
    const bool is_patient = status == 429 || status == 503;
    CHECK(classification.wait_min == (is_patient ? std::optional(absl::Seconds(7)) : std::nullopt));
  }
}

TEST_CASE("outcome: every outcome has a name of its own") {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Outcome::kCancelled); ++i) {
    names.push_back(OutcomeName(static_cast<Outcome>(i)));
  }
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

}  // namespace
}  // namespace convoy::dispatch
