// The store in memory and the one in PostgreSQL do the same, whatever is asked of them. A failure
// names the seed that repeats it.
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/twins.h"

namespace convoy::testing {
namespace {

constexpr int kSeeds = 30;
constexpr int kSteps = 250;

TEST_CASE("differential: memory and PostgreSQL answer alike whatever is asked of them") {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    PostgresStores stores;
    Twins twins(static_cast<uint64_t>(seed), stores.OpenEmpty().value());
    for (int step = 0; step < kSteps; ++step) {
      INFO("seed " << seed << ", step " << step);
      twins.Step();
    }
  }
}

}  // namespace
}  // namespace convoy::testing
