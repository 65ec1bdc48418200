// Outboxes in SQLite: the conformance suite of brokers, and what only a table in the file of the
// host can show.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "lib/storage/sqlite/database_file.h"
#include "lib/storage/sqlite/schema.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/outbox/sqlite_bench.h"

namespace convoy::testing {
namespace {

using Messages = std::vector<BrokerMessage>;

std::unique_ptr<BrokerConsumer> Open(SqliteOutboxBench& bench, const Source& source) {
  return bench.broker().Open(source, source.id + "-1", bench.environment()).value();
}

Messages PollOnce(BrokerConsumer& consumer, absl::Duration patience = absl::Seconds(5)) {
  return consumer.Poll({}, patience).value();
}

std::string_view Attribute(const BrokerMessage& message, std::string_view name) {
  for (const Header& header : message.attributes) {
    if (header.name == name) return header.value;
  }
  return "";
}

TEST_CASE("sqlite_outbox: passes the conformance suite of brokers") {
  SqliteOutboxBench bench;
  const ConformanceReport report = CheckBroker(bench);
  for (const ConformanceFailure& failure : report.failures) {
    FAIL_CHECK(failure.requirement << ": " << failure.detail);
  }
  CHECK(report.checked.size() >= 16);
}

TEST_CASE("sqlite_outbox: every column of a row comes along, and empty ones are absent") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const auto host = bench.Connect(source);
  REQUIRE(host->Execute("INSERT INTO convoy_outbox (event_type, data, endpoint_id, owner_id, "
                        "custom_headers, idempotency_key) VALUES "
                        "('a.b', '{\"n\": 1.50}', 'E', 'ann', '{\"X-A\":\"b\"}', 'k'), "
                        "('c', 'null', NULL, '', NULL, '')")
              .ok());
  auto consumer = Open(bench, source);
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].body == "{\"n\": 1.50}");
  CHECK(rows[0].id == "1");
  CHECK(Attribute(rows[0], "x-convoy-event-type") == "a.b");
  CHECK(Attribute(rows[0], "x-convoy-endpoint-id") == "E");
  CHECK(Attribute(rows[0], "x-convoy-owner-id") == "ann");
  CHECK(Attribute(rows[0], "x-convoy-custom-headers") == "{\"X-A\":\"b\"}");
  CHECK(Attribute(rows[0], "x-convoy-idempotency-key") == "k");
  CHECK(rows[1].attributes.size() == 1);
}

TEST_CASE("sqlite_outbox: rows of an open transaction are not seen, and rolled-back ones never") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  const auto host = bench.Connect(source);
  const char* const kInsert = "INSERT INTO convoy_outbox (event_type, data) VALUES ('t', '1')";
  REQUIRE(host->Execute("BEGIN").ok());
  REQUIRE(host->Execute(kInsert).ok());
  CHECK(PollOnce(*consumer, absl::Milliseconds(300)).empty());
  REQUIRE(host->Execute("ROLLBACK").ok());
  CHECK(PollOnce(*consumer, absl::Milliseconds(300)).empty());
  REQUIRE(host->Execute("BEGIN").ok());
  REQUIRE(host->Execute(kInsert).ok());
  REQUIRE(host->Execute("COMMIT").ok());
  CHECK(PollOnce(*consumer).size() == 1);
}

TEST_CASE("sqlite_outbox: a row is deleted by its acknowledgement, and stays until then") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}, {.body = "2"}}).ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 2);
  CHECK(bench.CountRows(source) == 2);
  REQUIRE(consumer->Acknowledge(rows).ok());
  CHECK(bench.CountRows(source) == 0);
}

TEST_CASE("sqlite_outbox: a number that comes again with a restored backup is another row") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const auto host = bench.Connect(source);
  const auto redelivery_id = [&] {
    REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
    auto consumer = Open(bench, source);
    const Messages rows = PollOnce(*consumer);
    REQUIRE(rows.size() == 1);
    REQUIRE(rows[0].id == "1");
    REQUIRE(consumer->Acknowledge(rows).ok());
    return rows[0].redelivery_id;
  };
  const std::string first = redelivery_id();
  REQUIRE(host->Execute("DELETE FROM sqlite_sequence").ok());
  CHECK(redelivery_id() != first);
}

TEST_CASE("sqlite_outbox: a table that was made anew loses no row to a late acknowledgement") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(bench.RemakeQueue(source).ok());
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "2"}}).ok());
  REQUIRE(consumer->Acknowledge(rows).ok());
  CHECK(bench.CountRows(source) == 1);
}

