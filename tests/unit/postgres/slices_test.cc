// Slices of time of the PostgreSQL store: when they are made, dropped and kept, what their
// statements read, and what becomes of tables that have none yet.
#include "lib/storage/postgres/slices.h"

#include <libpq-fe.h>

#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "convoy/ulid.h"
#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

using storage::postgres::RowsEnd;
using storage::postgres::Slice;
using storage::postgres::SliceLength;
using storage::postgres::SlicesToMake;

constexpr absl::Duration kRetention = absl::Minutes(80);
constexpr absl::Duration kLength = absl::Minutes(10);

// An instant at which slices begin, well after the first one's end.
absl::Time Base() {
  static const absl::Time kBase =
      absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 24 * 3600);
  return kBase;
}

// An id of the time, one of each number.
std::string IdAt(absl::Time time, int64_t number) {
  return JoinUlid({.key = LeastKeyAt(time) + number, .tail = 7});
}

// The rows of one column of a query, in the store's namespace.
std::vector<std::string> Query(const PostgresStores& stores, const std::string& sql,
                               const std::string& settings = "") {
  PGconn* const connection = PQconnectdb(PostgresServer::Get().dsn().c_str());
  PQclear(PQexec(connection, absl::StrCat("SET search_path TO ", stores.options().connection.schema,
                                          ";", settings)
                                 .c_str()));
  PGresult* const result = PQexec(connection, sql.c_str());
  INFO(sql);
  INFO(PQerrorMessage(connection));
  const ExecStatusType status = PQresultStatus(result);
  std::vector<std::string> lines;
  for (int i = 0; i < PQntuples(result); ++i) lines.emplace_back(PQgetvalue(result, i, 0));
  PQclear(result);
  PQfinish(connection);
  REQUIRE((status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK));
  return lines;
}

// A store whose slices are of ten minutes, and its clock.
class SlicedStore {
 public:
  SlicedStore() {
    REQUIRE(stores.OpenEmpty().ok());
    storage = Open();
    REQUIRE(PutNow(*storage, "", {MakeProject(1), MakeProject(2)}).status.ok());
    // From the first slice's end until now.
    CHECK(Prune().events_count == 0);
  }

  std::unique_ptr<Storage> Open() {
    storage::postgres::PostgresOptions options = stores.options();
    options.clock = &clock;
    return storage::postgres::OpenPostgres(options).value();
  }

  // All that one walk removes.
  Pruned Prune(const std::string& project_id = "", absl::Duration retention = kRetention) {
    Pruned sum;
    PruneRequest request{.events_before = clock.Now() - retention, .project_id = project_id};
    for (bool has_more = true; has_more;) {
      const Pruned pruned = storage->Prune(request).value();
      sum.events_count += pruned.events_count;
      sum.deliveries_count += pruned.deliveries_count;
      sum.attempts_count += pruned.attempts_count;
      request.after_event_id = pruned.last_event_id;
      has_more = pruned.may_have_more;
    }
    return sum;
  }

  // An event made now, with a delivery that is due now.
  Event Store(int number, const std::string& project = Id('P', 1)) {
    Event event = MakeEvent(project, number);
    event.id = IdAt(clock.Now(), number);
    event.created_at = event.acknowledged_at = clock.Now();
    Delivery delivery =
        MakeDelivery(event, Id('E', project == Id('P', 1) ? 1 : 2), number, clock.Now());
    delivery.id = IdAt(clock.Now(), number);
    REQUIRE(Submit(*storage, event, {delivery}).status.ok());
    return event;
  }

  // Makes what is due now.
  int Deliver(DeliveryStatus status = DeliveryStatus::kSuccess) {
    const Claim claim = storage->ClaimDue({.now = clock.Now(), .items_max = 1000}).value();
    for (const ClaimedDelivery& claimed : claim.deliveries) {
      DeliveryUpdate update{.lease = claimed.lease,
                            .delivery = claimed.delivery,
                            .attempt = MakeAttempt(claimed.delivery, 1)};
      update.attempt->id = IdAt(clock.Now(), ++attempts_count);
      update.delivery.status = status;
      update.delivery.attempts_count += 1;
      update.delivery.due_at = clock.Now() + absl::Minutes(1);
      REQUIRE(Update(*storage, update).updates_applied == std::vector<bool>{true});
    }
    return static_cast<int>(claim.deliveries.size());
  }

