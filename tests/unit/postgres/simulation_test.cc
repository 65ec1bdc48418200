// Runs of the simulator on the store in PostgreSQL: every guarantee holds there, too, under the
// faults of the model (tests/simulation/FAULTS.md). A seed does not run as on the store in memory:
// the two claim deliveries that are due at the same instant in different orders.
//
//   CONVOY_SIMULATION_SEEDS=1000 build/dev/bin/test_unit_postgres 'simulation*'
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/ulid.h"
#include "tests/simulation/simulator.h"
#include "tests/unit/postgres/server.h"

namespace convoy::testing {
namespace {

using simulation::Canary;
using simulation::Figures;
using simulation::Simulator;

uint64_t SeedsCount() {
  const char* const count = std::getenv("CONVOY_SIMULATION_SEEDS");
  return count == nullptr ? 8 : std::stoull(count);
}

// Opens an empty store that has the clock of the run, with a partition for each of its first hours.
std::unique_ptr<Storage> OpenOn(PostgresStores& stores, Clock* clock) {
  std::vector<int64_t> cuts;
  for (int hour = 1; hour < 8; ++hour) cuts.push_back(LeastKeyAt(clock->Now() + absl::Hours(hour)));
  stores.set_cuts(cuts);
  REQUIRE(stores.OpenEmpty().ok());
  storage::postgres::PostgresOptions options = stores.options();
  options.clock = clock;
  absl::StatusOr<std::unique_ptr<Storage>> store = storage::postgres::OpenPostgres(options);
  REQUIRE(store.ok());
  return *std::move(store);
}

TEST_CASE("simulation: runs on PostgreSQL keep every guarantee") {
  PostgresServer::Get().WaitUntilSettled();
  Figures sum;
  for (uint64_t seed = 1; seed <= SeedsCount(); ++seed) {
    INFO("seed " << seed);
    PostgresStores stores;
    Simulator run(seed, Canary::kNone, [&](Clock* clock) { return OpenOn(stores, clock); });
    REQUIRE(run.Run() == "");
    sum.requests_arrived += run.figures().requests_arrived;
    sum.events_pruned += run.figures().events_pruned;
  }
  CHECK(sum.requests_arrived > 0);
  CHECK(sum.events_pruned > 0);
}

TEST_CASE("simulation: a guarantee that is broken on PostgreSQL is noticed") {
  std::string failure;
  for (uint64_t seed = 1; seed <= 20 && failure.empty(); ++seed) {
    PostgresStores stores;
    Simulator run(seed, Canary::kEvents, [&](Clock* clock) { return OpenOn(stores, clock); });
    failure = run.Run();
  }
  CHECK(failure != "");
}

}  // namespace
}  // namespace convoy::testing
