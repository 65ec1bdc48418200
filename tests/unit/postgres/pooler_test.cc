// The store behind a real PgBouncer in transaction mode: it does the same as on its own sessions,
// and leaves nothing behind in those that it borrows.
#include "tests/unit/postgres/pooler.h"

#include <libpq-fe.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "convoy/testing/storage_conformance.h"
#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"
#include "tests/unit/storage/twins.h"

namespace convoy::testing {
namespace {

TEST_CASE("pooler: the store passes the conformance suite behind PgBouncer") {
  PostgresServer::Get().WaitUntilSettled();
  Pooler pooler;
  PostgresStores stores;
  stores.set_dsn(pooler.dsn());
  const ConformanceReport report = CheckStorage(stores);
  for (const ConformanceFailure& failure : report.failures) {
    INFO(failure.requirement << "\n    " << failure.detail);
    CHECK(false);
  }
  CHECK(report.checked.size() == 84);
  CHECK(report.skipped.empty());
}

TEST_CASE("pooler: a store behind PgBouncer and one in memory answer alike") {
  Pooler pooler;
  for (int seed = 1; seed <= 4; ++seed) {
    PostgresStores stores;
    stores.set_dsn(pooler.dsn());
    Twins twins(static_cast<uint64_t>(seed), stores.OpenEmpty().value());
    for (int step = 0; step < 150; ++step) {
      INFO("seed " << seed << ", step " << step);
      twins.Step();
    }
  }
}

TEST_CASE("pooler: sessions that were borrowed are as they were") {
  Pooler pooler;
  PostgresStores stores;
  stores.set_dsn(pooler.dsn());
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  PGconn* const connection = PQconnectdb(pooler.dsn().c_str());
  for (int i = 0; i < 12; ++i) {
    PGresult* const result = PQexec(
        connection,
        "SELECT current_setting('search_path') || current_setting('enable_seqscan') || "
        "(SELECT count(*) FROM pg_prepared_statements) || (SELECT count(*) FROM pg_locks WHERE "
        "locktype = 'advisory' AND pid = pg_backend_pid())");
    REQUIRE(PQresultStatus(result) == PGRES_TUPLES_OK);
    CHECK(std::string(PQgetvalue(result, 0, 0)) == "\"$user\", publicon00");
    PQclear(result);
  }
  PQfinish(connection);
}

TEST_CASE("pooler: an opener behind it that counts on keeps its claims, one that ends loses them") {
  PostgresServer::Get().WaitUntilSettled();
  Pooler pooler;
  PostgresStores stores;
  stores.set_dsn(pooler.dsn());
  auto first = stores.OpenEmpty().value();
  stores.set_dsn("");
  const auto second = stores.OpenAgain().value();  // not behind it
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*first, "", {MakeProject(1)}).status.ok());
  const Event event = MakeEvent(project, 1);
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  REQUIRE(Submit(*first, event, {delivery}).status.ok());
  REQUIRE(first->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() == 1);
  // Longer than a silent one would be believed to live.
  absl::Time now = SampleEpoch();
  for (int i = 0; i < 36; ++i) {
    now += absl::Milliseconds(1100);
    CHECK(second->ClaimDue({.now = now}).value().deliveries.empty());
    absl::SleepFor(absl::Milliseconds(500));
  }
  first.reset();
  now += absl::Milliseconds(1100);
  CHECK(second->ClaimDue({.now = now}).value().deliveries.size() == 1);
}

}  // namespace
}  // namespace convoy::testing
