// Errors of a real server, and the store after them.
#include <libpq-fe.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "convoy/ulid.h"
#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

constexpr const char* kEndSessions =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'convoy'";

// A store of a role of its own, which may be changed.
struct OwnRole {
  explicit OwnRole(const std::string& name) : role(name) {
    REQUIRE(stores.OpenEmpty().ok());
    storage::postgres::PostgresOptions options = stores.options();
    PostgresServer::Get().Execute(
        absl::StrCat("DROP SCHEMA ", options.connection.schema, " CASCADE; CREATE ROLE ", role,
                     " LOGIN; CREATE SCHEMA ", options.connection.schema, " AUTHORIZATION ", role,
                     "; GRANT CONNECT ON DATABASE postgres TO ", role));
    options.connection.dsn += " user=" + role;
    storage = storage::postgres::OpenPostgres(options).value();
    REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  }

  // Of the role, for sessions from now on.
  void Set(const std::string& setting) const {
    PostgresServer::Get().Execute(absl::StrCat("ALTER ROLE ", role, " ", setting));
    PostgresServer::Get().Execute(kEndSessions);
  }

  absl::Status Write(int number) const {
    const Event event = MakeEvent(Id('P', 1), number);
    WriteBatch batch;
    batch.submissions.push_back({.event = event});
    WriteBatch* const batches[] = {&batch};
    CommitResult results[1];
    return storage->Commit(batches, results);
  }

  const std::string role;
  PostgresStores stores;
  std::unique_ptr<Storage> storage;
};

TEST_CASE("errors: a server that only reads refuses writes, answers reads, and recovers") {
  const OwnRole own("reader");
  own.Set("SET default_transaction_read_only = on");
  CHECK(absl::IsUnavailable(own.Write(1)));
  CHECK(absl::IsUnavailable(own.storage->CheckWritable()));
  CHECK(own.storage->CheckAlive().ok());
  CHECK(own.storage->ConfigRevision("").value() == 1);
  own.Set("RESET default_transaction_read_only");
  CHECK(own.Write(1).ok());
  CHECK(own.storage->ListEvents({.project_id = Id('P', 1)}, {}).value().items.size() == 1);
}

TEST_CASE("errors: without a free connection calls are refused, and with one they succeed") {
  const OwnRole own("lonely");
  own.Set("CONNECTION LIMIT 0");
  CHECK(absl::IsUnavailable(own.Write(1)));
  CHECK(absl::IsUnavailable(own.storage->ConfigRevision("").status()));
  CHECK(own.storage->CheckAlive().ok());
  own.Set("CONNECTION LIMIT -1");
  CHECK(own.Write(1).ok());
}

TEST_CASE("errors: a transaction that a deadlock ends is made again") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  const std::string project = Id('P', 1);
  const std::string schema = stores.options().connection.schema;
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  const Event first = MakeEvent(project, 1);
  const absl::Time later = SampleEpoch() + absl::Hours(1);
  REQUIRE(Submit(*storage, first, {MakeDelivery(first, Id('E', 1), 1, later)}).status.ok());
  // Another session has the lane, which sleeps, and which the write takes last; then it wants what
  // the write has taken before. It is patient, so the write is the one that is ended.
  PGconn* const other = PQconnectdb(PostgresServer::Get().dsn().c_str());
  const auto execute = [&](const std::string& sql) { PQclear(PQexec(other, sql.c_str())); };
  execute(absl::StrCat("SET search_path TO ", schema, "; SET deadlock_timeout = '20s'; BEGIN; ",
                       "SELECT * FROM lane FOR UPDATE"));
  const Event second = MakeEvent(project, 2);
  absl::Status status = absl::UnknownError("not yet");
  std::thread writer([&] {
    status = Submit(*storage, second, {MakeDelivery(second, Id('E', 1), 2, SampleEpoch())}).status;
  });
  absl::SleepFor(absl::Milliseconds(300));
  const std::optional<UlidParts> parts = SplitUlid(second.id);
  execute(absl::StrCat("INSERT INTO removed_project VALUES (-1); INSERT INTO event SELECT ",
                       parts->key,
                       ", id_tail, project, source, created_at_us, "
                       "acknowledged_at_us, key_shift, is_duplicate, status, event_type, "
                       "idempotency_key, failure_reason, endpoints, content_type, url_query, "
                       "url_path, headers, body FROM event LIMIT 1"));
  execute("ROLLBACK");
  writer.join();
  PQfinish(other);
  CHECK(status.ok());
  PostgresServer::Get().WaitUntil(
      "SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = 'postgres'");
  CHECK(storage->GetEvent(project, second.id).value() == second);
  CHECK(storage->ClaimDue({.now = later}).value().deliveries.size() == 2);
}

TEST_CASE("errors: ids that ask for the same key all have their rows") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  const int64_t key = SplitUlid(EventId(1))->key;
  // Two groups, the second of several, and each id with another tail.
  int number = 0;
  for (const int size : {1, 3}) {
    std::vector<WriteBatch> batches(size);
    std::vector<WriteBatch*> pointers;
    for (WriteBatch& batch : batches) {
      ++number;
      Event event = MakeEvent(project, 1);
      event.id = JoinUlid({.key = key, .tail = 1000 + number});
      Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
      delivery.id = JoinUlid({.key = key, .tail = 2000 + number});
      batch.submissions.push_back({.event = event, .deliveries = {delivery}});
      pointers.push_back(&batch);
    }
    std::vector<CommitResult> results(batches.size());
    REQUIRE(storage->Commit(pointers, results).ok());
  }
  for (int i = 1; i <= number; ++i) {
    const std::string id = JoinUlid({.key = key, .tail = 1000 + i});
    CHECK(storage->GetEvent(project, id).value().id == id);
  }
  const Claim claim = storage->ClaimDue({.now = SampleEpoch()}).value();
  REQUIRE(claim.deliveries.size() == 4);
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    CHECK(claimed.delivery.event_id == claimed.event->id);
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = DeliveryStatus::kSuccess;
    update.attempt = MakeAttempt(claimed.delivery, 1);
    update.attempt->id = JoinUlid({.key = key, .tail = claimed.delivery.id.back() * 100});
    CHECK(Update(*storage, update).updates_applied == std::vector<bool>{true});
    CHECK(storage->GetDelivery(project, claimed.delivery.id).value().status ==
          DeliveryStatus::kSuccess);
    CHECK(storage->GetAttempt(project, claimed.delivery.id, update.attempt->id).ok());
  }
  // One that is stored already stays as it is.
  Event again = MakeEvent(project, 1);
  again.id = JoinUlid({.key = key, .tail = 1001});
  WriteBatch batch;
  batch.submissions.push_back({.event = again});
  WriteBatch* const batches[] = {&batch};
  CommitResult results[1];
  CHECK(storage->Commit(batches, results).ok());
  CHECK(storage->ListEvents({.project_id = project}, {}).value().items.size() == 4);
  CHECK(storage->CheckWritable().ok());
}

}  // namespace
}  // namespace convoy::testing
