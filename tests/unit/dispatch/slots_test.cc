#include "lib/dispatch/slots.h"

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

const absl::Time kNow = testing::SimEpoch();
constexpr SlotPool kPool = {.slots_max = 1024, .slots_per_endpoint_max = 16};

void Answer(Standing& standing, absl::Duration elapsed, bool is_success = true) {
  standing.OnStart(kNow);
  standing.OnEnd(kNow, is_success, elapsed);
}

TEST_CASE("slots: an endpoint starts with one and earns more by quick answers") {
  Standing standing;
  for (const uint32_t room : {1u, 2u, 4u, 8u, 16u, 16u}) {
    CHECK(kPool.RoomOf(standing, kNow) == room);
    Answer(standing, absl::Milliseconds(20));
  }
  standing.OnStart(kNow);
  CHECK(kPool.RoomOf(standing, kNow) == 15);
  standing.OnCancelled(kNow);
  CHECK(kPool.RoomOf(standing, kNow) == 16);
}

TEST_CASE("slots: slow answers earn fewer, in proportion to how long they hold a slot") {
  const std::pair<absl::Duration, uint32_t> cases[] = {{absl::Milliseconds(900), 16},
                                                       {absl::Seconds(2), 8},
                                                       {absl::Seconds(4), 4},
                                                       {absl::Seconds(30), 1}};
  for (const auto& [latency, earned] : cases) {
    Standing standing;
    for (int i = 0; i < 10; ++i) Answer(standing, latency);
    CHECK(standing.earned_count(16) == earned);
    CHECK_FALSE(standing.is_doubtful(kNow));
  }
}

TEST_CASE("slots: as many deliveries wait for a slot as end in it while a claim is on its way") {
  const std::pair<absl::Duration, uint32_t> cases[] = {{absl::Milliseconds(1), 8},
                                                       {absl::Milliseconds(20), 5},
                                                       {absl::Milliseconds(60), 1},
                                                       {absl::Seconds(30), 1}};
  for (const auto& [latency, waiting] : cases) {
    Standing standing;
    CHECK(kPool.WaitingMaxOf(standing) == 1);
    for (int i = 0; i < 10; ++i) Answer(standing, latency);
    CHECK(standing.ends_per_claim() == waiting);
  }
  Standing standing;
  for (int i = 0; i < 10; ++i) Answer(standing, absl::Milliseconds(20));
  CHECK(SlotPool{.slots_max = 1024, .slots_per_endpoint_max = 16}.WaitingMaxOf(standing) == 80);
  // No more than an eighth of the pool, but one for each slot.
  CHECK(SlotPool{.slots_max = 320, .slots_per_endpoint_max = 16}.WaitingMaxOf(standing) == 40);
  CHECK(SlotPool{.slots_max = 64, .slots_per_endpoint_max = 16}.WaitingMaxOf(standing) == 16);
}

TEST_CASE("slots: a failure that took long takes all but one away, a quick one half") {
  Standing standing;
  for (int i = 0; i < 5; ++i) Answer(standing, absl::Milliseconds(20));
  Answer(standing, absl::Milliseconds(20), false);
  CHECK(standing.earned_count(32) == 16);
  CHECK_FALSE(standing.is_doubtful(kNow));
  Answer(standing, absl::Seconds(10), false);
  CHECK(standing.earned_count(32) == 1);
  CHECK(standing.is_doubtful(kNow));
  Answer(standing, absl::Milliseconds(20));
  CHECK_FALSE(standing.is_doubtful(kNow));
  for (int i = 0; i < 3; ++i) Answer(standing, absl::Milliseconds(20), false);
  CHECK(standing.is_doubtful(kNow));
}

TEST_CASE("slots: an endpoint that has begun to hang is doubtful before the first timeout") {
  Standing standing;
  for (int i = 0; i < 5; ++i) Answer(standing, absl::Milliseconds(20));
  standing.OnStart(kNow);
  CHECK(kPool.RoomOf(standing, kNow + absl::Milliseconds(900)) == 15);
  CHECK(kPool.RoomOf(standing, kNow + absl::Milliseconds(1100)) == 0);
  // One that has always been slow is not.
  Standing slow;
  for (int i = 0; i < 5; ++i) Answer(slow, absl::Seconds(3));
  slow.OnStart(kNow);
  CHECK_FALSE(slow.is_doubtful(kNow + absl::Seconds(5)));
  CHECK(slow.is_doubtful(kNow + absl::Seconds(7)));
}

TEST_CASE("slots: doubtful endpoints hold half of the pool at most") {
  Standing doubtful;
  Answer(doubtful, absl::Seconds(10), false);
  SlotPool pool = kPool;
  pool.used_count = pool.doubtful_count = 511;
  CHECK(pool.RoomOf(doubtful, kNow) == 1);
  pool.used_count = pool.doubtful_count = 512;
  CHECK(pool.RoomOf(doubtful, kNow) == 0);
  CHECK(pool.RoomOf(Standing(), kNow) == 1);
}

TEST_CASE("slots: endpoints of which nothing is known leave a quarter to those that answer") {
  Standing known;
  Answer(known, absl::Milliseconds(20));
  SlotPool pool = kPool;
  pool.used_count = pool.new_count = 767;
  CHECK(pool.RoomOf(Standing(), kNow) == 1);
  pool.used_count = pool.new_count = 768;
  CHECK(pool.RoomOf(Standing(), kNow) == 0);
  CHECK(pool.RoomOf(known, kNow) > 0);
  pool = kPool;
  Standing held;
  held.OnStart(kNow);
  pool.Count(held, kNow);
  CHECK(pool.new_count == 1);
  pool.Count(held, kNow + absl::Seconds(2));
  CHECK(pool.doubtful_count == 1);
}

TEST_CASE("slots: shares shrink with what is left of the pool, and never exceed it") {
  Standing standing;
  for (int i = 0; i < 5; ++i) Answer(standing, absl::Milliseconds(20));
  SlotPool pool = kPool;
  for (const auto& [used, room] :
       {std::pair{512u, 16u}, {800u, 14u}, {960u, 4u}, {1000u, 1u}, {1023u, 1u}, {1024u, 0u}}) {
    pool.used_count = used;
    CHECK(pool.RoomOf(standing, kNow) == room);
  }
  SlotPool tiny = {.slots_max = 1, .slots_per_endpoint_max = 16};
  CHECK(tiny.RoomOf(standing, kNow) == 1);
  Standing failed;
  Answer(failed, absl::Seconds(10), false);
  CHECK(tiny.RoomOf(failed, kNow) == 1);  // else it could never recover
}

}  // namespace
}  // namespace convoy::dispatch