TEST_CASE("sqlite_outbox: a row whose key is a BLOB is deleted, too") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  REQUIRE(bench.Connect(source)
              ->Execute("INSERT INTO convoy_outbox (event_type, data, row_key) VALUES "
                        "('t', '1', CAST('one' AS BLOB))")
              .ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  REQUIRE(consumer->Acknowledge(rows).ok());
  CHECK(bench.CountRows(source) == 0);
}

TEST_CASE("sqlite_outbox: a row that cannot be deleted is an error, and keeps no other") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  REQUIRE(bench.Connect(source)
              ->Execute("CREATE TRIGGER stay BEFORE DELETE ON convoy_outbox WHEN old.id = 1 "
                        "BEGIN SELECT RAISE(IGNORE); END")
              .ok());
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}, {.body = "2"}}).ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 2);
  const absl::Status status = consumer->Acknowledge(rows);
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(status.message().find("row 1 of convoy_outbox") != std::string_view::npos);
  CHECK(bench.CountRows(source) == 1);
}

TEST_CASE("sqlite_outbox: a file that takes the place of the outbox's is noticed") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value(), other = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  CHECK(PollOnce(*consumer, absl::ZeroDuration()).empty());
  REQUIRE(bench.Publish(other, std::vector<BenchMessage>{{.body = "1"}}).ok());
  std::filesystem::rename(bench.PathOf(other), bench.PathOf(source));
  const absl::Status status = consumer->Poll({}, absl::Seconds(5)).status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message() == "the outbox's file was replaced");
  consumer.reset();
  consumer = Open(bench, source);
  CHECK(PollOnce(*consumer).size() == 1);
}

TEST_CASE("sqlite_outbox: a redelivery id tells the table that its row stands in") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  CHECK(PollOnce(*consumer, absl::ZeroDuration()).empty());
  REQUIRE(bench.RemakeQueue(source).ok());  // under the consumer
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  const std::string identity =
      bench.Connect(source)->QueryText("SELECT identity FROM convoy_outbox_schema").value();
  CHECK(rows[0].redelivery_id.find(absl::StrCat("/", identity, "/")) != std::string::npos);
}

TEST_CASE("sqlite_outbox: one consumer reads, the next takes over when it is gone") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto first = Open(bench, source);
  auto second = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
  REQUIRE(PollOnce(*first).size() == 1);
  CHECK(PollOnce(*second, absl::Milliseconds(300)).empty());
  first.reset();
  CHECK(PollOnce(*second).size() == 1);
}

TEST_CASE("sqlite_outbox: a reader that does not go on is passed over after 30 seconds") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  SimClock clock;
  BrokerEnvironment env = bench.environment();
  env.clock = &clock;
  const auto open = [&] { return bench.broker().Open(source, "c", env).value(); };
  const auto count = [](BrokerConsumer& consumer) {
    return PollOnce(consumer, absl::ZeroDuration()).size();
  };
  auto frozen = open();
  auto second = open();
  auto third = open();
  const std::vector<BenchMessage> one = {{.body = "1"}};
  REQUIRE(bench.Publish(source, one).ok());
  REQUIRE(count(*frozen) == 1);
  CHECK(count(*second) == 0);
  clock.Advance(absl::Seconds(29));
  clock.StepWall(absl::Hours(1));  // that is no time
  CHECK(count(*second) == 0);
  clock.Advance(absl::Seconds(1));
  CHECK(count(*second) == 1);
  // Once the lock is free it is the reader's, and others stand by again.
  frozen.reset();
  REQUIRE(bench.Publish(source, one).ok());
  CHECK(count(*second) == 1);
  CHECK(count(*third) == 0);
}

TEST_CASE("sqlite_outbox: a host that holds the write lock delays acknowledgements only") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
  const auto host = bench.Connect(source);
  REQUIRE(host->Execute("BEGIN IMMEDIATE").ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  bool is_committed = false;
  std::thread commit([&] {
    absl::SleepFor(absl::Milliseconds(300));
    is_committed = host->Execute("COMMIT").ok();
  });
  const absl::Status acknowledged = consumer->Acknowledge(rows);
  commit.join();
  CHECK(is_committed);
  CHECK(acknowledged.ok());
  CHECK(bench.CountRows(source) == 0);
}

