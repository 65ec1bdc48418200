#include "lib/broker/kafka/ledger.h"

#include <catch2/catch.hpp>

namespace convoy::kafka {
namespace {

using Progress = std::vector<std::pair<int32_t, int64_t>>;

TEST_CASE("ledger: nothing may be committed before it is acknowledged") {
  Ledger ledger;
  ledger.HandOut(0, 7);
  CHECK(ledger.TakeProgress().empty());
}

TEST_CASE("ledger: the offset behind what was acknowledged may be committed, once") {
  Ledger ledger;
  const uint64_t tag = ledger.HandOut(3, 7);
  ledger.Acknowledge(tag);
  CHECK(ledger.TakeProgress() == Progress{{3, 8}});
  CHECK(ledger.TakeProgress().empty());
}

TEST_CASE("ledger: a message that is not acknowledged holds those behind it") {
  Ledger ledger;
  const uint64_t first = ledger.HandOut(0, 10);
  const uint64_t second = ledger.HandOut(0, 11);
  const uint64_t third = ledger.HandOut(0, 12);
  ledger.Acknowledge(first);
  ledger.Acknowledge(third);
  CHECK(ledger.TakeProgress() == Progress{{0, 11}});
  ledger.Acknowledge(second);
  CHECK(ledger.TakeProgress() == Progress{{0, 13}});
}

TEST_CASE("ledger: gaps between offsets are passed over") {
  Ledger ledger;
  const uint64_t first = ledger.HandOut(0, 10);
  const uint64_t second = ledger.HandOut(0, 25);
  ledger.Acknowledge(first);
  CHECK(ledger.TakeProgress() == Progress{{0, 25}});
  ledger.Acknowledge(second);
  CHECK(ledger.TakeProgress() == Progress{{0, 26}});
}

TEST_CASE("ledger: partitions do not hold each other") {
  Ledger ledger;
  ledger.HandOut(0, 5);
  const uint64_t other = ledger.HandOut(1, 50);
  ledger.Acknowledge(other);
  CHECK(ledger.TakeProgress() == Progress{{1, 51}});
}

TEST_CASE("ledger: what was handed out of a partition that went away is not acknowledged") {
  Ledger ledger;
  const uint64_t lost = ledger.HandOut(0, 5);
  const uint64_t kept = ledger.HandOut(1, 6);
  ledger.Forget(0);
  ledger.Acknowledge(lost);
  ledger.Acknowledge(kept);
  CHECK(ledger.TakeProgress() == Progress{{1, 7}});
}

TEST_CASE("ledger: a late acknowledgement does not count for a partition that came back") {
  Ledger ledger;
  const uint64_t late = ledger.HandOut(0, 5);
  ledger.Forget(0);
  const uint64_t now = ledger.HandOut(0, 100);  // another member went on to there
  ledger.Acknowledge(late);
  CHECK(ledger.TakeProgress().empty());
  ledger.Acknowledge(now);
  CHECK(ledger.TakeProgress() == Progress{{0, 101}});
}

TEST_CASE("ledger: what could not be committed is given again") {
  Ledger ledger;
  ledger.Acknowledge(ledger.HandOut(0, 5));
  CHECK(ledger.TakeProgress() == Progress{{0, 6}});
  ledger.Retract(0);
  CHECK(ledger.TakeProgress() == Progress{{0, 6}});
  ledger.Acknowledge(ledger.HandOut(1, 8));
  ledger.RetractAll();
  CHECK(ledger.TakeProgress() == Progress{{0, 6}, {1, 9}});
  ledger.Forget(0);
  ledger.Retract(0);
  CHECK(ledger.TakeProgress().empty());
}

TEST_CASE("ledger: unknown tags are ignored") {
  Ledger ledger;
  const uint64_t tag = ledger.HandOut(0, 5);
  ledger.Acknowledge(0);
  ledger.Acknowledge(tag + 1);
  CHECK(ledger.TakeProgress().empty());
  ledger.Acknowledge(tag);
  ledger.Acknowledge(tag);
  CHECK(ledger.TakeProgress() == Progress{{0, 6}});
}

}  // namespace
}  // namespace convoy::kafka
