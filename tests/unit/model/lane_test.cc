#include "convoy/lane.h"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy {
namespace {

const absl::Time kNow = testing::SimEpoch();

// Hands out all that the pace allows, at random instants or as soon as it says, to the end.
std::vector<absl::Time> PlayPace(const RateLimit& limit, absl::Duration time, uint64_t seed) {
  testing::SeededRandom random(seed);
  const bool is_prompt = seed % 2 == 0;
  const Pace pace(limit);
  std::vector<absl::Time> times;
  absl::Time arrival = absl::UnixEpoch();
  for (absl::Time now = kNow; now < kNow + time;) {
    const auto wanted = static_cast<uint32_t>(random.Chance(50) ? 1'000 : random.Below(3));
    const uint32_t count = std::min(wanted, pace.RoomAt(now, arrival));
    arrival = pace.After(count, now, arrival);
    times.insert(times.end(), count, now);
    const absl::Time open_at = pace.ClosedUntil(now, arrival);
    const auto random_step = static_cast<int64_t>(
        random.Below(static_cast<uint64_t>(absl::ToInt64Microseconds(pace.interval()) * 3 + 1)));
    now = std::max(now + absl::Microseconds(1),
                   is_prompt ? open_at : now + absl::Microseconds(random_step));
  }
  return times;
}

size_t CountMost(const std::vector<absl::Time>& times, absl::Duration window) {
  size_t most = 0;
  size_t first = 0;
  for (size_t last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] >= window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

TEST_CASE("lane: no window holds more than the limit, even if the way takes 100 ms more or less") {
  const uint32_t count = GENERATE(1, 2, 3, 5, 10, 49, 50, 99, 100, 1'000, 5'000);
  const absl::Duration window =
      GENERATE(absl::Milliseconds(500), absl::Seconds(1), absl::Seconds(10), absl::Minutes(1));
  const RateLimit limit{.count = count, .window = window};
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const std::vector<absl::Time> times = PlayPace(limit, window * 4, seed);
    INFO(count << " in " << absl::FormatDuration(window) << ", seed " << seed);
    CHECK(CountMost(times, window + std::min(window / 10, absl::Milliseconds(100))) <= count);
    CHECK_FALSE(times.empty());
  }
}

TEST_CASE("lane: what may flow flows: at least 85 percent of the limit") {
  const uint32_t count = GENERATE(2, 10, 100, 1'000, 5'000);
  const absl::Duration window = GENERATE(absl::Seconds(1), absl::Seconds(10), absl::Minutes(1));
  const Pace pace({.count = count, .window = window});
  absl::Time arrival = absl::UnixEpoch();
  uint64_t handed_out = 0;
  for (absl::Time now = kNow; now < kNow + window * 10;) {
    const uint32_t room = pace.RoomAt(now, arrival);
    arrival = pace.After(room, now, arrival);
    handed_out += room;
    REQUIRE(pace.ClosedUntil(now, arrival) > now);
    now = pace.ClosedUntil(now, arrival);
  }
  INFO(count << " in " << absl::FormatDuration(window) << ": " << handed_out / 10);
  CHECK(handed_out >= count * 10 * 85 / 100);
}

TEST_CASE("lane: a limit of zero is none, and forgets what another one used") {
  const Pace pace(RateLimit{.count = 0});
  CHECK_FALSE(pace.is_limited());
  CHECK(pace.RoomAt(kNow, absl::InfiniteFuture()) > 1'000'000);
  CHECK(pace.ClosedUntil(kNow, absl::InfiniteFuture()) < kNow);
  CHECK(pace.After(5, kNow, kNow + absl::Hours(1)) == absl::UnixEpoch());
}

TEST_CASE(
    "lane: after a clock was set back, or under a new limit, one interval is waited at most") {
  const Pace pace({.count = 10, .window = absl::Seconds(10)});
  const absl::Time far = kNow + absl::Hours(2);
  CHECK(pace.RoomAt(kNow, far) == 0);
  CHECK(pace.ClosedUntil(kNow, far) == kNow + pace.interval());
  const absl::Time arrival = pace.After(0, kNow, far);
  CHECK(pace.RoomAt(kNow + pace.interval(), arrival) == 1);
}

TEST_CASE("lane: a slow rate is looked at again within the hour") {
  const Pace pace({.count = 1, .window = absl::Hours(24 * 30)});
  const absl::Time arrival = pace.After(1, kNow, absl::UnixEpoch());
  CHECK(pace.ClosedUntil(kNow, arrival) == kNow + kLaneClosureMax);
  CHECK(pace.RoomAt(kNow + absl::Hours(24 * 30 - 1), arrival) == 0);
  CHECK(pace.RoomAt(kNow + absl::Hours(24 * 30 + 1), arrival) == 1);
}

}  // namespace
}  // namespace convoy
