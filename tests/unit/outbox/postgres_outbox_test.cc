// Outboxes in PostgreSQL: the conformance suite of brokers, and what only a table in the host's own
// database can show.
#include <libpq-fe.h>

#include <atomic>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "convoy/outbox.h"
#include "convoy/testing/broker_conformance.h"
#include "tests/unit/postgres/server.h"

namespace convoy::testing {
namespace {

using Messages = std::vector<BrokerMessage>;

// A session of the host's.
class Host {
 public:
  explicit Host(const std::string& dsn = PostgresServer::Get().dsn())
      : connection_(PQconnectdb(dsn.c_str())) {
    PQsetNoticeProcessor(
        connection_, [](void*, const char*) {}, nullptr);
  }
  ~Host() { PQfinish(connection_); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // The lines of the first column; `error` if that is what comes.
  std::vector<std::string> Run(const std::string& sql, std::string* error = nullptr) {
    PGresult* const result = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    std::vector<std::string> lines;
    for (int i = 0; i < PQntuples(result); ++i) lines.emplace_back(PQgetvalue(result, i, 0));
    PQclear(result);
    const bool is_ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    INFO(sql << ": " << PQerrorMessage(connection_));
    if (error == nullptr) REQUIRE(is_ok);
    if (error != nullptr) *error = is_ok ? "" : PQerrorMessage(connection_);
    return lines;
  }
  bool Insert(const std::string& schema, const std::string& body) {
    const std::string sql =
        absl::StrCat("INSERT INTO ", schema, ".outbox (event_type, data) VALUES ('t', $1)");
    const char* const values[] = {body.c_str()};
    PGresult* const result =
        PQexecParams(connection_, sql.c_str(), 1, nullptr, values, nullptr, nullptr, 0);
    const bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return is_ok;
  }

 private:
  PGconn* const connection_;
};

// Each queue is a namespace of its own.
class PostgresOutboxBench final : public BrokerBench {
 public:
  PostgresOutboxBench() {
    outboxes_["gone"] = NewPostgresOutbox({.dsn = "host=127.0.0.1 port=1 user=secret_role"});
    broker_ = NewOutboxBroker(outboxes_);
  }

  Broker& broker() override { return *broker_; }
  BrokerEnvironment environment() override {
    return {.clock = clock_.get(), .observer = &observer_};
  }
  BrokerTraits traits() const override {
    return {.has_binary_bodies = false,
            .has_attributes = false,
            .has_ids = false,
            .tells_lag = true,
            .may_restart = true,
            .may_remake = true,
            .has_addresses = false,
            .redelivery_max = absl::Seconds(3)};
  }
  absl::StatusOr<Source> NewQueue() override {
    static int count = 0;
    const std::string name = absl::StrCat("outbox_", ++count);
    Host().Run(PostgresOutboxSql(name));
    outboxes_[name] = NewPostgresOutbox({.dsn = PostgresServer::Get().dsn(), .schema = name});
    broker_ = NewOutboxBroker(outboxes_);
    return Source{.id = name, .type = SourceType::kPubSub, .broker = OutboxConfig{name}};
  }
  absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) override {
    Host host;
    host.Run("BEGIN");
    for (const BenchMessage& message : messages) {
      if (!host.Insert(NameOf(source), message.body)) return absl::InternalError("not inserted");
    }
    host.Run("COMMIT");
    return absl::OkStatus();
  }
  absl::StatusOr<Source> SpoilQueueName(Source source) override {
    source.broker = OutboxConfig{"nowhere"};
    return source;
  }
  absl::StatusOr<Source> SpoilAddress(Source source) override {
    source.broker = OutboxConfig{"gone"};
    return source;
  }
  absl::Status RemakeQueue(const Source& source) override {
    Host().Run(absl::StrCat("DROP SCHEMA ", NameOf(source), " CASCADE"));
    Host().Run(PostgresOutboxSql(NameOf(source)));
    return absl::OkStatus();
  }
  absl::Status RestartServer() override {
    PostgresServer::Get().Stop("immediate");
    PostgresServer::Get().Start();
    return absl::OkStatus();
  }

  static const std::string& NameOf(const Source& source) {
    return std::get<OutboxConfig>(source.broker).name;
  }
  static std::string CountRows(const Source& source) {
    return Host().Run(absl::StrCat("SELECT count(*) FROM ", NameOf(source), ".outbox")).at(0);
  }

