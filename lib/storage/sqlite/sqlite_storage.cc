// SQLite storage: joins reader and writer behind the interface. Queries are here; writes are in
// writer.cc, claims.cc and retention.cc, rows in rows.cc and config_rows.cc.
#include "lib/storage/sqlite/sqlite_storage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_table.h"
#include "convoy/gateway.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/log_upkeep.h"
#include "lib/storage/sqlite/backlogs.h"
#include "lib/storage/sqlite/config_rows.h"
#include "lib/storage/sqlite/connection_pool.h"
#include "lib/storage/sqlite/database_file.h"
#include "lib/storage/sqlite/held_totals.h"
#include "lib/storage/sqlite/list_walk.h"
#include "lib/storage/sqlite/log_keeper.h"
#include "lib/storage/sqlite/process_guard.h"
#include "lib/storage/sqlite/row_keys.h"
#include "lib/storage/sqlite/rows.h"
#include "lib/storage/sqlite/schema.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// The one object that `statement` selects, as `read` reads it.
template <typename Read>
auto ReadOne(Statement& statement, std::string_view what, Read read)
    -> decltype(read(std::as_const(statement))) {
  if (statement.Next()) return read(std::as_const(statement));
  if (!statement.status().ok()) return statement.status();
  return absl::NotFoundError(absl::StrCat(what, " not found"));
}

// All of them.
template <typename T, typename Read>
absl::StatusOr<std::vector<T>> ReadAll(Statement& statement, Read read) {
  std::vector<T> all;
  while (statement.Next()) {
    absl::StatusOr<T> one = read(std::as_const(statement));
    if (!one.ok()) return one.status();
    all.push_back(*std::move(one));
  }
  if (!statement.status().ok()) return statement.status();
  return all;
}

std::string SelectFrom(std::string_view columns, std::string_view rest) {
  return absl::StrCat("SELECT ", columns, " FROM ", rest);
}

absl::StatusOr<Event> ReadEventOf(Connection& connection, std::string_view project_id,
                                  std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(const std::optional<EventRow> event,
                          FindEvent(connection, project_id, id));
  if (!event.has_value()) return absl::NotFoundError("event not found");
  Statement row = connection.Prepare(SelectFrom(kEventColumns, "event WHERE key = ?"));
  return ReadOne(row.Int(event->key), "event",
                 [&](const Statement& found) { return ReadEvent(connection, found, project_id); });
}

absl::StatusOr<Delivery> ReadDeliveryOf(Connection& connection, std::string_view project_id,
                                        std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(const std::optional<DeliveryRow> delivery,
                          FindDelivery(connection, project_id, id));
  if (!delivery.has_value()) return absl::NotFoundError("event delivery not found");
  CONVOY_ASSIGN_OR_RETURN(const EventHead event, ReadEventHead(connection, delivery->event));
  Statement row = connection.Prepare(SelectFrom(kDeliveryColumns, "delivery WHERE key = ?"));
  return ReadOne(row.Int(delivery->key), "event delivery", [&](const Statement& found) {
    return ReadDelivery(connection, found, project_id, event);
  });
}

// Runs `read`, which makes several queries, at one instant of the store.
template <typename Read>
auto ReadAtOnce(Connection& connection, const Read& read) -> decltype(read()) {
  CONVOY_RETURN_IF_ERROR(connection.Prepare("BEGIN").Run());
  auto answer = read();
  const absl::Status ended = connection.Prepare("COMMIT").Run();
  if (answer.ok() && !ended.ok()) return ended;
  return answer;
}

class SqliteStorage final : public Storage, public FlowCounts, public LogUpkeep {
 public:
  SqliteStorage(std::unique_ptr<ProcessGuard> guard, Connection::OpenOptions reader_options,
                size_t readers_max)
      : guard_(std::move(guard)), readers_(std::move(reader_options), readers_max) {}

  absl::Status Open(const Connection::OpenOptions& options, const MigrationListener& on_migration);

