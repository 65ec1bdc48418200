// The store when a standby takes the place of its server.
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

TEST_CASE("standby: after its promotion a new opener takes none for dead that is not back yet") {
  PostgresServer& primary = PostgresServer::Get();
  PostgresStores stores;
  storage::postgres::PostgresOptions options = stores.options();
  options.connection.schema = "promoted";
  const auto standby = PostgresServer::NewStandby();
  options.connection.dsn = absl::StrCat("host=", primary.folder(), ",", standby->folder(),
                                        " port=5432,5432 user=postgres dbname=postgres "
                                        "target_session_attrs=read-write");
  const auto first = storage::postgres::OpenPostgres(options).value();
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*first, "", {MakeProject(1)}).status.ok());
  const Event event = MakeEvent(project, 1);
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  REQUIRE(Submit(*first, event, {delivery}).status.ok());
  const Claim claim = first->ClaimDue({.now = SampleEpoch()}).value();
  REQUIRE(claim.deliveries.size() == 1);
  REQUIRE(first->CheckWritable().ok());  // durable now, and so is the claim
  standby->WaitUntil("SELECT count(*) = 1 FROM promoted.delivery WHERE lease <> 0");
  standby->WaitUntilSettled();

  primary.Stop("immediate");
  standby->Promote();
  const auto second = storage::postgres::OpenPostgres(options).value();
  CHECK(second->ClaimDue({.now = SampleEpoch() + absl::Seconds(5)}).value().deliveries.empty());
  DeliveryUpdate update{.lease = claim.deliveries[0].lease,
                        .delivery = claim.deliveries[0].delivery};
  update.delivery.status = DeliveryStatus::kSuccess;
  update.attempt = MakeAttempt(delivery, 1);
  const CommitResult result = Update(*first, update);
  CHECK(result.status == absl::OkStatus());
  CHECK(result.updates_applied == std::vector<bool>{true});
  primary.Start();
}

TEST_CASE("standby: after its promotion the claims of those that died are given back in seconds") {
  PostgresServer& primary = PostgresServer::Get();
  PostgresStores stores;
  storage::postgres::PostgresOptions options = stores.options();
  options.connection.schema = "widowed";
  {
    const auto first = storage::postgres::OpenPostgres(options).value();
    REQUIRE(PutNow(*first, "", {MakeProject(1)}).status.ok());
    const Event event = MakeEvent(Id('P', 1), 1);
    const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
    REQUIRE(Submit(*first, event, {delivery}).status.ok());
    REQUIRE(first->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() == 1);
    REQUIRE(first->CheckWritable().ok());
  }
  const auto standby = PostgresServer::NewStandby();
  primary.Stop("immediate");
  standby->Promote();
  standby->WaitUntilSettled();
  options.connection.dsn = standby->dsn();
  const auto second = storage::postgres::OpenPostgres(options).value();
  const absl::Time opened_at = absl::Now();
  Claim claim;
  for (int i = 1; i < 50 && claim.deliveries.empty(); ++i) {
    absl::SleepFor(absl::Milliseconds(200));
    claim = second->ClaimDue({.now = SampleEpoch() + absl::Seconds(i)}).value();
  }
  WARN("given back after " << absl::FormatDuration(absl::Now() - opened_at));
  CHECK(claim.deliveries.size() == 1);
  primary.Start();
}

}  // namespace
}  // namespace convoy::testing
