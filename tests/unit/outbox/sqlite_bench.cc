// Test bench of outboxes in SQLite; see sqlite_bench.h.
#include "tests/unit/outbox/sqlite_bench.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"

namespace convoy::testing {

SqliteOutboxBench::SqliteOutboxBench() {
  std::string pattern = "/tmp/convoy_outbox_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  outboxes_["gone"] = NewSqliteOutbox({.path = folder_ + "/gone.db"});
  broker_ = NewOutboxBroker(outboxes_);
}

SqliteOutboxBench::~SqliteOutboxBench() { std::filesystem::remove_all(folder_); }

BrokerEnvironment SqliteOutboxBench::environment() {
  return {.clock = clock_.get(), .observer = &observer_};
}

BrokerTraits SqliteOutboxBench::traits() const {
  return {.has_attributes = false,
          .has_ids = false,
          .tells_lag = true,
          .may_remake = true,
          .has_addresses = false,
          .redelivery_max = absl::Seconds(1)};
}

std::string SqliteOutboxBench::PathOf(const Source& source) const {
  return absl::StrCat(folder_, "/", std::get<OutboxConfig>(source.broker).name, ".db");
}

std::unique_ptr<storage::Connection> SqliteOutboxBench::Connect(const Source& source) const {
  return storage::Connection::Open({.path = PathOf(source)}).value();
}

absl::StatusOr<Source> SqliteOutboxBench::NewQueue() {
  const std::string name = absl::StrCat("q", outboxes_.size());
  const Source source{.id = name, .type = SourceType::kPubSub, .broker = OutboxConfig{name}};
  const auto host = Connect(source);
  CONVOY_RETURN_IF_ERROR(host->Execute("PRAGMA journal_mode = WAL"));
  CONVOY_RETURN_IF_ERROR(host->Execute(SqliteOutboxSql().c_str()));
  outboxes_[name] = NewSqliteOutbox({.path = PathOf(source)});
  broker_ = NewOutboxBroker(outboxes_);
  return source;
}

absl::Status SqliteOutboxBench::Publish(const Source& source,
                                        std::span<const BenchMessage> messages) {
  const auto host = Connect(source);
  CONVOY_RETURN_IF_ERROR(host->Execute("BEGIN IMMEDIATE"));
  for (const BenchMessage& message : messages) {
    storage::Statement insert =
        host->Prepare("INSERT INTO convoy_outbox (event_type, data) VALUES ('t', ?1)");
    CONVOY_RETURN_IF_ERROR(insert.Blob(message.body).Run());
  }
  return host->Execute("COMMIT");
}

absl::StatusOr<Source> SqliteOutboxBench::SpoilQueueName(Source source) {
  source.broker = OutboxConfig{"nowhere"};
  return source;
}

absl::StatusOr<Source> SqliteOutboxBench::SpoilAddress(Source source) {
  source.broker = OutboxConfig{"gone"};
  return source;
}

absl::Status SqliteOutboxBench::RemakeQueue(const Source& source) {
  const auto host = Connect(source);
  CONVOY_RETURN_IF_ERROR(
      host->Execute("DROP TABLE convoy_outbox; DROP TABLE convoy_outbox_schema"));
  return host->Execute(SqliteOutboxSql().c_str());
}

int64_t SqliteOutboxBench::CountRows(const Source& source) const {
  return Connect(source)->QueryInt("SELECT count(*) FROM convoy_outbox").value();
}

}  // namespace convoy::testing