 private:
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  Observer observer_;
  std::map<std::string, std::shared_ptr<Broker>> outboxes_;
  std::shared_ptr<Broker> broker_;
};

std::unique_ptr<BrokerConsumer> Open(PostgresOutboxBench& bench, const Source& source) {
  return bench.broker().Open(source, source.id + "-1", bench.environment()).value();
}

Messages PollOnce(BrokerConsumer& consumer, absl::Duration patience = absl::Seconds(5)) {
  return consumer.Poll({}, patience).value();
}

TEST_CASE("postgres_outbox: passes the conformance suite of brokers") {
  PostgresOutboxBench bench;
  const ConformanceReport report = CheckBroker(bench);
  for (const ConformanceFailure& failure : report.failures) {
    FAIL_CHECK(failure.requirement << ": " << failure.detail);
  }
  CHECK(report.checked.size() >= 18);
}

TEST_CASE("postgres_outbox: enqueue takes part in the host's transaction") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string& name = PostgresOutboxBench::NameOf(source);
  auto consumer = Open(bench, source);
  Host host;
  host.Run("BEGIN");
  host.Run(absl::StrCat("SELECT ", name, ".enqueue('a', '{\"n\": 1.50}')"));
  CHECK(PollOnce(*consumer, absl::Milliseconds(500)).empty());
  host.Run("ROLLBACK");
  CHECK(PollOnce(*consumer, absl::Milliseconds(500)).empty());
  host.Run(absl::StrCat("SELECT ", name, ".enqueue('a', '{\"n\": 1.50}', owner_id => 'ann')"));
  host.Run(absl::StrCat("SELECT ", name, ".enqueue('b', jsonb_build_object('n', 2))"));
  Messages rows = PollOnce(*consumer);
  REQUIRE(consumer->Acknowledge(rows).ok());
  for (BrokerMessage& row : PollOnce(*consumer, absl::Milliseconds(500))) rows.push_back(row);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].body == "{\"n\": 1.50}");
  CHECK(rows[0].attributes == Headers{{"x-convoy-event-type", "a"}, {"x-convoy-owner-id", "ann"}});
  CHECK(rows[1].body == "{\"n\": 2}");
  // A text that is no JSON fails where it can be seen: in the transaction of the host.
  std::string error;
  host.Run(absl::StrCat("SELECT ", name, ".enqueue('a', '{')"), &error);
  CHECK(error.find("invalid input syntax for type json") != std::string::npos);
}

TEST_CASE("postgres_outbox: a row comes at once, and also where notices do not") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string& name = PostgresOutboxBench::NameOf(source);
  auto consumer = Open(bench, source);
  Host host;
  const auto latency = [&] {
    bool is_inserted = false;
    std::thread insert([&] {
      absl::SleepFor(absl::Milliseconds(100));
      is_inserted = host.Insert(name, "1");
    });
    const absl::Time begin = absl::Now();
    const Messages rows = PollOnce(*consumer);
    const absl::Duration taken = absl::Now() - begin;
    insert.join();
    CHECK(is_inserted);
    CHECK(rows.size() == 1);
    REQUIRE(consumer->Acknowledge(rows).ok());
    return taken - absl::Milliseconds(100);
  };
  CHECK(latency() < absl::Milliseconds(500));
  CHECK(latency() < absl::Milliseconds(500));
  host.Run(absl::StrCat("DROP TRIGGER outbox_notify ON ", name, ".outbox"));
  CHECK(latency() < absl::Milliseconds(1500));
  CHECK(latency() < absl::Milliseconds(700));
}

TEST_CASE("postgres_outbox: one consumer reads; the next takes over, in order") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto first = Open(bench, source);
  auto second = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}, {.body = "2"}}).ok());
  const Messages rows = PollOnce(*first);
  REQUIRE(rows.size() == 2);
  CHECK(PollOnce(*second, absl::Milliseconds(700)).empty());
  // One of the two stays in flight: it comes to no other reader while it is.
  REQUIRE(first->Acknowledge(std::span(rows).first(1)).ok());
  CHECK(PostgresOutboxBench::CountRows(source) == "1");
  CHECK(PollOnce(*second, absl::Milliseconds(700)).empty());
  first.reset();
  const Messages left = PollOnce(*second);
  REQUIRE(left.size() == 1);
  CHECK(left[0].body == "2");
  CHECK(left[0].redelivery_id == rows[1].redelivery_id);
}