  std::string_view name() const override { return "sqlite"; }

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    return writer_->Write(batches, results);
  }
  absl::Status Sync() override { return log_->Sync(); }
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    return writer_->ClaimDue(request);
  }
  absl::Status ReleaseClaims() override { return writer_->ReleaseClaims(); }
  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    return writer_->Prune(request);
  }
  bool is_log_long() override { return keeper_->is_long(); }
  absl::Status ShortenLog() override { return keeper_->Shorten(); }
  absl::Status CheckWritable() override { return writer_->CheckWritable(); }
  bool may_be_shared() const override { return true; }
  absl::Status CheckAlive() override { return poison_.status(); }

  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return ConfigRows(*reader).Revision(scope);
  }
  absl::StatusOr<uint64_t> ConfigGeneration() override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return ConfigRows(*reader).Generation();
  }
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                         std::string_view id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    ConfigRows rows(*reader);
    return convoy::GetConfig(rows, kind, project_id, id);
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                          std::string_view value) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    ConfigRows rows(*reader);
    return ReadAtOnce(*reader, [&] { return convoy::FindConfig(rows, kind, field, value); });
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    ConfigRows rows(*reader);
    return ReadAtOnce(*reader, [&] { return convoy::ListConfig(rows, query, page); });
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    ConfigRows rows(*reader);
    return ReadAtOnce(*reader, [&] { return ReadConfigChanges(rows, scope, since); });
  }

  absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return ReadEventOf(*reader, project_id, id);
  }
  absl::StatusOr<Delivery> GetDelivery(std::string_view project_id, std::string_view id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return ReadAtOnce(*reader, [&] { return ReadDeliveryOf(*reader, project_id, id); });
  }
  absl::StatusOr<Attempt> GetAttempt(std::string_view project_id, std::string_view delivery_id,
                                     std::string_view id) override;
  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                    std::string_view delivery_id) override;

  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query,
                                         const PageRequest& page) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::ListEvents(*reader, query, page);
  }
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                const PageRequest& page) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::ListDeliveries(*reader, query, page);
  }
  absl::StatusOr<CountPart> CountEvents(const EventQuery& query, std::string_view cursor) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::CountEvents(*reader, query, cursor);
  }
  absl::StatusOr<CountPart> CountDeliveries(const DeliveryQuery& query,
                                            std::string_view cursor) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::CountDeliveries(*reader, query, cursor);
  }
  absl::StatusOr<StatusCountPart> CountByStatus(const DeliveryQuery& query,
                                                std::string_view cursor) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::CountByStatus(*reader, query, cursor);
  }

  absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                    absl::Time now) override;
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::ListHeld(*reader, query, page);
  }
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::CountHeld(*reader, query);
  }
  absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName& lane, absl::Time now) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return ReadAtOnce(*reader, [&] { return ReadLaneClosedUntil(*reader, lane, now); });
  }
  absl::StatusOr<std::vector<Backlog>> ListBacklogs() override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return ReadAtOnce(*reader, [&] { return ReadBacklogs(*reader); });
  }
  absl::StatusOr<HeldUse> ReadHeldUse() override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return storage::ReadHeldUse(*reader);
  }

 private:
  // In the order in which they are opened. The last connection to close copies the log into the
  // database, which those that only read cannot.
  const std::unique_ptr<ProcessGuard> guard_;
  Poison poison_;
  std::unique_ptr<LogSync> log_;
  std::unique_ptr<LogKeeper> keeper_;
  std::unique_ptr<Writer> writer_;
  ConnectionPool readers_;
};

absl::Status SqliteStorage::Open(const Connection::OpenOptions& options,
                                 const MigrationListener& on_migration) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(options));
  CONVOY_RETURN_IF_ERROR(PrepareDatabase(*connection, on_migration));
  CONVOY_RETURN_IF_ERROR(CheckFinished(*connection));
  CONVOY_ASSIGN_OR_RETURN(log_, LogSync::Open(options, &poison_));
  keeper_ = std::make_unique<LogKeeper>(options, &poison_);
  CONVOY_ASSIGN_OR_RETURN(writer_,
                          Writer::Open(std::move(connection), log_.get(), keeper_.get(), &poison_));
  return absl::OkStatus();
}