  std::vector<std::string> Partitions(const std::string& table) {
    return Query(stores, absl::StrCat("SELECT inhrelid::regclass::text FROM pg_inherits WHERE "
                                      "inhparent = '",
                                      table, "'::regclass ORDER BY 1"));
  }
  int CountIn(const std::string& table) {
    return std::stoi(Query(stores, absl::StrCat("SELECT count(*) FROM ", table)).front());
  }

  PostgresStores stores;
  SimClock clock{Base()};
  std::unique_ptr<Storage> storage;
  int attempts_count = 0;
};

TEST_CASE("slices: they are an eighth of the retention") {
  CHECK(SliceLength(absl::Hours(24 * 8), absl::ZeroDuration()) == absl::Hours(24));
  CHECK(SliceLength(absl::Minutes(80), absl::Hours(5)) == absl::Minutes(10));
  // Of a short one rows are removed one by one.
  CHECK(SliceLength(absl::Minutes(1), absl::Hours(5)) == absl::Hours(24));
  CHECK(SliceLength(-absl::InfiniteDuration(), absl::Hours(5)) == absl::Hours(24));
  // For ever: their number grows ever slower.
  CHECK(SliceLength(absl::InfiniteDuration(), absl::Hours(5)) == absl::Hours(24));
  CHECK(SliceLength(absl::InfiniteDuration(), absl::Hours(800)) == absl::Hours(100));
}