TEST_CASE("sqlite_outbox: an interruption ends the wait for the host's lock") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const auto host = bench.Connect(source);
  REQUIRE(host->QueryText("PRAGMA journal_mode = DELETE").value() == "delete");
  auto consumer = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  REQUIRE(host->Execute("BEGIN EXCLUSIVE").ok());
  const auto interrupted = [&](const std::function<absl::Status()>& wait) {
    std::thread other([&] {
      absl::SleepFor(absl::Milliseconds(200));
      consumer->Interrupt();
    });
    const absl::Time begin = absl::Now();
    const absl::Status status = wait();
    other.join();
    CHECK(absl::Now() - begin < absl::Seconds(2));
    return status;
  };
  CHECK(interrupted([&] { return consumer->Poll({}, absl::Seconds(5)).status(); }).ok());
  CHECK(absl::IsUnavailable(interrupted([&] { return consumer->Acknowledge(rows); })));
  REQUIRE(host->Execute("COMMIT").ok());
  CHECK(consumer->Acknowledge(rows).ok());
  CHECK(bench.CountRows(source) == 0);
}

TEST_CASE("sqlite_outbox: data that is too long is cut, and blocks nothing") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const auto host = bench.Connect(source);
  REQUIRE(host->Execute("INSERT INTO convoy_outbox (event_type, data) VALUES "
                        "('t', zeroblob(70000000)), ('t', '2')")
              .ok());
  auto consumer = Open(bench, source);
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].is_cut);
  CHECK(rows[0].body.size() == 64 * 1024);
  CHECK(Attribute(rows[0], "x-convoy-event-type") == "t");
  const Messages next = PollOnce(*consumer);
  REQUIRE(next.size() == 1);
  CHECK_FALSE(next[0].is_cut);
}

TEST_CASE("sqlite_outbox: no column's value is read whole that is longer than any event's") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const auto host = bench.Connect(source);
  for (const char* column : {"custom_headers", "row_key"}) {
    const std::string insert = absl::StrCat("INSERT INTO convoy_outbox (event_type, data, ", column,
                                            ") VALUES ('t', '1', zeroblob(70000000))");
    REQUIRE(host->Execute(insert.c_str()).ok());
  }
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "2"}}).ok());
  auto consumer = Open(bench, source);
  sqlite3_memory_highwater(1);
  const int64_t before = sqlite3_memory_used();
  for (int i = 0; i < 2; ++i) {
    const Messages rows = PollOnce(*consumer);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].is_cut);
    CHECK(rows[0].body == "1");
    CHECK(rows[0].redelivery_id.size() < 256);
    REQUIRE(consumer->Acknowledge(rows).ok());
  }
  CHECK(sqlite3_memory_highwater(0) - before < 20'000'000);
  CHECK(PollOnce(*consumer).size() == 1);
  CHECK(bench.CountRows(source) == 1);
}

