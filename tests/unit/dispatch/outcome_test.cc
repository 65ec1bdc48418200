#include "lib/dispatch/outcome.h"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

const absl::Time kNow = testing::SimEpoch();  // Fri, 01 May 2026 10:00:00 GMT

TEST_CASE("outcome: a status means what it says") {
  const std::pair<int, Outcome> cases[] = {
      {200, Outcome::kDelivered},  {204, Outcome::kDelivered},  {299, Outcome::kDelivered},
      {301, Outcome::kRedirected}, {304, Outcome::kRedirected}, {400, Outcome::kRejected},
      {404, Outcome::kRejected},   {410, Outcome::kGone},       {429, Outcome::kThrottled},
      {500, Outcome::kRejected},   {503, Outcome::kThrottled},  {199, Outcome::kRejected}};
  for (const auto& [status, expected] : cases) {
    INFO(status);
    const Classification classification =
        Classify({.outcome = TransportOutcome::kResponse, .http_status = status}, kNow);
    CHECK(classification.outcome == expected);
    CHECK(classification.has_response);
    CHECK(classification.counts_against_endpoint == (expected != Outcome::kDelivered));
  }
}

TEST_CASE("outcome: a failure on the way keeps its kind") {
  const std::pair<TransportOutcome, Outcome> cases[] = {
      {TransportOutcome::kDeniedAddress, Outcome::kRefusedByGuard},
      {TransportOutcome::kInvalidUrl, Outcome::kInvalidRequest},
      {TransportOutcome::kNameNotResolved, Outcome::kNameNotResolved},
      {TransportOutcome::kConnectFailed, Outcome::kConnectFailed},
      {TransportOutcome::kTlsFailed, Outcome::kTlsFailed},
      {TransportOutcome::kTimedOut, Outcome::kTimedOut},
      {TransportOutcome::kProtocolError, Outcome::kProtocolError},
      {TransportOutcome::kLocalFailure, Outcome::kLocalFailure},
      {TransportOutcome::kCancelled, Outcome::kCancelled}};
  for (const auto& [transport, expected] : cases) {
    const Classification classification = Classify({.outcome = transport}, kNow);
    CHECK(classification.outcome == expected);
    CHECK_FALSE(classification.has_response);
  }
  CHECK_FALSE(Classify({.outcome = TransportOutcome::kCancelled}, kNow).counts_against_endpoint);
  CHECK_FALSE(Classify({.outcome = TransportOutcome::kLocalFailure}, kNow).counts_against_endpoint);
}

TEST_CASE("outcome: an answer that is too long still counts as taken if it says so") {
  const auto outcome = [](int status) {
    return Classify({.outcome = TransportOutcome::kResponseTooLarge, .http_status = status}, kNow)
        .outcome;
  };
  CHECK(outcome(200) == Outcome::kDelivered);
  CHECK(outcome(500) == Outcome::kResponseTooLarge);
}

TEST_CASE("outcome: Retry-After is seconds or a date, within a day") {
  CHECK(ParseRetryAfter("120", kNow) == absl::Seconds(120));
  CHECK(ParseRetryAfter("0", kNow) == absl::ZeroDuration());
  CHECK(ParseRetryAfter("4000000000", kNow) == absl::Hours(24));
  CHECK(ParseRetryAfter("Fri, 01 May 2026 10:01:00 GMT", kNow) == absl::Minutes(1));
  CHECK(ParseRetryAfter("Fri, 01 May 2020 10:01:00 GMT", kNow) == absl::ZeroDuration());
  CHECK(ParseRetryAfter("Friday, 01-May-26 10:01:00 GMT", kNow) == absl::Minutes(1));
  CHECK(ParseRetryAfter("Fri May  1 10:01:00 2026", kNow) == absl::Minutes(1));
  CHECK(ParseRetryAfter("Fri, 01 May 9999 10:01:00 GMT", kNow) == absl::Hours(24));
  for (const char* text :
       {"", "-5", "soon", "1.5", "99999999999999999999", "infinite-future", "infinite-past",
        "Fri, 01 May 2026 10:01:00 CET", "Fri, 99 May 2026 10:01:00 GMT", "2026-05-01T10:01:00Z",
        "120 120", "0x10"}) {
    INFO(text);
    CHECK_FALSE(ParseRetryAfter(text, kNow));
  }
  const TransportResult throttled = {.outcome = TransportOutcome::kResponse,
                                     .http_status = 429,
                                     .headers = {{"retry-after", "7"}}};
  CHECK(Classify(throttled, kNow).wait_min == absl::Seconds(7));
  TransportResult other = throttled;
  other.http_status = 500;
  CHECK_FALSE(Classify(other, kNow).wait_min);
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
