// PostgreSQL storage: joins readers, writer and claimer behind the interface. Queries are here;
// writes are in writer.cc, claims.cc and retention.cc, rows in rows.cc and config_rows.cc.
#include "lib/storage/postgres/postgres_storage.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "convoy/config_table.h"
#include "convoy/postgres.h"
#include "convoy/work_feed.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/backlogs.h"
#include "lib/storage/postgres/claimer.h"
#include "lib/storage/postgres/config_rows.h"
#include "lib/storage/postgres/held_totals.h"
#include "lib/storage/postgres/list_walk.h"
#include "lib/storage/postgres/names.h"
#include "lib/storage/postgres/opener.h"
#include "lib/storage/postgres/readers.h"
#include "lib/storage/postgres/rows.h"
#include "lib/storage/postgres/schema.h"
#include "lib/storage/postgres/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

// How long the generation of the configuration is believed without a notification.
constexpr absl::Duration kBelieve = absl::Milliseconds(500);

constexpr std::string_view kOfId = " BETWEEN $1::int8 AND $1::int8 + 63 AND ";

absl::StatusOr<Event> ReadEventOf(Connection& connection, std::string_view project_id,
                                  std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, project_id));
  CONVOY_ASSIGN_OR_RETURN(const std::optional<int64_t> key, FindEvent(connection, project, id));
  if (!key.has_value()) return absl::NotFoundError("event not found");
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run(absl::StrCat("SELECT ", kEventColumns, " FROM event WHERE key = $1::int8"),
                     Params().Int(*key)));
  if (rows.count() == 0) return absl::NotFoundError("event not found");
  return ReadEvent(connection, Row(&rows, 0), project_id);
}

// Of a delivery, and where it is.
struct FoundDelivery {
  Delivery delivery;
  int64_t key = 0;
};

absl::StatusOr<FoundDelivery> FindDelivery(Connection& connection, std::string_view project_id,
                                           std::string_view id, std::string_view missing) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return absl::NotFoundError(missing);
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, project_id));
  static const std::string* const kSelect =
      new std::string(absl::StrCat("SELECT ", kDeliveryColumns,
                                   " FROM delivery AS d JOIN event AS e ON e.key = d.event "
                                   "WHERE d.key",
                                   kOfId,
                                   "d.key - d.key_shift = $1::int8 AND d.id_tail = $2::int8 "
                                   "AND d.project = $3::int8 LIMIT 1"));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run(*kSelect, Params().Int(parts->key).Int(parts->tail).Int(project)));
  if (rows.count() == 0) return absl::NotFoundError(missing);
  CONVOY_ASSIGN_OR_RETURN(Delivery delivery, ReadDelivery(connection, Row(&rows, 0), project_id));
  return FoundDelivery{.delivery = std::move(delivery), .key = rows.IntAt(0, 0)};
}

AttemptOwner OwnerOf(const Delivery& delivery) {
  return {.project_id = delivery.project_id,
          .delivery_id = delivery.id,
          .endpoint_id = delivery.endpoint_id};
}

absl::StatusOr<Attempt> ReadAttemptOf(Connection& connection, std::string_view project_id,
                                      std::string_view delivery_id, std::string_view id) {
  constexpr std::string_view kMissing = "event delivery attempt not found";
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return absl::NotFoundError(kMissing);
  CONVOY_ASSIGN_OR_RETURN(const FoundDelivery found,
                          FindDelivery(connection, project_id, delivery_id, kMissing));
  static const std::string* const kSelect = new std::string(
      absl::StrCat("SELECT ", kAttemptColumns, " FROM attempt WHERE key", kOfId,
                   "key - key_shift = $1::int8 AND id_tail = $2::int8 AND delivery = $3::int8 "
                   "LIMIT 1"));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run(*kSelect, Params().Int(parts->key).Int(parts->tail).Int(found.key)));
  if (rows.count() == 0) return absl::NotFoundError(kMissing);
  return ReadAttempt(Row(&rows, 0), OwnerOf(found.delivery));
}

