// Copies between SQLite files and PostgreSQL namespaces: whole, there and back, continued after a
// stop, and refused where anything is in the way.
#include "convoy/copy.h"

#include <libpq-fe.h>

#include <fstream>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "lib/storage/copy/tables.h"
#include "lib/storage/sqlite/connection.h"
#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

using storage::copy::ColumnType;
using storage::copy::Table;

std::unique_ptr<Storage> OpenFile(const TemporaryFile& file) {
  return OpenSqliteStorage(file.path()).value();
}

CopySide SideOf(const TemporaryFile& file) { return {.path = file.path()}; }
CopySide SideOf(const PostgresStores& stores) {
  return {.dsn = stores.options().connection.dsn, .schema = stores.options().connection.schema};
}

// A namespace that a store was created in, and nothing more.
void MakeEmpty(PostgresStores& stores) { REQUIRE(stores.OpenEmpty().ok()); }

// All kinds of rows, some of them claimed by an opener that is gone.
void Fill(Storage& storage) {
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(storage, "", {MakeProject(1), MakeProject(2)}).status.ok());
  REQUIRE(PutNow(storage, project,
                 {MakeSource(project, 1), MakeEndpoint(project, 1), MakeEndpoint(project, 2),
                  MakeSubscription(project, 1, 1)})
              .status.ok());
  for (int number = 1; number <= 300; ++number) {
    const Event event = MakeEvent(project, number);
    std::vector<Delivery> deliveries{
        MakeDelivery(event, Id('E', 1 + number % 2), number, SampleEpoch())};
    if (number % 10 == 0) deliveries[0].mode = DeliveryMode::kAtMostOnce;
    WriteBatch batch{.submissions = {{.event = event, .deliveries = std::move(deliveries)}}};
    batch.submissions[0].dedupe = DedupeKey{.scope = project, .key = absl::StrCat("key ", number)};
    if (number % 50 == 0) batch.holds.push_back({.input = MakeHeld(project, number, 1)});
    REQUIRE(CommitOne(storage, std::move(batch)).status.ok());
  }
  Claim claim = storage.ClaimDue({.now = SampleEpoch(), .items_max = 40}).value();
  REQUIRE(claim.deliveries.size() > 20);
  for (size_t i = 0; i < 10; ++i) {
    ClaimedDelivery& claimed = claim.deliveries[i];
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = DeliveryStatus::kSuccess;
    update.attempt = MakeTimedAttempt(claimed.delivery, static_cast<int>(i) + 1);
    REQUIRE(Update(storage, update).updates_applied == std::vector<bool>{true});
  }
}

// The content of a store, as its interface tells it.
std::vector<std::string> ContentOf(Storage& storage) {
  const std::string project = Id('P', 1);
  std::vector<std::string> lines;
  for (PageRequest page{.is_ascending = true, .items_max = 100};;) {
    const Page<Delivery> found = storage.ListDeliveries({.project_id = project}, page).value();
    for (const Delivery& delivery : found.items) {
      const Event event = storage.GetEvent(project, delivery.event_id).value();
      lines.push_back(absl::StrCat(delivery.id, " ", static_cast<int>(delivery.status), " ",
                                   delivery.description, " ", absl::FormatTime(delivery.due_at),
                                   " ", delivery.endpoint_id, " ", event.id, " ", event.body, " ",
                                   absl::FormatTime(event.created_at)));
      const std::vector<Attempt> attempts = storage.ListAttempts(project, delivery.id).value();
      for (const Attempt& attempt : attempts) {
        lines.push_back(absl::StrCat(attempt.id, " ", attempt.response_body, " ",
                                     absl::FormatDuration(attempt.elapsed)));
      }
    }
    if (!found.has_next) break;
    page.cursor = found.next_cursor;
  }
  for (const auto& [id, backlog] : BacklogsOf(storage)) {
    lines.push_back(absl::StrCat(id, " ", backlog.first));
  }
  const HeldUse use = storage.ReadHeldUse().value();
  lines.push_back(absl::StrCat("held ", use.inputs, " ", use.bytes));
  lines.push_back(absl::StrCat("revision ", storage.ConfigRevision(project).value()));
  return lines;
}

