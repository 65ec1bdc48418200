// The store in PostgreSQL against the suite that every store must pass, on a real server.
#include <catch2/catch.hpp>

#include "convoy/testing/storage_conformance.h"
#include "convoy/ulid.h"
#include "lib/testing/storage_samples.h"
#include "tests/unit/postgres/server.h"

namespace convoy::testing {
namespace {

std::string TextOf(const ConformanceReport& report) {
  std::string text;
  for (const ConformanceFailure& failure : report.failures) {
    text += failure.requirement + "\n    " + failure.detail + "\n";
  }
  return text;
}

int64_t KeyOf(const std::string& id) { return SplitUlid(id).value().key; }

void CheckAll(PostgresStores& stores) {
  PostgresServer::Get().WaitUntilSettled();
  const ConformanceReport report = CheckStorage(stores);
  INFO(TextOf(report));
  CHECK(report.failures.empty());
  CHECK(report.checked.size() == 84);
  CHECK(report.skipped.empty());
}

TEST_CASE("storage_conformance: postgres") {
  PostgresStores stores;
  CheckAll(stores);
}

// Rows that belong together are in different partitions.
TEST_CASE("storage_conformance: postgres, with the samples in many partitions") {
  PostgresStores stores;
  stores.set_cuts({KeyOf(Id('A', 2)), KeyOf(Id('D', 2)), KeyOf(Id('D', 5)), KeyOf(Id('D', 30)),
                   KeyOf(EventId(2)), KeyOf(EventId(4)), KeyOf(EventId(9))});
  CheckAll(stores);
}

}  // namespace
}  // namespace convoy::testing