TEST_CASE("slices: the present one and the next are made, and a long pause is one") {
  const auto at = [](absl::Duration offset) { return LeastKeyAt(Base() + offset); };
  std::vector<Slice> slices{{.first_key = 0, .end_key = at(absl::ZeroDuration())}};
  const auto make = [&](absl::Duration offset) {
    const std::vector<Slice> made = SlicesToMake(slices, Base() + offset, kRetention);
    slices.insert(slices.end(), made.begin(), made.end());
    return made;
  };
  CHECK(make(absl::Seconds(1)) == std::vector<Slice>{{at(absl::ZeroDuration()), at(kLength)},
                                                     {at(kLength), at(2 * kLength)}});
  CHECK(make(absl::Minutes(10)).empty());
  CHECK(make(absl::Minutes(11)) == std::vector<Slice>{{at(2 * kLength), at(3 * kLength)}});
  CHECK(make(absl::Hours(10)) ==
        std::vector<Slice>{{at(3 * kLength), at(absl::Hours(10))},
                           {at(absl::Hours(10)), at(absl::Hours(10) + kLength)}});
  // A clock that is behind makes none, nor is there any without the first.
  CHECK(make(-absl::Hours(100)).empty());
  CHECK(SlicesToMake({}, Base(), kRetention).empty());
  // The last year of keys has an end.
  slices.push_back(
      {.first_key = slices.back().end_key, .end_key = LeastKeyAt(absl::InfiniteFuture())});
  CHECK(SlicesToMake(slices, absl::FromUnixSeconds(5'000'000'000), kRetention).empty());
}

TEST_CASE("slices: rows are left to the end of a slice that is short enough") {
  const auto at = [](int minutes) { return LeastKeyAt(Base() + absl::Minutes(minutes)); };
  const std::vector<Slice> slices{{0, at(0)}, {at(0), at(10)}, {at(10), at(100)}};
  CHECK(RowsEnd(slices, at(5), kRetention) == at(0));
  CHECK(RowsEnd(slices, at(10), kRetention) == at(10));
  CHECK(RowsEnd(slices, at(50), kRetention) == at(50));
  CHECK(RowsEnd(slices, at(5), absl::Minutes(20)) == at(5));
  CHECK(RowsEnd(slices, at(5), -absl::Hours(1)) == at(5));
  CHECK(RowsEnd(slices, at(-5), kRetention) == at(-5));
}

TEST_CASE("slices: retention drops partitions, and what is not expired stays") {
  SlicedStore store;
  const Event early = store.Store(1);
  CHECK(store.Deliver() == 1);
  store.clock.Advance(kLength);
  store.Prune();
  const Event late = store.Store(2);
  CHECK(store.Deliver() == 1);
  const std::vector<std::string> before = store.Partitions("event");
  CHECK(store.Partitions("delivery").size() == before.size());
  CHECK(store.CountIn("event_rest") == 0);
  // Half a slice has expired, which is left alone; rows of it go when it has as a whole.
  store.clock.Advance(kRetention - kLength / 2);
  CHECK(store.Prune().events_count == 0);
  CHECK(store.storage->GetEvent(early.project_id, early.id).ok());
  store.clock.Advance(kLength / 2);
  const Pruned pruned = store.Prune();
  CHECK(pruned.events_count == 1);
  CHECK(pruned.deliveries_count == 1);
  CHECK(pruned.attempts_count == 1);
  CHECK(absl::IsNotFound(store.storage->GetEvent(early.project_id, early.id).status()));
  CHECK(store.storage->GetEvent(late.project_id, late.id).ok());
  CHECK(store.storage->ListAttempts(late.project_id, IdAt(late.created_at, 2)).value().size() == 1);
  for (const char* table : {"event", "delivery", "attempt"}) {
    const std::string name =
        absl::StrCat(table, absl::FormatTime("_%Y%m%d_%H%M%S", Base(), absl::UTCTimeZone()));
    const std::vector<std::string> after = store.Partitions(table);
    CHECK(absl::StrContains(absl::StrJoin(before, " "),
                            absl::FormatTime("_%Y%m%d_%H%M%S", Base(), absl::UTCTimeZone())));
    CHECK(std::set<std::string>(after.begin(), after.end()).count(name) == 0);
    CHECK(Query(store.stores, absl::StrCat("SELECT to_regclass('", name, "')")).front().empty());
  }
  CHECK(BacklogsOf(*store.storage).empty());
}

TEST_CASE("slices: a delivery that has not ended keeps its event, and the others go") {
  SlicedStore store;
  const Event stuck = store.Store(1);
  CHECK(store.Deliver(DeliveryStatus::kRetry) == 1);
  for (int i = 2; i < 10; ++i) store.Store(i);
  CHECK(store.Deliver() == 8);
  store.clock.Advance(kRetention + 2 * kLength);
  CHECK(store.Prune().events_count == 8);
  CHECK(store.storage->GetEvent(stuck.project_id, stuck.id).ok());
  CHECK(BacklogsOf(*store.storage).size() == 1);
  CHECK(store.CountIn("event") == 1);
  CHECK(store.Deliver() == 1);
  // Its second attempt is in another slice, so it goes by itself, and the slice after it.
  const size_t partitions_count = store.Partitions("event").size();
  CHECK(store.Prune().attempts_count == 2);
  CHECK(store.CountIn("event") + store.CountIn("delivery") + store.CountIn("attempt") == 0);
  CHECK(store.Partitions("event").size() < partitions_count);
}

TEST_CASE("slices: events with rows in other slices go one by one before their slice") {
  SlicedStore store;
  for (int i = 1; i <= 5; ++i) store.Store(i);
  CHECK(store.Deliver() == 5);
  const Event crossing = store.Store(6);
  store.clock.Advance(kLength);
  store.Prune();
  CHECK(store.Deliver() == 1);  // the attempt is of the next slice
  const Event next = store.Store(7);
  // A second delivery of an event of the slice before.
  Delivery again = MakeDelivery(crossing, Id('E', 2), 8, store.clock.Now());
  again.id = IdAt(store.clock.Now(), 8);
  WriteBatch batch;
  batch.extra_deliveries.push_back(again);
  REQUIRE(CommitOne(*store.storage, std::move(batch)).status.ok());
  CHECK(store.Deliver() == 2);
  store.clock.Advance(kRetention);
  const Pruned pruned = store.Prune();
  CHECK(pruned.events_count == 6);
  CHECK(pruned.deliveries_count == 7);
  CHECK(pruned.attempts_count == 7);
  CHECK(store.CountIn("event") == 1);
  CHECK(store.CountIn("delivery") == 1);
  CHECK(store.CountIn("attempt") == 1);
  CHECK(store.storage->GetEvent(next.project_id, next.id).ok());
}

TEST_CASE("slices: attempts that were made after a slice's end go first, then the slice") {
  SlicedStore store;
  for (int i = 1; i <= 10; ++i) store.Store(i);
  store.clock.Advance(kLength);
  store.Prune();
  CHECK(store.Deliver() == 10);
  store.Store(11);
  CHECK(store.Deliver() == 1);
  store.clock.Advance(kRetention);
  // Step by step; the first one drops the slice of the past, which is empty.
  const PruneRequest request{.events_before = store.clock.Now() - kRetention};
  CHECK(store.storage->Prune(request).value().may_have_more);
  const Pruned attempts = store.storage->Prune(request).value();
  CHECK(attempts.events_count == 0);
  CHECK(attempts.attempts_count == 10);
  CHECK(attempts.may_have_more);
  const Pruned slice = store.storage->Prune(request).value();
  CHECK(slice.events_count == 10);
  CHECK(slice.deliveries_count == 10);
  CHECK(slice.attempts_count == 0);
  CHECK(store.CountIn("event") + store.CountIn("delivery") + store.CountIn("attempt") == 3);
}

TEST_CASE("slices: a project that keeps its events for a shorter time loses rows at once") {
  SlicedStore store;
  store.Store(1);
  store.Store(2, Id('P', 2));
  CHECK(store.Deliver() == 2);
  store.clock.Advance(absl::Minutes(3));
  CHECK(store.Prune(Id('P', 2), absl::Minutes(2)).events_count == 1);
  CHECK(store.CountIn("event") == 1);
}

TEST_CASE("slices: rows that came before the first slice was made belong to it") {
  PostgresStores stores;
  SimClock clock{Base()};
  REQUIRE(stores.OpenEmpty().ok());
  storage::postgres::PostgresOptions options = stores.options();
  options.clock = &clock;
  const auto storage = storage::postgres::OpenPostgres(options).value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  Event event = MakeEvent(Id('P', 1), 1);
  event.id = IdAt(clock.Now(), 1);
  Delivery delivery = MakeDelivery(event, Id('E', 1), 1, clock.Now());
  delivery.id = IdAt(clock.Now(), 1);
  REQUIRE(Submit(*storage, event, {delivery}).status.ok());
  CHECK(Query(stores, "SELECT key FROM event_rest").size() == 1);
  REQUIRE(storage->Prune({.events_before = clock.Now() - kRetention}).ok());
  CHECK(Query(stores, "SELECT key FROM event_rest").empty());
  CHECK(storage->GetEvent(event.project_id, event.id).ok());
  CHECK(storage->GetDelivery(event.project_id, delivery.id).ok());
  CHECK(BacklogsOf(*storage).size() == 1);
}

TEST_CASE("slices: several processes make and drop them at once, under load") {
  SlicedStore store;
  std::atomic<bool> is_done = false;
  std::atomic<int> stored_count = 0;
  absl::Mutex mutex;
  std::vector<std::string> failures;
  const auto note = [&](const absl::Status& status) {
    absl::MutexLock lock(&mutex);
    if (!status.ok()) failures.push_back(status.ToString());
  };
  const auto other = store.Open();
  std::thread writing([&] {
    while (!is_done) {
      const int number = ++stored_count;
      Event event = MakeEvent(Id('P', 1), number);
      event.id = IdAt(store.clock.Now(), number);
      Delivery delivery = MakeDelivery(event, Id('E', 1), number, store.clock.Now());
      delivery.id = event.id;
      note(Submit(*other, event, {delivery}).status);
      const auto claim = other->ClaimDue({.now = store.clock.Now()});
      note(claim.status());
      if (!claim.ok()) continue;
      for (const ClaimedDelivery& claimed : claim->deliveries) {
        DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
        update.delivery.status = DeliveryStatus::kSuccess;
        note(Update(*other, update).status);
      }
    }
  });
  std::thread pruning([&] {
    while (!is_done) {
      note(other->Prune({.events_before = store.clock.Now() - kRetention}).status());
    }
  });
  uint64_t pruned_count = 0;
  for (int i = 0; i < 40; ++i) {
    store.clock.Advance(kLength / 2);
    pruned_count += store.Prune().events_count;
  }
  is_done = true;
  writing.join();
  pruning.join();
  CHECK(failures == std::vector<std::string>());
  CHECK(store.Partitions("event").size() < 16);
  CHECK(store.Partitions("event").size() == store.Partitions("attempt").size());
  WARN(stored_count << " events stored meanwhile, " << store.CountIn("event") << " left");
  CHECK(store.CountIn("event") < stored_count);
}

TEST_CASE("slices: statements with a key look into one partition") {
  SlicedStore store;
  for (int i = 0; i < 6; ++i) {
    store.clock.Advance(kLength);
    store.Prune();
  }
  const std::string settings = absl::StrCat(
      storage::postgres::kSessionSettings,
      "; PREPARE one AS SELECT body FROM event "
      "WHERE key = $1::int8; PREPARE joined AS UPDATE delivery AS d SET lease = 0 FROM "
      "unnest($1::int8[]) AS w(key) WHERE d.key = w.key");
  CHECK(store.Partitions("event").size() > 7);
  const int64_t key = LeastKeyAt(store.clock.Now()) + 1;
  std::string plan = absl::StrJoin(
      Query(store.stores, absl::StrCat("EXPLAIN EXECUTE one(", key, ")"), settings), "\n");
  INFO(plan);
  CHECK(absl::StrContains(
      plan, absl::StrCat("Subplans Removed: ", store.Partitions("event").size() - 1)));
  store.Store(1);
  plan = absl::StrJoin(
      Query(store.stores, absl::StrCat("EXPLAIN (ANALYZE) EXECUTE joined(ARRAY[", key, "])"),
            settings),
      "\n");
  INFO(plan);
  size_t executed_count = 0;
  for (size_t at = plan.find("Index Scan"); at != plan.npos; at = plan.find("Index Scan", at + 1)) {
    executed_count +=
        !absl::StrContains(plan.substr(at, plan.find('\n', at) - at), "never executed");
  }
  CHECK(executed_count == 1);
}

TEST_CASE("slices: a role that does not own the tables prunes rows") {
  SlicedStore store;
  const std::string schema = store.stores.options().connection.schema;
  PostgresServer::Get().Execute(
      absl::StrCat("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN; GRANT CONNECT ON "
                   "DATABASE postgres TO guest; GRANT USAGE ON SCHEMA ",
                   schema, " TO guest; GRANT ALL ON ALL TABLES IN SCHEMA ", schema,
                   " TO guest; GRANT ALL ON ALL SEQUENCES IN SCHEMA ", schema, " TO guest"));
  const Event event = store.Store(1);
  CHECK(store.Deliver() == 1);
  storage::postgres::PostgresOptions options = store.stores.options();
  options.connection.dsn =
      absl::StrCat("host=", PostgresServer::Get().folder(), " user=guest dbname=postgres");
  options.clock = &store.clock;
  store.storage = nullptr;
  store.storage = storage::postgres::OpenPostgres(options).value();
  const size_t partitions_count = store.Partitions("event").size();
  store.clock.Advance(kRetention + 3 * kLength);
  CHECK(store.Prune().events_count == 1);
  CHECK(store.CountIn("event") + store.CountIn("delivery") + store.CountIn("attempt") == 0);
  CHECK(store.Partitions("event").size() == partitions_count);
  store.storage = nullptr;
  PostgresServer::Get().Execute(absl::StrCat("DROP OWNED BY guest; DROP ROLE guest"));
}

// SQL that makes tables of version 2 of the empty ones that there are.
constexpr const char* kUnpartition = R"sql(
CREATE TABLE e (LIKE event); CREATE TABLE d (LIKE delivery); CREATE TABLE a (LIKE attempt);
DROP TABLE event, delivery, attempt, slice;
ALTER TABLE e RENAME TO event; ALTER TABLE d RENAME TO delivery; ALTER TABLE a RENAME TO attempt;
ALTER TABLE event ADD PRIMARY KEY (key);
ALTER TABLE delivery ADD PRIMARY KEY (key);
ALTER TABLE attempt ADD PRIMARY KEY (key);
CREATE INDEX event_by_project ON event (project, key);
CREATE INDEX delivery_by_project ON delivery (project, key);
CREATE INDEX delivery_by_event ON delivery (event, key);
CREATE INDEX delivery_by_wake ON delivery (endpoint, wake_at_us, key) WHERE status < 3;
CREATE INDEX delivery_by_lease ON delivery (lease) WHERE lease <> 0;
CREATE INDEX attempt_by_delivery ON attempt (delivery, key);
CREATE FUNCTION delivery_made() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$ BEGIN
  INSERT INTO backlog AS b SELECT project, 0, count(*) FROM new_rows WHERE status < 3
    GROUP BY project;
  RETURN NULL;
END $$;
CREATE FUNCTION delivery_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE TRIGGER delivery_made AFTER INSERT ON delivery REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION delivery_made();
CREATE TRIGGER delivery_changed AFTER UPDATE ON delivery
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION delivery_changed();
CREATE TRIGGER delivery_removed AFTER DELETE ON delivery REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION delivery_removed();
ALTER TABLE opener DROP COLUMN version;
UPDATE schema_version SET version = 2;
INSERT INTO event SELECT $KEY + n, 7,
  (SELECT number FROM name WHERE id = '$PROJECT'), 0, 1, 1, 0, 0,
  0, 't', '', '', '', '', '', '', '[]', 'body' FROM generate_series(1, 1000) AS n;
INSERT INTO delivery SELECT $KEY + n, 7, $KEY + n,
  (SELECT number FROM name WHERE id = '$PROJECT'), 0, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 0,
  CASE WHEN n > 990 THEN 0 ELSE 3 END, 0, 0, '' FROM generate_series(1, 1000) AS n;
)sql";

TEST_CASE("slices: tables of former versions are brought up to date, with their rows") {
  const int version = GENERATE(1, 2);
  PostgresStores stores;
  {
    const auto storage = stores.OpenEmpty().value();
    REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
    const Event event = MakeEvent(Id('P', 1), 1);  // so that the project has a number
    REQUIRE(Submit(*storage, event, {}).status.ok());
  }
  const absl::Time made_at = absl::FromUnixSeconds(1'700'000'000);
  Query(stores, absl::StrReplaceAll(kUnpartition, {{"$KEY", absl::StrCat(LeastKeyAt(made_at))},
                                                   {"$PROJECT", Id('P', 1)}}));
  if (version == 1) {
    Query(stores, "DROP TABLE opener_beat; UPDATE schema_version SET version = 1");
  }
  auto storage = stores.OpenAgain().value();
  CHECK(Query(stores, "SELECT version FROM schema_version").front() == "4");
  CHECK(Query(stores,
              "SELECT proname FROM pg_proc WHERE proname IN ('delivery_made', "
              "'delivery_changed') AND pronamespace = current_schema()::regnamespace")
            .empty());
  CHECK(Query(stores, "SELECT count(*) FROM opener_beat").front() == "0");
  CHECK(Query(stores, "SELECT key FROM event_past").size() == 1000);
  CHECK(storage->GetEvent(Id('P', 1), IdAt(made_at, 5)).value().body == "body");
  CHECK(BacklogsOf(*storage)[Id('P', 1)].first == 10);
  uint64_t pruned_count = 0;
  while (true) {
    const Pruned pruned = storage->Prune({.events_before = absl::Now() - absl::Hours(24)}).value();
    pruned_count += pruned.events_count;
    if (pruned.events_count == 0) break;
  }
  CHECK(pruned_count == 990);
  CHECK(stores.OpenAgain().ok());

  // A process of an earlier version counts and wakes lanes in another way.
  Query(stores,
        "DO $$ BEGIN INSERT INTO opener (number, token) VALUES (99, 0); "
        "RAISE 'accepted'; EXCEPTION WHEN not_null_violation THEN NULL; END $$");
  Query(stores, "ALTER TABLE opener DROP COLUMN version");
  Query(stores, "UPDATE schema_version SET version = 3");
  const absl::Status refused = stores.OpenAgain().status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(absl::StrContains(refused.message(), "stop all of those"));
  storage = nullptr;
  CHECK(stores.OpenAgain().ok());
}

}  // namespace
}  // namespace convoy::testing