TEST_CASE("postgres_outbox: a row of a transaction that commits later is not passed over") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string& name = PostgresOutboxBench::NameOf(source);
  auto consumer = Open(bench, source);
  Host slow;
  slow.Run("BEGIN");
  REQUIRE(slow.Insert(name, "1"));
  Host quick;
  REQUIRE(quick.Insert(name, "2"));
  Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].body == "2");
  REQUIRE(consumer->Acknowledge(rows).ok());
  slow.Run("COMMIT");
  rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].body == "1");
}

TEST_CASE("postgres_outbox: no old snapshot and no lock on rows while a batch is stored") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string& name = PostgresOutboxBench::NameOf(source);
  auto consumer = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
  REQUIRE(PollOnce(*consumer).size() == 1);
  Host host;
  CHECK(host.Run("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND "
                 "(backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)")
            .at(0) == "0");
  host.Run(absl::StrCat("SET lock_timeout = '1s'; UPDATE ", name, ".outbox SET data = '2'"));
}

TEST_CASE("postgres_outbox: a row that a trigger of the host keeps is not acknowledged") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string& name = PostgresOutboxBench::NameOf(source);
  Host host;
  host.Run(absl::StrCat("CREATE FUNCTION ", name, ".keep() RETURNS trigger LANGUAGE plpgsql AS ",
                        "$$ BEGIN IF OLD.data = '2' THEN RETURN NULL; END IF; RETURN OLD; END $$; ",
                        "CREATE TRIGGER keep BEFORE DELETE ON ", name,
                        ".outbox FOR EACH ROW EXECUTE FUNCTION ", name, ".keep()"));
  auto consumer = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}, {.body = "2"}}).ok());
  Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 2);
  const absl::Status status = consumer->Acknowledge(rows);
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(status.message().find("row 2 of the outbox could not be deleted") != status.message().npos);
  CHECK(PostgresOutboxBench::CountRows(source) == "1");
  // One that the host has deleted itself needs no acknowledgement.
  host.Run(absl::StrCat("DROP TRIGGER keep ON ", name, ".outbox"));
  rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  host.Run(absl::StrCat("DELETE FROM ", name, ".outbox"));
  CHECK(consumer->Acknowledge(rows).ok());
}

TEST_CASE("postgres_outbox: the least privileges are enough, and more is not given") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string& name = PostgresOutboxBench::NameOf(source);
  Host owner;
  owner.Run(
      absl::StrCat("CREATE ROLE shop LOGIN; CREATE ROLE gateway LOGIN; "
                   "GRANT USAGE ON SCHEMA ",
                   name,
                   " TO shop, gateway; "
                   "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ",
                   name,
                   " TO shop; "
                   "GRANT SELECT, DELETE ON ",
                   name,
                   ".outbox TO gateway; "
                   "GRANT SELECT ON ",
                   name, ".outbox_schema TO gateway"));
  const std::string folder = PostgresServer::Get().folder();
  Host shop(absl::StrCat("host=", folder, " user=shop dbname=postgres"));
  shop.Run(absl::StrCat("SELECT ", name, ".enqueue('a', '1')"));
  shop.Run(absl::StrCat("SELECT ", name, ".enqueue('a', '2'::jsonb)"));
  std::string error;
  shop.Run(absl::StrCat("SELECT * FROM ", name, ".outbox"), &error);
  CHECK(error.find("permission denied") != std::string::npos);
  const auto outbox = NewPostgresOutbox(
      {.dsn = absl::StrCat("host=", folder, " user=gateway dbname=postgres"), .schema = name});
  auto consumer = outbox->Open(source, "c", bench.environment()).value();
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 2);
  CHECK(consumer->Acknowledge(rows).ok());
  Host gateway(absl::StrCat("host=", folder, " user=gateway dbname=postgres"));
  gateway.Run(absl::StrCat("SELECT ", name, ".enqueue('a', '1')"), &error);
  CHECK(error.find("permission denied") != std::string::npos);
}