absl::StatusOr<Attempt> SqliteStorage::GetAttempt(std::string_view project_id,
                                                  std::string_view delivery_id,
                                                  std::string_view id) {
  const absl::Status not_found = absl::NotFoundError("event delivery attempt not found");
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return not_found;
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return ReadAtOnce(*reader, [&]() -> absl::StatusOr<Attempt> {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<DeliveryRow> found,
                            FindDelivery(*reader, project_id, delivery_id));
    if (!found.has_value()) return not_found;
    CONVOY_ASSIGN_OR_RETURN(const std::string endpoint_id, NameOf(*reader, found->endpoint));
    Statement row = (*reader).Prepare(SelectFrom(
        kAttemptColumns,
        "attempt WHERE key BETWEEN ?1 AND ?1 + 63 AND key - key_shift = ?1 AND id_tail = ?2 "
        "AND delivery = ?3 LIMIT 1"));
    BindId(row, *parts, found->key);
    return ReadOne(row, "event delivery attempt", [&](const Statement& attempt) {
      return ReadAttempt(attempt, {.project_id = std::string(project_id),
                                   .delivery_id = std::string(delivery_id),
                                   .endpoint_id = endpoint_id});
    });
  });
}

absl::StatusOr<std::vector<Attempt>> SqliteStorage::ListAttempts(std::string_view project_id,
                                                                 std::string_view delivery_id) {
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return ReadAtOnce(*reader, [&]() -> absl::StatusOr<std::vector<Attempt>> {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<DeliveryRow> found,
                            FindDelivery(*reader, project_id, delivery_id));
    if (!found.has_value()) return absl::NotFoundError("event delivery not found");
    CONVOY_ASSIGN_OR_RETURN(const std::string endpoint_id, NameOf(*reader, found->endpoint));
    Statement rows =
        (*reader).Prepare(SelectFrom(kAttemptColumns, "attempt WHERE delivery = ? ORDER BY key"));
    return ReadAll<Attempt>(rows.Int(found->key), [&](const Statement& row) {
      return ReadAttempt(row, {.project_id = std::string(project_id),
                               .delivery_id = std::string(delivery_id),
                               .endpoint_id = endpoint_id});
    });
  });
}

absl::StatusOr<HeldInput> SqliteStorage::GetHeld(std::string_view project_id, std::string_view id,
                                                 absl::Time now) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return NotHeld();
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(*reader, project_id));
  Statement row = (*reader).Prepare(
      SelectFrom(kHeldColumns,
                 "held_input WHERE key BETWEEN ?1 AND ?1 + 63 AND key - key_shift = ?1 "
                 "AND id_tail = ?2 AND project = ?3 AND expires_at_us > ?4 LIMIT 1"));
  BindId(row, *parts, project).Int(base::ToMicros(now));
  return ReadOne(row, "held input",
                 [&](const Statement& found) { return ReadHeld(*reader, found, project_id); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> OpenSqlite(const SqliteOptions& options) {
  const Connection::OpenOptions writing = {.path = options.path, .vfs = options.vfs};
  const Connection::OpenOptions reading = {
      .path = options.path, .vfs = options.vfs, .is_read_only = true};
  CONVOY_RETURN_IF_ERROR(CheckSqliteLibrary());
  CONVOY_RETURN_IF_ERROR(CreateDatabaseFile(options.path));
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<ProcessGuard> guard, ProcessGuard::Enter(options.path));
  auto storage = std::make_unique<SqliteStorage>(std::move(guard), reading, options.readers_max);
  CONVOY_RETURN_IF_ERROR(storage->Open(writing, options.on_migration));
  return storage;
}

}  // namespace convoy::storage

namespace convoy {

absl::StatusOr<std::unique_ptr<Storage>> OpenSqliteStorage(SqliteStorageOptions options) {
  uint64_t reported_tenths = 0;
  const auto report = [&](const MigrationProgress& progress) {
    const uint64_t tenths = progress.rows_done * 10 / std::max<uint64_t>(progress.rows_count, 1);
    if (options.observer != nullptr && tenths > reported_tenths) {
      reported_tenths = tenths;
      const std::string done = absl::StrCat(progress.rows_done);
      const std::string count = absl::StrCat(progress.rows_count);
      const LogField fields[] = {{"path", options.path}, {"rows", done}, {"of", count}};
      options.observer->Log(LogLevel::kInfo, "database migrating", fields);
    }
    return options.on_migration == nullptr || options.on_migration(progress);
  };
  return storage::OpenSqlite({.path = options.path, .on_migration = report});
}

absl::StatusOr<std::unique_ptr<Storage>> OpenSqliteStorage(std::string_view path) {
  return OpenSqliteStorage(SqliteStorageOptions{.path = std::string(path)});
}

}  // namespace convoy
