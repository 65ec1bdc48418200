#include "lib/base/ulid.h"

#include <limits>
#include <set>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::base {
namespace {

using testing::SeededRandom;
using testing::SimClock;

// Fills with the largest bytes, so that counting up overflows at once.
class LargestRandom final : public Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = 0xFF;
  }
};

TEST_CASE("ulid: the time part is the one of the specification") {
  SimClock clock(absl::FromUnixMillis(1'469'918'176'385));  // the example of the ULID specification
  SeededRandom random;
  UlidGenerator ulids(&clock, &random);
  CHECK(ulids.Next().substr(0, 10) == "01ARYZ6S41");
}

TEST_CASE("ulid: the least id of an instant divides what was made before it from what was not") {
  SimClock clock(absl::FromUnixMillis(1'469'918'176'385));
  SeededRandom random;
  UlidGenerator ulids(&clock, &random);
  const std::string before = ulids.Next();
  clock.Advance(absl::Milliseconds(1));
  const std::string least = LeastUlidAt(clock.Now());
  CHECK(IsUlid(least));
  CHECK(before < least);
  CHECK(least <= ulids.Next());
  CHECK(LeastUlidAt(absl::InfinitePast()) == std::string(26, '0'));
  CHECK(LeastUlidAt(absl::InfiniteFuture()) == "7ZZZZZZZZZ0000000000000000");
}

TEST_CASE("ulid: ids ascend when the clock stands, steps back and moves on") {
  SimClock clock;
  SeededRandom random;
  UlidGenerator ulids(&clock, &random);
  std::string last;
  for (int i = 0; i < 1000; ++i) {
    if (i % 100 == 30) clock.Advance(-absl::Seconds(5));
    if (i % 100 == 60) clock.Advance(absl::Seconds(7));
    const std::string id = ulids.Next();
    CHECK(IsUlid(id));
    CHECK(id > last);
    last = id;
  }
}

TEST_CASE("ulid: ids ascend even if the random part runs over") {
  SimClock clock;
  LargestRandom random;
  UlidGenerator ulids(&clock, &random);
  const std::string first = ulids.Next(), second = ulids.Next();
  CHECK(second > first);
}

TEST_CASE("ulid: many threads never get the same id") {
  SimClock clock;
  SeededRandom random;
  UlidGenerator ulids(&clock, &random);
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) ids.push_back(ulids.Next());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  CHECK(all.size() == 8000);
}

TEST_CASE("ulid: what is not one is recognised") {
  CHECK(IsUlid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
  for (const char* text : {"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "81ARZ3NDEKTSV4RRFFQ69G5FAV",
                           "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAI"}) {
    CHECK_FALSE(IsUlid(text));
  }
}

TEST_CASE("ulid: parts make the same id again, and keys ascend as ids are made") {
  SimClock clock(absl::FromUnixMillis(1'469'918'176'385));
  SeededRandom random;
  UlidGenerator ulids(&clock, &random);
  int64_t last_key = -1;
  for (int i = 0; i < 5000; ++i) {
    if (i % 1000 == 999) clock.Advance(absl::Milliseconds(1));
    const std::string id = ulids.Next();
    const UlidParts parts = SplitUlid(id).value();
    CHECK(JoinUlid(parts) == id);
    CHECK(parts.key > last_key);
    CHECK(parts.tail >= 0);
    last_key = parts.key;
  }
  CHECK(last_key >= LeastKeyAt(clock.Now()));
  CHECK(last_key < LeastKeyAt(clock.Now() + absl::Milliseconds(1)));
}

TEST_CASE("ulid: the key is the milliseconds and the last 21 bits, the tail what lies between") {
  CHECK(SplitUlid("00000000000000000000000000") == UlidParts{.key = 0, .tail = 0});
  CHECK(SplitUlid("00000000000000000000000001") == UlidParts{.key = 1, .tail = 0});
  CHECK(SplitUlid("0000000000000000000001ZZZZ") == UlidParts{.key = (1 << 21) - 1, .tail = 0});
  CHECK(SplitUlid("00000000000000000000020000") == UlidParts{.key = 0, .tail = 1});
  CHECK(SplitUlid("00000000010000000000000000") == UlidParts{.key = 1 << 21, .tail = 0});
  CHECK(SplitUlid("3ZZZZZZZZZZZZZZZZZZZZZZZZZ") == std::nullopt);  // far beyond the year 2109
  CHECK(SplitUlid("03ZZZZZZZZZZZZZZZZZZZZZZZZ") ==
        UlidParts{.key = std::numeric_limits<int64_t>::max(), .tail = (int64_t{1} << 59) - 1});
  CHECK(SplitUlid("04000000000000000000000000") == std::nullopt);
  CHECK(SplitUlid("event") == std::nullopt);
}

TEST_CASE("ulid: ids go on ascending, and have keys, when the clock says the year 3000") {
  SimClock clock(absl::FromUnixSeconds(32'503'680'000));
  SeededRandom random;
  UlidGenerator ulids(&clock, &random);
  std::string last;
  for (int i = 0; i < 100; ++i, clock.Advance(absl::Hours(1))) {
    const std::string id = ulids.Next();
    CHECK(id > last);
    CHECK(SplitUlid(id).has_value());
    last = id;
  }
}

TEST_CASE("ulid: random text has its length and only its alphabet") {
  SeededRandom random;
  std::set<char> seen;
  for (const char c : RandomAlphanumeric(random, 5000)) {
    CHECK(isalnum(static_cast<unsigned char>(c)));
    seen.insert(c);
  }
  CHECK(seen.size() == 62);
  CHECK(RandomAlphanumeric(random, 0).empty());
}

}  // namespace
}  // namespace convoy::base