absl::StatusOr<std::vector<Attempt>> ReadAttemptsOf(Connection& connection,
                                                    std::string_view project_id,
                                                    std::string_view delivery_id) {
  CONVOY_ASSIGN_OR_RETURN(
      const FoundDelivery found,
      FindDelivery(connection, project_id, delivery_id, "event delivery not found"));
  static const std::string* const kSelect = new std::string(absl::StrCat(
      "SELECT ", kAttemptColumns, " FROM attempt WHERE delivery = $1::int8 ORDER BY key"));
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection.Run(*kSelect, Params().Int(found.key)));
  std::vector<Attempt> attempts;
  for (int i = 0; i < rows.count(); ++i) {
    CONVOY_ASSIGN_OR_RETURN(Attempt attempt, ReadAttempt(Row(&rows, i), OwnerOf(found.delivery)));
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

absl::StatusOr<HeldInput> ReadHeldOf(Connection& connection, std::string_view project_id,
                                     std::string_view id, absl::Time now) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return NotHeld();
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, project_id));
  static const std::string* const kSelect = new std::string(
      absl::StrCat("SELECT ", kHeldColumns, " FROM held_input WHERE key", kOfId,
                   "key - key_shift = $1::int8 AND id_tail = $2::int8 AND project = $3::int8 "
                   "AND expires_at_us > $4::int8 LIMIT 1"));
  Params params;
  params.Int(parts->key).Int(parts->tail).Int(project).Int(base::ToMicros(now));
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection.Run(*kSelect, params));
  if (rows.count() == 0) return NotHeld();
  return ReadHeld(connection, Row(&rows, 0), project_id);
}

class PostgresStorage final : public Storage, public FlowCounts, public WorkFeed {
 public:
  PostgresStorage(const PostgresOptions& options, std::unique_ptr<Clock> own_clock, Clock* clock,
                  std::unique_ptr<Opener> opener, std::unique_ptr<Writer> writer,
                  std::unique_ptr<Claimer> claimer)
      : own_clock_(std::move(own_clock)),
        clock_(*clock),
        opener_(std::move(opener)),
        writer_(std::move(writer)),
        claimer_(std::move(claimer)),
        readers_(options.connection, options.readers_max) {}

  std::string_view name() const override { return "postgres"; }

  // Durable on return: sessions commit synchronously (connection.h), so Sync has nothing to do.
  // Writes of other openers become visible only when they are durable.
  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    const bool has_config =
        std::any_of(batches.begin(), batches.end(),
                    [](const WriteBatch* batch) { return !batch->config.empty(); });
    // It becomes visible at some moment of the write.
    if (has_config) ++config_writes_count_;
    if (has_config) opener_->early_claims().Withdraw();  // a lane may be closed by it
    const absl::Status status = writer_->Write(batches, results);
    if (has_config) is_generation_old_ = true;
    if (has_config) --config_writes_count_;
    return status;
  }
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    return claimer_->ClaimDue(request);
  }
  absl::Status ReleaseClaims() override {
    opener_->early_claims().Withdraw();
    writer_->WaitForWrites();  // that may still make early claims
    return claimer_->ReleaseClaims();
  }
  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    return writer_->Prune(request);
  }
  absl::Status CheckWritable() override { return writer_->CheckWritable(); }
  bool may_be_shared() const override { return true; }
  absl::Status CheckAlive() override { return opener_->CheckHealth(); }
  void SetWorkListener(std::function<void()> tell) override {
    opener_->presence().SetWorkListener(std::move(tell));
  }

  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    return readers_.Run(
        [&](Connection& connection) { return ConfigRows(connection).Revision(scope); });
  }
  absl::StatusOr<uint64_t> ConfigGeneration() override;
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                         std::string_view id) override {
    return readers_.Run([&](Connection& connection) {
      ConfigRows rows(connection);
      return convoy::GetConfig(rows, kind, project_id, id);
    });
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                          std::string_view value) override {
    return readers_.RunAtOnce([&](Connection& connection) {
      ConfigRows rows(connection);
      return convoy::FindConfig(rows, kind, field, value);
    });
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    return readers_.RunAtOnce([&](Connection& connection) {
      ConfigRows rows(connection);
      return convoy::ListConfig(rows, query, page);
    });
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    return readers_.RunAtOnce([&](Connection& connection) {
      ConfigRows rows(connection);
      return ReadConfigChanges(rows, scope, since);
    });
  }

  absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) override {
    return readers_.Run(
        [&](Connection& connection) { return ReadEventOf(connection, project_id, id); });
  }
  absl::StatusOr<Delivery> GetDelivery(std::string_view project_id, std::string_view id) override {
    return readers_.Run([&](Connection& connection) -> absl::StatusOr<Delivery> {
      CONVOY_ASSIGN_OR_RETURN(FoundDelivery found,
                              FindDelivery(connection, project_id, id, "event delivery not found"));
      return std::move(found.delivery);
    });
  }
  absl::StatusOr<Attempt> GetAttempt(std::string_view project_id, std::string_view delivery_id,
                                     std::string_view id) override {
    return readers_.RunAtOnce([&](Connection& connection) {
      return ReadAttemptOf(connection, project_id, delivery_id, id);
    });
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                    std::string_view delivery_id) override {
    return readers_.RunAtOnce([&](Connection& connection) {
      return ReadAttemptsOf(connection, project_id, delivery_id);
    });
  }

  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query,
                                         const PageRequest& page) override {
    return readers_.RunAtOnce(
        [&](Connection& connection) { return postgres::ListEvents(connection, query, page); });
  }
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                const PageRequest& page) override {
    return readers_.RunAtOnce(
        [&](Connection& connection) { return postgres::ListDeliveries(connection, query, page); });
  }
  absl::StatusOr<CountPart> CountEvents(const EventQuery& query, std::string_view cursor) override {
    return readers_.RunAtOnce(
        [&](Connection& connection) { return postgres::CountEvents(connection, query, cursor); });
  }
  absl::StatusOr<CountPart> CountDeliveries(const DeliveryQuery& query,
                                            std::string_view cursor) override {
    return readers_.RunAtOnce([&](Connection& connection) {
      return postgres::CountDeliveries(connection, query, cursor);
    });
  }
  absl::StatusOr<StatusCountPart> CountByStatus(const DeliveryQuery& query,
                                                std::string_view cursor) override {
    return readers_.RunAtOnce(
        [&](Connection& connection) { return postgres::CountByStatus(connection, query, cursor); });
  }
  absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                    absl::Time now) override {
    return readers_.Run(
        [&](Connection& connection) { return ReadHeldOf(connection, project_id, id, now); });
  }
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override {
    return readers_.RunAtOnce(
        [&](Connection& connection) { return postgres::ListHeld(connection, query, page); });
  }
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) override {
    return readers_.RunAtOnce(
        [&](Connection& connection) { return postgres::CountHeld(connection, query); });
  }
  absl::StatusOr<HeldUse> ReadHeldUse() override {
    return readers_.Run([](Connection& connection) { return postgres::ReadHeldUse(connection); });
  }
  absl::StatusOr<std::vector<Backlog>> ListBacklogs() override {
    return readers_.RunAtOnce([](Connection& connection) { return ReadBacklogs(connection); });
  }
  absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName& lane, absl::Time now) override {
    return readers_.RunAtOnce(
        [&](Connection& connection) { return ReadLaneClosedUntil(connection, lane, now); });
  }

 private:
  const std::unique_ptr<Clock> own_clock_;  // null if the host has given one
  Clock& clock_;
  const std::unique_ptr<Opener> opener_;
  const std::unique_ptr<Writer> writer_;
  const std::unique_ptr<Claimer> claimer_;
  Readers readers_;

  std::atomic<int> config_writes_count_ = 0;  // under way
  std::atomic<bool> is_generation_old_ = true;
  absl::Mutex generation_mutex_;
  uint64_t generation_ ABSL_GUARDED_BY(generation_mutex_) = 0;
  absl::Time generation_at_ ABSL_GUARDED_BY(generation_mutex_) = absl::InfinitePast();
};