TEST_CASE("postgres_outbox: tables are made on request only, by many at once") {
  PostgresOutboxBench bench;
  const std::string dsn = PostgresServer::Get().dsn();
  const auto open = [&](bool should_create) {
    return NewPostgresOutbox({.dsn = dsn, .schema = "made", .should_create = should_create})
        ->Open(Source(), "c", bench.environment())
        .status();
  };
  CHECK(absl::IsNotFound(open(false)));
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { opened += open(true).ok() ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  CHECK(opened == 4);
  CHECK(open(false).ok());
  CHECK(Host().Run("SELECT count(*) FROM made.outbox_schema").at(0) == "1");
  CHECK(absl::IsInvalidArgument(NewPostgresOutbox({.dsn = dsn, .schema = "x\"; DROP"})
                                    ->Open(Source(), "c", bench.environment())
                                    .status()));
}

TEST_CASE("postgres_outbox: no statement reads the table from end to end") {
  PostgresOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string& name = PostgresOutboxBench::NameOf(source);
  Host host;
  host.Run(absl::StrCat("INSERT INTO ", name,
                        ".outbox (event_type, data) SELECT 't', repeat('x', "
                        "200) FROM generate_series(1, 50000); ANALYZE ",
                        name, ".outbox"));
  // The plans of what a consumer runs, as the server logs them.
  host.Run(
      absl::StrCat("ALTER ROLE postgres SET session_preload_libraries = 'auto_explain'; "
                   "ALTER ROLE postgres SET auto_explain.log_min_duration = 0"));
  auto consumer = Open(bench, source);
  consumer->AskLag();
  const Messages rows = PollOnce(*consumer);
  CHECK(rows.size() == 256);
  REQUIRE(consumer->Acknowledge(rows).ok());
  CHECK(consumer->lag()->messages_count == 50'000);
  consumer.reset();
  host.Run("ALTER ROLE postgres RESET ALL");
  std::stringstream log;
  log << std::ifstream(PostgresServer::Get().folder() + "/log").rdbuf();
  const std::string text = log.str();
  CHECK(text.find("Index Scan using outbox_pkey") != std::string::npos);
  CHECK(text.find("Delete on outbox o") != std::string::npos);
  CHECK(text.find("Seq Scan on outbox ") == std::string::npos);
}

TEST_CASE("postgres_outbox: the documentation has the SQL that is run") {
  std::stringstream text;
  text << std::ifstream(absl::StrCat(CONVOY_TEST_DIR, "/../docs/outbox.md")).rdbuf();
  CHECK(text.str().find(PostgresOutboxSql()) != std::string::npos);
}

TEST_CASE("postgres_outbox: a namespace may have the name of a word of SQL") {
  PostgresOutboxBench bench;
  const Source source{.id = "s", .type = SourceType::kPubSub, .broker = OutboxConfig{"q"}};
  const auto outbox = NewPostgresOutbox(
      {.dsn = PostgresServer::Get().dsn(), .schema = "order", .should_create = true});
  auto consumer = outbox->Open(source, "c", bench.environment()).value();
  REQUIRE(Host().Insert("\"order\"", "1"));
  const auto rows = consumer->Poll({}, absl::Seconds(5)).value();
  REQUIRE(rows.size() == 1);
  // It has the table's identity.
  CHECK(rows[0].redelivery_id.find("outbox//") == std::string::npos);
  REQUIRE(consumer->Acknowledge(rows).ok());
  CHECK(Host().Run("SELECT count(*) FROM \"order\".outbox").at(0) == "0");
}

TEST_CASE("postgres_outbox: no part of a password is told of a connection string that is wrong") {
  PostgresOutboxBench bench;
  const Source source{.id = "s", .type = SourceType::kPubSub, .broker = OutboxConfig{"q"}};
  for (const char* dsn :
       {"postgres://shop:hush@hush@127.0.0.1:1/db", "postgres://shop:hush/hush@127.0.0.1:1/db",
        "postgres://shop:hush%zz@127.0.0.1:1/db", "host=127.0.0.1 port=1 password=one hush"}) {
    INFO(dsn);
    const absl::Status status =
        NewPostgresOutbox({.dsn = dsn})->Open(source, "c", bench.environment()).status();
    INFO(status.message());
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find("hush") == std::string_view::npos);
  }
}

}  // namespace
}  // namespace convoy::testing
