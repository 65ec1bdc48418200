#include "lib/dispatch/retry_after.h"

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

const absl::Time kNow = testing::SimEpoch();  // Fri, 01 May 2026 10:00:00 GMT

TEST_CASE("retry_after: seconds and dates in every spelling, within a day") {
  const std::pair<const char*, absl::Duration> cases[] = {
      {"120", absl::Seconds(120)},
      {"0", absl::ZeroDuration()},
      {"000", absl::ZeroDuration()},
      {"0120", absl::Seconds(120)},
      {" 120\t", absl::Seconds(120)},
      {"1.5", absl::Seconds(2)},
      {"1.0", absl::Seconds(1)},
      {"0.001", absl::Seconds(1)},
      {"86400", absl::Hours(24)},
      {"86401", absl::Hours(24)},
      {"86400.5", absl::Hours(24)},
      {"4000000000", absl::Hours(24)},
      {"99999999999999999999999999999999999999", absl::Hours(24)},
      {"Fri, 01 May 2026 10:01:00 GMT", absl::Minutes(1)},
      {"Friday, 01-May-26 10:01:00 GMT", absl::Minutes(1)},
      {"Fri May  1 10:01:00 2026", absl::Minutes(1)},
      {"Fri, 01 May 2020 10:01:00 GMT", absl::ZeroDuration()},
      {"Friday, 01-May-20 10:01:00 GMT", absl::ZeroDuration()},
      {"Fri May  1 10:01:00 2020", absl::ZeroDuration()},
      {"Fri, 01 May 9999 10:01:00 GMT", absl::Hours(24)}};
  for (const auto& [text, wait] : cases) {
    INFO(text);
    CHECK(ParseRetryAfter(text, kNow) == wait);
  }
}

TEST_CASE("retry_after: anything else asks for nothing") {
  for (const char* text : {"",
                           " ",
                           "-5",
                           "-1.5",
                           "+5",
                           "soon",
                           "1.",
                           ".5",
                           "1.5.5",
                           "1,5",
                           "1e3",
                           "0x10",
                           "120 120",
                           "120s",
                           "infinite-future",
                           "infinite-past",
                           "Fri, 01 May 2026 10:01:00 CET",
                           "Fri, 99 May 2026 10:01:00 GMT",
                           "2026-05-01T10:01:00Z",
                           "NaN",
                           "\x31\x80"}) {
    INFO(text);
    CHECK_FALSE(ParseRetryAfter(text, kNow));
  }
  CHECK_FALSE(ParseRetryAfter(std::string(100'000, 'F'), kNow));
}

TEST_CASE("retry_after: of several headers the longest wait counts") {
  CHECK_FALSE(RetryAfterOf({{"X", "5"}}, kNow));
  CHECK(RetryAfterOf({{"retry-after", "7"}, {"RETRY-AFTER", "9"}, {"Retry-After", "soon"}}, kNow) ==
        absl::Seconds(9));
  CHECK(RetryAfterOf({{"Retry-After", "-1"}, {"Retry-After", "0"}}, kNow) == absl::ZeroDuration());
}

}  // namespace
}  // namespace convoy::dispatch