// Asked for when this opener has changed something, when a notification has come, and, as
// notifications may be lost on the way, when the last answer has become old.
absl::StatusOr<uint64_t> PostgresStorage::ConfigGeneration() {
  absl::MutexLock lock(&generation_mutex_);
  const absl::StatusOr<bool> has_news = opener_->presence().Refresh();
  const absl::Time now = clock_.SteadyNow();
  const bool is_old = is_generation_old_.exchange(false) || config_writes_count_ > 0 ||
                      now > generation_at_ + kBelieve;
  if (has_news.ok() && !*has_news && !is_old) return generation_;
  const absl::StatusOr<uint64_t> generation =
      readers_.Run([&](Connection& connection) { return ConfigRows(connection).Generation(); });
  if (!generation.ok()) {
    is_generation_old_ = true;
    return generation;
  }
  generation_ = *generation;
  generation_at_ = now;
  return generation_;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> OpenPostgres(const PostgresOptions& options) {
  CONVOY_RETURN_IF_ERROR(CheckSchemaName(options.connection.schema));
  std::unique_ptr<Clock> own_clock = options.clock == nullptr ? NewSystemClock() : nullptr;
  Clock* const clock = options.clock == nullptr ? own_clock.get() : options.clock;
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Opener> opener, Opener::Open(options.connection, clock));
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Writer> writer, Writer::Open(opener.get()));
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Claimer> claimer, Claimer::Open(opener.get()));
  return std::make_unique<PostgresStorage>(options, std::move(own_clock), clock, std::move(opener),
                                           std::move(writer), std::move(claimer));
}

}  // namespace convoy::storage::postgres

namespace convoy {

absl::StatusOr<std::unique_ptr<Storage>> OpenPostgresStorage(
    const PostgresStorageOptions& options) {
  return storage::postgres::OpenPostgres(
      {.connection = {.dsn = options.dsn, .schema = options.schema},
       .readers_max = options.readers_max,
       .clock = options.clock});
}

}  // namespace convoy
