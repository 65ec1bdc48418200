#include "lib/dispatch/lane.h"

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

const absl::Time kNow = testing::SimEpoch();
const RateLimit kLimit = {.count = 3, .window = absl::Seconds(60)};

TEST_CASE("lane: admits as many as its rate allows, then says when there will be room") {
  Lane lane;
  for (int i = 0; i < 3; ++i) CHECK(lane.TryAcquire(kLimit, kNow));
  CHECK_FALSE(lane.TryAcquire(kLimit, kNow));
  CHECK(lane.is_blocked(kNow));
  const absl::Time open_at = lane.blocked_until();
  CHECK(open_at - kNow == absl::Seconds(20));
  CHECK_FALSE(lane.is_blocked(open_at));
  CHECK(lane.TryAcquire(kLimit, open_at));
  CHECK_FALSE(lane.TryAcquire(kLimit, open_at));
}

TEST_CASE("lane: in any window no more than the limit and its refill pass") {
  testing::SeededRandom random(5);
  Lane lane;
  absl::Time now = kNow;
  int admitted_count = 0;
  while (now < kNow + absl::Minutes(10)) {
    admitted_count += lane.TryAcquire(kLimit, now);
    now += absl::Milliseconds(random.Below(3000));
  }
  CHECK(admitted_count <= 3 + 30);
  CHECK(admitted_count >= 30);
}

TEST_CASE("lane: a limit of zero is none") {
  Lane lane;
  for (int i = 0; i < 10'000; ++i) CHECK(lane.TryAcquire({.count = 0}, kNow));
}

TEST_CASE("lane: it is forgotten only when that gives nothing away") {
  Lane lane;
  CHECK(lane.may_be_forgotten(kNow));
  lane.TryAcquire(kLimit, kNow);
  CHECK_FALSE(lane.may_be_forgotten(kNow));
  lane.Release();
  CHECK_FALSE(lane.may_be_forgotten(kNow + kLimit.window));
  CHECK(lane.may_be_forgotten(kNow + kLimit.window + absl::Seconds(1)));
  Lane slow;
  slow.TryAcquire({.count = 1, .window = absl::Hours(24)}, kNow);
  slow.Release();
  CHECK_FALSE(slow.may_be_forgotten(kNow + absl::Hours(23)));
}

TEST_CASE("lane: a clock that steps back neither opens nor closes it for long") {
  Lane lane;
  for (int i = 0; i < 3; ++i) CHECK(lane.TryAcquire(kLimit, kNow));
  CHECK_FALSE(lane.TryAcquire(kLimit, kNow - absl::Hours(1)));
  CHECK(lane.blocked_until() <= kNow);
}

}  // namespace
}  // namespace convoy::dispatch
