// Admission and eviction of connections, and the memory of their bodies.
#include "examples/convoyd/connection_table.h"

#include <vector>

#include <catch2/catch.hpp>

using convoyd::AddressKey;
using convoyd::ConnectionPhase;
using convoyd::ConnectionPlace;
using convoyd::ConnectionTable;

namespace {

constexpr uint64_t kMib = 1024 * 1024;

using Place = std::unique_ptr<ConnectionPlace>;

Place ReserveIn(ConnectionTable& table, const std::string& address, ConnectionPhase phase,
                int* evicted) {
  Place place = table.Reserve(address);
  REQUIRE(place != nullptr);
  place->set_evict([evicted] { ++*evicted; });
  place->Enter(phase);
  return place;
}

}  // namespace

TEST_CASE("connection_table: a full table closes what has waited longest") {
  ConnectionTable table({.connections_max = 3, .connections_per_address_max = 3});
  int busy = 0, reading = 0, idle = 0, fresh = 0;
  const Place a = ReserveIn(table, "a", ConnectionPhase::kBusy, &busy);
  const Place b = ReserveIn(table, "b", ConnectionPhase::kReadingHead, &reading);
  const Place c = ReserveIn(table, "c", ConnectionPhase::kIdle, &idle);
  const Place d = ReserveIn(table, "d", ConnectionPhase::kNew, &fresh);
  CHECK(reading == 1);
  const Place e = ReserveIn(table, "e", ConnectionPhase::kBusy, &busy);
  CHECK(fresh == 1);
  const Place f = ReserveIn(table, "f", ConnectionPhase::kBusy, &busy);
  CHECK(idle == 1);
  CHECK(table.Reserve("g") == nullptr);
  CHECK(busy == 0);
  CHECK(table.counts().connections == 3);
  CHECK(table.counts().evicted_total == 3);
  CHECK(table.counts().refused_total == 1);
}

TEST_CASE("connection_table: an address has its share, and pays for more itself") {
  ConnectionTable table({.connections_max = 10, .connections_per_address_max = 2});
  int mine = 0, other = 0;
  const Place stranger = ReserveIn(table, "b", ConnectionPhase::kIdle, &other);
  const Place first = ReserveIn(table, "a", ConnectionPhase::kIdle, &mine);
  const Place second = ReserveIn(table, "a", ConnectionPhase::kBusy, &mine);
  const Place third = ReserveIn(table, "a", ConnectionPhase::kBusy, &mine);
  CHECK(mine == 1);
  CHECK(other == 0);
  CHECK(table.Reserve("a") == nullptr);
  CHECK(table.counts().refused_for_address_total == 1);
}

TEST_CASE("connection_table: a place that goes makes room") {
  ConnectionTable table({.connections_max = 1, .connections_per_address_max = 1});
  for (int round = 0; round < 100; ++round) {
    Place place = table.Reserve(round % 2 == 0 ? "a" : "b");
    REQUIRE(place != nullptr);
    place->Enter(round % 3 == 0 ? ConnectionPhase::kIdle : ConnectionPhase::kBusy);
  }
  CHECK(table.counts().connections == 0);
  CHECK_FALSE(table.EvictOne());
}

TEST_CASE("connection_table: the memory of bodies is bounded, in all and of one address") {
  ConnectionTable table(
      {.body_memory_bytes_max = 80 * kMib, .body_memory_per_address_bytes_max = 40 * kMib});
  const Place a = table.Reserve("a");
  const Place b = table.Reserve("b");
  const Place c = table.Reserve("c");
  CHECK(a->Grow(0, 20 * kMib));
  CHECK(a->Grow(20 * kMib, 35 * kMib));
  CHECK_FALSE(a->Grow(35 * kMib, 36 * kMib));
  CHECK(b->Grow(0, 35 * kMib));
  CHECK_FALSE(c->Grow(0, kMib));
  CHECK(c->Grow(0, 64 * 1024));  // small ones still fit
  CHECK(table.counts().memory_refused_total == 2);
  b->ReleaseMemory();
  CHECK(c->Grow(64 * 1024, 30 * kMib));
  CHECK(table.counts().body_memory_bytes == 65 * kMib);
}

TEST_CASE("connection_table: what is given away gives its memory back once") {
  ConnectionTable table({.connections_max = 1, .connections_per_address_max = 1});
  Place a = table.Reserve("a");
  REQUIRE(a->Grow(0, kMib));
  a->Enter(ConnectionPhase::kIdle);
  const Place b = table.Reserve("b");
  REQUIRE(b != nullptr);
  CHECK(table.counts().body_memory_bytes == 0);
  a->Enter(ConnectionPhase::kBusy);
  a->ReleaseMemory();
  a.reset();
  CHECK(table.counts().connections == 1);
  CHECK(table.counts().body_memory_bytes == 0);
}

TEST_CASE("connection_table: one IPv6 host has one key") {
  CHECK(AddressKey("192.0.2.1") == "192.0.2.1");
  CHECK(AddressKey("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(AddressKey("2001:db8:1:2:3:4:5:6") == AddressKey("2001:db8:1:2::1"));
  CHECK(AddressKey("2001:db8:1:2::1") != AddressKey("2001:db8:1:3::1"));
}
