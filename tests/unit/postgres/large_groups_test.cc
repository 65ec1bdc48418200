// Groups of batches with more bytes than one statement should have.
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/storage/postgres/params.h"
#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

constexpr int kBatches = 8;
constexpr size_t kBodyBytes = 5 * 1024 * 1024;

// Has the server note the rows and bytes of each statement that inserts into a table.
void Watch(const std::string& schema, const std::string& table, const std::string& column) {
  const std::string name = absl::StrCat(schema, ".watch_", table);
  PostgresServer::Get().Execute(absl::StrCat(
      "CREATE TABLE ", name, "ed (rows int8, bytes int8); CREATE FUNCTION ", name,
      "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ", name,
      "ed SELECT count(*), sum(octet_length(", column, ")) FROM new_rows; RETURN NULL; END $$; ",
      "CREATE TRIGGER watch AFTER INSERT ON ", schema, ".", table,
      " REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ", name, "()"));
}

// All rows came, in statements that are not too large and not more than need be.
void CheckStatements(const std::string& schema, const std::string& table) {
  const size_t rows_max = storage::postgres::RowPieces::kBytesMax / kBodyBytes;
  PostgresServer::Get().WaitUntil(absl::StrCat(
      "SELECT sum(rows) = ", kBatches, " AND max(rows) = ", rows_max, " AND count(*) = ",
      (kBatches + rows_max - 1) / rows_max, " FROM ", schema, ".watch_", table, "ed"));
}

TEST_CASE("large_groups: what is large goes into several statements of one transaction") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  const std::string schema = stores.options().connection.schema;
  Watch(schema, "event", "body");
  Watch(schema, "attempt", "response_body");

  std::vector<WriteBatch> batches(kBatches);
  std::vector<WriteBatch*> pointers;
  std::vector<CommitResult> results(kBatches);
  for (int i = 0; i < kBatches; ++i) {
    Event event = MakeEvent(project, 1 + i);
    event.body.assign(kBodyBytes, static_cast<char>('a' + i));
    batches[i].submissions.push_back(
        {.event = event, .deliveries = {MakeDelivery(event, Id('E', 1), 1 + i, SampleEpoch())}});
    pointers.push_back(&batches[i]);
  }
  REQUIRE(storage->Commit(pointers, results).ok());
  CheckStatements(schema, "event");

  const Claim claim = storage->ClaimDue({.now = SampleEpoch() + absl::Minutes(1)}).value();
  REQUIRE(claim.deliveries.size() == kBatches);
  WriteBatch outcomes;
  for (int i = 0; i < kBatches; ++i) {
    const ClaimedDelivery& claimed = claim.deliveries[i];
    CHECK(claimed.event->body.size() == kBodyBytes);
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = DeliveryStatus::kSuccess;
    update.attempt = MakeAttempt(claimed.delivery, 1 + i);
    update.attempt->response_body = claimed.event->body;
    outcomes.updates.push_back(std::move(update));
  }
  CHECK(CommitOne(*storage, std::move(outcomes)).updates_applied ==
        std::vector<bool>(kBatches, true));
  CheckStatements(schema, "attempt");
  for (int i = 0; i < kBatches; ++i) {
    const Delivery& delivery = claim.deliveries[i].delivery;
    const std::vector<Attempt> attempts = storage->ListAttempts(project, delivery.id).value();
    REQUIRE(attempts.size() == 1);
    CHECK((attempts[0].response_body == claim.deliveries[i].event->body));
  }
}

}  // namespace
}  // namespace convoy::testing
