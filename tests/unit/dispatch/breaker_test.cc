#include "lib/dispatch/breaker.h"

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

using State = Breaker::State;
using Change = Breaker::Change;

const absl::Time kNow = testing::SimEpoch();
const CircuitBreaker kSettings = {.sample_interval = absl::Seconds(1),
                                  .error_timeout = absl::Seconds(30),
                                  .failure_threshold = 70,
                                  .window = absl::Minutes(5),
                                  .requests_min = 10,
                                  .consecutive_failures_max = 3};

// One result a second, so that each is judged.
struct World {
  Change Run(int successes, int failures) {
    Change last = Change::kNone;
    for (int i = 0; i < successes + failures; ++i) {
      now += absl::Seconds(1);
      last = breaker.OnResult(kSettings, i < successes, now);
    }
    return last;
  }

  Breaker breaker;
  absl::Time now = kNow;
};

TEST_CASE("breaker: it opens when enough attempts were seen and too many failed") {
  World few;
  CHECK(few.Run(0, 9) == Change::kNone);
  CHECK(few.breaker.state(few.now) == State::kClosed);
  CHECK(few.Run(0, 1) == Change::kOpened);
  CHECK(few.breaker.state(few.now) == State::kOpen);
  CHECK(few.breaker.open_until() == few.now + absl::Seconds(30));
  World mixed;
  CHECK(mixed.Run(10, 23) == Change::kNone);
  CHECK(mixed.Run(0, 1) == Change::kOpened);  // 24 of 34 are more than 70 percent
  CHECK(mixed.breaker.failure_rate(kSettings, mixed.now) > 70);
}

TEST_CASE("breaker: after its rest one success closes it, one failure opens it anew") {
  World world;
  world.Run(0, 10);
  world.now += absl::Seconds(30);
  CHECK(world.breaker.state(world.now) == State::kHalfOpen);
  CHECK(world.Run(0, 1) == Change::kOpened);
  CHECK(world.breaker.state(world.now) == State::kOpen);
  world.now += absl::Seconds(30);
  CHECK(world.Run(1, 0) == Change::kClosed);
  CHECK(world.breaker.state(world.now) == State::kClosed);
  CHECK(world.breaker.is_rested());
  CHECK(world.breaker.failure_rate(kSettings, world.now) == 0);
}

TEST_CASE("breaker: opened as often in a row as allowed, the endpoint is given up") {
  World world;
  CHECK(world.Run(0, 10) == Change::kOpened);
  world.now += absl::Seconds(30);
  CHECK(world.Run(0, 1) == Change::kOpened);
  world.now += absl::Seconds(30);
  CHECK(world.Run(0, 1) == Change::kExhausted);
}

TEST_CASE("breaker: what was on its way when it opened changes nothing") {
  World world;
  world.Run(0, 10);
  CHECK(world.Run(1, 5) == Change::kNone);
  CHECK(world.breaker.state(world.now) == State::kOpen);
}

TEST_CASE("breaker: what lies before the window is forgotten") {
  World world;
  world.Run(0, 9);
  world.now += absl::Minutes(5);
  CHECK(world.breaker.failure_rate(kSettings, world.now) == 0);
  CHECK(world.Run(0, 1) == Change::kNone);
}

TEST_CASE("breaker: it is judged no more often than the settings say") {
  CircuitBreaker settings = kSettings;
  settings.sample_interval = absl::Seconds(30);
  Breaker breaker;
  absl::Time now = kNow;
  for (int i = 0; i < 10; ++i) {
    CHECK(breaker.OnResult(settings, true, now += absl::Seconds(1)) == Change::kNone);
  }
  for (int i = 0; i < 29; ++i) {
    CHECK(breaker.OnResult(settings, false, now += absl::Seconds(1)) == Change::kNone);
  }
  CHECK(breaker.OnResult(settings, false, now += absl::Seconds(1)) == Change::kOpened);
}

TEST_CASE("breaker: a clock that is set back does not keep it open") {
  World world;
  world.Run(0, 10);
  CHECK(world.breaker.state(world.now - absl::Hours(2)) == State::kHalfOpen);
  CHECK(world.breaker.state(world.now + absl::Hours(2)) == State::kHalfOpen);
}

}  // namespace
}  // namespace convoy::dispatch
