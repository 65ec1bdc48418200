#include "lib/route/persistent_set.h"

#include <iterator>
#include <set>
#include <vector>

#include "catch2/catch.hpp"

#include "tests/support/sim_clock.h"

namespace convoy::route {
namespace {

struct Less {
  bool operator()(int a, int b) const { return a < b; }
};
using Set = PersistentSet<int, Less>;

std::vector<int> ValuesOf(const Set& set) {
  std::vector<int> values;
  set.ForEach([&](int value) {
    values.push_back(value);
    return true;
  });
  return values;
}

TEST_CASE("persistent_set: every version stays as it was, whatever is made of it") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    testing::SeededRandom random(seed);
    std::vector<std::pair<Set, std::set<int>>> versions(1);
    for (int step = 0; step < 200; ++step) {
      auto [set, model] = versions[random.Below(versions.size())];
      SetEditor editor;
      for (uint64_t changes = 1 + random.Below(20); changes > 0; --changes) {
        const int value = static_cast<int>(random.Below(60));
        if (random.Chance(60)) {
          set.Put(value, editor);
          model.insert(value);
        } else {
          set.Erase(value, editor);
          model.erase(value);
        }
      }
      versions.emplace_back(std::move(set), std::move(model));
    }
    for (const auto& [set, model] : versions) {
      REQUIRE(ValuesOf(set) == std::vector<int>(model.begin(), model.end()));
      REQUIRE(set.size() == model.size());
      for (int value = 0; value < 60; ++value) {
        REQUIRE((set.Find(value) != nullptr) == model.contains(value));
        REQUIRE(set.CountBefore(value) ==
                static_cast<size_t>(std::distance(model.begin(), model.lower_bound(value))));
        std::vector<int> from;
        set.ForEachFrom(value, [&](int each) {
          from.push_back(each);
          return from.size() < 3;
        });
        std::vector<int> wanted;
        for (auto at = model.lower_bound(value); at != model.end() && wanted.size() < 3; ++at) {
          wanted.push_back(*at);
        }
        REQUIRE(from == wanted);
      }
    }
  }
}

// Counts the copies that are made of it.
struct Counted {
  explicit Counted(int number_in) : number(number_in) {}
  Counted(const Counted& other) : number(other.number) { ++copies; }
  Counted(Counted&& other) noexcept : number(other.number) {}
  Counted& operator=(Counted&& other) noexcept = default;
  int number;
  static inline int copies = 0;
};
struct CountedLess {
  bool operator()(const Counted& a, const Counted& b) const { return a.number < b.number; }
};

TEST_CASE("persistent_set: building copies nothing, a change copies a path") {
  constexpr int kCount = 100'000;
  PersistentSet<Counted, CountedLess> set;
  {
    SetEditor editor;
    for (int i = 0; i < kCount; ++i) set.Put(Counted(i), editor);
  }
  CHECK(Counted::copies == 0);
  for (int i = 0; i < 100; ++i) {
    PersistentSet<Counted, CountedLess> next = set;
    SetEditor editor;
    next.Put(Counted(kCount + i), editor);
    next.Erase(Counted(i * 997), editor);
  }
  CHECK(Counted::copies < 100 * 150);  // 2 * log2(100,000) is 33 for each of the two
}

}  // namespace
}  // namespace convoy::route
