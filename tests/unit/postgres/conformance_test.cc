// The store in PostgreSQL against the suite that every store must pass, on a real server.
#include <catch2/catch.hpp>

#include "convoy/testing/storage_conformance.h"
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

TEST_CASE("storage_conformance: postgres") {
  PostgresServer::Get().WaitUntilSettled();
  PostgresStores stores;
  const ConformanceReport report = CheckStorage(stores);
  INFO(TextOf(report));
  CHECK(report.failures.empty());
  CHECK(report.checked.size() == 84);
  CHECK(report.skipped.empty());
}

}  // namespace
}  // namespace convoy::testing