TEST_CASE("sqlite_outbox: other columns count as bytes of a poll") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  REQUIRE(bench.Connect(source)
              ->Execute("INSERT INTO convoy_outbox (event_type, data, custom_headers) "
                        "SELECT 't', '1', zeroblob(200000) FROM convoy_outbox_schema, "
                        "(VALUES (1), (2), (3), (4))")
              .ok());
  auto consumer = Open(bench, source);
  CHECK(consumer->Poll({.bytes_max = 300'000}, absl::Seconds(5)).value().size() == 2);
  CHECK(consumer->Poll({.bytes_max = 300'000}, absl::Seconds(5)).value().size() == 2);
}

TEST_CASE("sqlite_outbox: tables are made on request only") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string path = bench.PathOf(source);
  REQUIRE(bench.Connect(source)
              ->Execute("DROP TABLE convoy_outbox_schema; "
                        "DROP TABLE convoy_outbox; CREATE TABLE orders (id)")
              .ok());
  const auto open = [&](bool should_create) {
    return NewSqliteOutbox({.path = path, .should_create = should_create})
        ->Open(source, "c", bench.environment())
        .status();
  };
  CHECK(absl::IsNotFound(open(false)));
  CHECK(open(false).message().find(path) == std::string_view::npos);  // is shown to tenants
  CHECK(open(true).ok());
  CHECK(open(false).ok());
  CHECK(open(true).ok());
}

TEST_CASE("sqlite_outbox: a missing file is not made, and its path not told") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string path = bench.PathOf(source) + "-other";
  const auto outbox = NewSqliteOutbox({.path = path, .should_create = true});
  const absl::Status status = outbox->Open(source, "c", bench.environment()).status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message().find(path) == std::string_view::npos);
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE("sqlite_outbox: errors do not tell where the file is, however it was named") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string path = bench.PathOf(source);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  std::ofstream(path + "-none") << std::string(4096, 'x');
  const std::string relative = std::filesystem::relative(path + "-none").string();
  std::filesystem::create_symlink(path + "-none", path + "-link");
  for (const std::string& name : {path + "-none", relative, path + "-link"}) {
    INFO(name);
    const absl::Status status =
        NewSqliteOutbox({.path = name})->Open(source, "c", bench.environment()).status();
    INFO(status.message());
    CHECK(absl::IsDataLoss(status));
    CHECK(status.message().find(folder) == std::string_view::npos);
    CHECK(status.message().find(std::filesystem::path(folder).filename().string()) ==
          std::string_view::npos);
    CHECK(status.message().find("the outbox's file") != std::string_view::npos);
  }
}

TEST_CASE("sqlite_outbox: a gateway's own file and a table of another version are refused") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const auto host = bench.Connect(source);
  REQUIRE(host->Execute("UPDATE convoy_outbox_schema SET version = 2").ok());
  const auto open = [&] { return bench.broker().Open(source, "c", bench.environment()).status(); };
  CHECK(absl::IsInvalidArgument(open()));
  REQUIRE(host->Execute("UPDATE convoy_outbox_schema SET version = 1").ok());
  CHECK(open().ok());
  const std::string pragma = absl::StrCat("PRAGMA application_id = ", storage::kApplicationId);
  REQUIRE(host->Execute(pragma.c_str()).ok());
  CHECK(absl::IsInvalidArgument(open()));
}

TEST_CASE("sqlite_outbox: a file whose texts are not UTF-8 is refused") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  const std::string path = bench.PathOf(source) + "-utf16";
  const auto host = storage::Connection::Open({.path = path}).value();
  REQUIRE(host->Execute("PRAGMA encoding = 'UTF-16le'").ok());
  REQUIRE(host->Execute(SqliteOutboxSql().c_str()).ok());
  const absl::Status status =
      NewSqliteOutbox({.path = path})->Open(source, "c", bench.environment()).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(status.message().find("PRAGMA encoding UTF-16le") != std::string_view::npos);
  // Texts of such a file are read whole all the same.
  storage::Statement text =
      host->Prepare("SELECT 'a text, longer than any that has a place aside'");
  REQUIRE(text.Next());
  CHECK(text.TextAt(0) == "a text, longer than any that has a place aside");
}

TEST_CASE("sqlite_outbox: the host's settings of the file stay") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  REQUIRE(bench.Connect(source)->QueryText("PRAGMA journal_mode = DELETE").value() == "delete");
  auto consumer = Open(bench, source);
  REQUIRE(bench.Publish(source, std::vector<BenchMessage>{{.body = "1"}}).ok());
  const Messages rows = PollOnce(*consumer);
  REQUIRE(rows.size() == 1);
  REQUIRE(consumer->Acknowledge(rows).ok());
  CHECK(bench.Connect(source)->QueryText("PRAGMA journal_mode").value() == "delete");
  CHECK(bench.CountRows(source) == 0);
}

TEST_CASE("sqlite_outbox: a gateway that waits costs next to nothing") {
  SqliteOutboxBench bench;
  const Source source = bench.NewQueue().value();
  auto consumer = Open(bench, source);
  const clock_t begin = clock();
  CHECK(PollOnce(*consumer, absl::Seconds(3)).empty());
  const double seconds = static_cast<double>(clock() - begin) / CLOCKS_PER_SEC;
  CHECK(seconds < 0.03);  // 1 % of a processor
}

TEST_CASE("sqlite_outbox: the documentation has the SQL that is run") {
  const std::string path = absl::StrCat(CONVOY_TEST_DIR, "/../docs/outbox.md");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  CHECK(text.str().find(SqliteOutboxSql()) != std::string::npos);
}

TEST_CASE("sqlite_outbox: names are short words") {
  for (const char* name : {"orders", "a.b-c_D9"}) CHECK(CheckOutboxName(name).ok());
  for (const char* name : {"", "a b", "a/b", "é", "a="}) CHECK_FALSE(CheckOutboxName(name).ok());
  CHECK_FALSE(CheckOutboxName(std::string(65, 'x')).ok());
}

}  // namespace
}  // namespace convoy::testing