bool AcceptsKey(Storage& storage, int key, int number) {
  const std::string project = Id('P', 1);
  WriteBatch batch{.submissions = {{.event = MakeEvent(project, number)}}};
  batch.submissions[0].dedupe = DedupeKey{.scope = project, .key = absl::StrCat("key ", key)};
  const CommitResult result = CommitOne(storage, std::move(batch));
  REQUIRE(result.status.ok());
  return result.submissions == std::vector{SubmissionOutcome::kAccepted};
}

// Everything goes on as it would have in the original.
void CheckGoesOn(Storage& storage) {
  CHECK_FALSE(AcceptsKey(storage, 5, 1'000));
  CHECK(AcceptsKey(storage, 5'000, 1'001));
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(storage, project, {MakeEndpoint(project, 77)}).status.ok());
  std::set<std::string> claimed_ids;
  for (int i = 0; i < 100; ++i) {
    const Claim claim = storage.ClaimDue({.now = SampleEpoch() + absl::Minutes(1)}).value();
    for (const auto& claimed : claim.deliveries) claimed_ids.insert(claimed.delivery.id);
    if (claim.deliveries.empty()) break;
  }
  CHECK(claimed_ids.size() > 280);
}

TEST_CASE("copy: a store goes from SQLite to PostgreSQL and back") {
  PostgresServer::Get().WaitUntilSettled();
  TemporaryFile first, back;
  { Fill(*OpenFile(first)); }
  const std::vector<std::string> content = ContentOf(*OpenFile(first));
  REQUIRE(content.size() > 310);
  PostgresStores stores;
  MakeEmpty(stores);
  const auto there = CopyStore({.from = SideOf(first), .to = SideOf(stores)});
  INFO(there.status());
  REQUIRE(there.ok());
  CHECK(there->events == 300);
  CHECK(there->deliveries == 300);
  CHECK(there->attempts == 10);
  CHECK(ContentOf(*stores.OpenAgain().value()) == content);
  const auto again = CopyStore({.from = SideOf(stores), .to = SideOf(back)});
  INFO(again.status());
  REQUIRE(again.ok());
  CHECK(again->rows == there->rows);
  CHECK(ContentOf(*OpenFile(back)) == content);
  CheckGoesOn(*stores.OpenAgain().value());
  CheckGoesOn(*OpenFile(back));
}

TEST_CASE("copy: one that is stopped anywhere goes on there, and nothing opens it meanwhile") {
  TemporaryFile first, other;
  { Fill(*OpenFile(first)); }
  { Fill(*OpenFile(other)); }
  PostgresStores stores;
  MakeEmpty(stores);
  int stops_count = 0;
  absl::StatusOr<CopyCounts> copied = absl::UnknownError("");
  for (int reports_max = 1; !copied.ok(); ++reports_max) {
    int reports_count = 0;
    copied = CopyStore({.from = SideOf(first),
                        .to = SideOf(stores),
                        .on_progress = [&](const CopyProgress& progress) {
                          CHECK(progress.rows_done <= progress.rows_count);
                          return ++reports_count < reports_max;
                        }});
    if (copied.ok()) break;
    REQUIRE(absl::IsCancelled(copied.status()));
    ++stops_count;
    CHECK(absl::IsFailedPrecondition(stores.OpenAgain().status()));
    CHECK(absl::IsFailedPrecondition(
        CopyStore({.from = SideOf(other), .to = SideOf(stores)}).status()));
  }
  CHECK(stops_count > 20);
  CHECK(ContentOf(*stores.OpenAgain().value()) == ContentOf(*OpenFile(first)));
}

TEST_CASE("copy: an original that was used meanwhile is noticed") {
  TemporaryFile first;
  { Fill(*OpenFile(first)); }
  PostgresStores stores;
  MakeEmpty(stores);
  const auto stop_at_comparison = [](const CopyProgress& progress) {
    return !progress.is_comparing;
  };
  REQUIRE(absl::IsCancelled(
      CopyStore({.from = SideOf(first), .to = SideOf(stores), .on_progress = stop_at_comparison})
          .status()));
  { CHECK(OpenFile(first)->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() > 0); }
  const std::string project = Id('P', 1);
  { REQUIRE(PutNow(*OpenFile(first), project, {MakeEndpoint(project, 1)}).status.ok()); }
  CHECK(absl::IsDataLoss(CopyStore({.from = SideOf(first), .to = SideOf(stores)}).status()));
}

TEST_CASE("copy: it is refused beside a process, and no process begins beside it") {
  PostgresServer::Get().WaitUntilSettled();
  TemporaryFile file;
  { Fill(*OpenFile(file)); }
  PostgresStores stores;
  MakeEmpty(stores);
  const CopyOptions options{.from = SideOf(file), .to = SideOf(stores)};
  {
    const auto open = OpenFile(file);
    CHECK(absl::IsFailedPrecondition(CopyStore(options).status()));
  }
  {
    const auto open = stores.OpenAgain().value();
    CHECK(absl::IsFailedPrecondition(CopyStore(options).status()));
  }
  int tries_count = 0;
  const auto copied =
      CopyStore({.from = options.from, .to = options.to, .on_progress = [&](const CopyProgress&) {
                   if (++tries_count > 3) return true;
                   CHECK(absl::IsFailedPrecondition(OpenSqliteStorage(file.path()).status()));
                   CHECK(absl::IsFailedPrecondition(stores.OpenAgain().status()));
                   CHECK(absl::IsFailedPrecondition(CopyStore(options).status()));
                   return true;
                 }});
  INFO(copied.status());
  CHECK(copied.ok());
  CHECK(OpenSqliteStorage(file.path()).ok());
  CHECK(CopyStore(options).ok());  // there is nothing left to do
  REQUIRE(PutNow(*stores.OpenAgain().value(), "", {MakeProject(77)}).status.ok());
  CHECK(absl::IsFailedPrecondition(CopyStore(options).status()));  // rows of its own
  CHECK(absl::IsNotFound(
      CopyStore({.from = {.path = file.path() + ".missing"}, .to = options.to}).status()));
  CHECK(absl::IsInvalidArgument(CopyStore({.from = options.from}).status()));
}

// Columns by tables.
using Shape = std::map<std::string, std::set<std::string>>;

Shape ShapeOfCopy() {
  Shape shape;
  for (const Table& table : storage::copy::Tables()) {
    for (const auto& column : table.columns) {
      shape[std::string(table.name)].emplace(column.name);
    }
  }
  return shape;
}

void DropUncopied(Shape& shape) {
  for (const std::string_view table : storage::copy::UncopiedTables()) {
    shape.erase(std::string(table));
  }
}

TEST_CASE("copy: every table and column of a store is copied, or is known not to be") {
  TemporaryFile file;
  { REQUIRE(OpenSqliteStorage(file.path()).ok()); }
  Shape sqlite;
  {
    const auto connection = storage::Connection::Open({.path = file.path()}).value();
    storage::Statement row = connection->Prepare(
        "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table'");
    while (row.Next()) sqlite[std::string(row.TextAt(0))].emplace(row.TextAt(1));
  }
  DropUncopied(sqlite);
  CHECK(sqlite["config"].erase("key") == 1);  // the order of insertion, which means nothing
  CHECK(sqlite == ShapeOfCopy());

  PostgresStores stores;
  MakeEmpty(stores);
  PGconn* const connection = PQconnectdb(PostgresServer::Get().dsn().c_str());
  PGresult* const rows = PQexec(
      connection,
      absl::StrCat("SELECT t.relname, c.attname FROM pg_class AS t JOIN pg_attribute AS c ON "
                   "c.attrelid = t.oid WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND "
                   "c.attnum > 0 AND NOT c.attisdropped AND t.relnamespace = '",
                   stores.options().connection.schema, "'::regnamespace")
          .c_str());
  Shape postgres;
  for (int i = 0; i < PQntuples(rows); ++i) {
    postgres[PQgetvalue(rows, i, 0)].emplace(PQgetvalue(rows, i, 1));
  }
  PQclear(rows);
  PQfinish(connection);
  DropUncopied(postgres);
  CHECK(postgres == ShapeOfCopy());
}

}  // namespace
}  // namespace convoy::testing
