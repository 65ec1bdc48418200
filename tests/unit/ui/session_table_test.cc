#include "lib/ui/session_table.h"

#include <memory>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::ui {
namespace {

struct World {
  std::shared_ptr<testing::SimClock> clock = std::make_shared<testing::SimClock>();
  std::shared_ptr<Random> random = NewSystemRandom();
  SessionTable table{clock, random, absl::Hours(1), 3};
};

TEST_CASE("session_table: a session gives its credential until it is closed") {
  World world;
  const std::string id = world.table.Open("key");
  CHECK(id.size() == 43);  // 32 bytes
  CHECK(world.table.Find(id) == "key");
  CHECK(world.table.Find("") == std::nullopt);
  CHECK(world.table.Find(id + "x") == std::nullopt);
  world.table.Close(id);
  CHECK(world.table.Find(id) == std::nullopt);
}

TEST_CASE("session_table: a session ends when it is not used, and only then") {
  World world;
  const std::string id = world.table.Open("key");
  for (int i = 0; i < 5; ++i) {
    world.clock->Advance(absl::Minutes(59));
    CHECK(world.table.Find(id) == "key");
  }
  world.clock->Advance(absl::Minutes(61));
  CHECK(world.table.Find(id) == std::nullopt);
}

TEST_CASE("session_table: the one that was not used for longest makes room") {
  World world;
  const std::string first = world.table.Open("1");
  world.clock->Advance(absl::Seconds(1));
  const std::string second = world.table.Open("2");
  world.clock->Advance(absl::Seconds(1));
  const std::string third = world.table.Open("3");
  world.clock->Advance(absl::Seconds(1));
  CHECK(world.table.Find(first) == "1");
  const std::string fourth = world.table.Open("4");
  CHECK(world.table.Find(second) == std::nullopt);
  CHECK(world.table.Find(first) == "1");
  CHECK(world.table.Find(third) == "3");
  CHECK(world.table.Find(fourth) == "4");
}

TEST_CASE("session_table: no id comes twice") {
  World world;
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(world.table.Open("key"));
  CHECK(ids.size() == 1000);
}

}  // namespace
}  // namespace convoy::ui
