// SQLite storage: joins reader and writer behind the interface. Queries are here; writes are in
// writer.cc, claims.cc and retention.cc, rows in rows.cc and config_rows.cc.
#include "lib/storage/sqlite/sqlite_storage.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "convoy/gateway.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/model/codec.h"
#include "lib/storage/sqlite/config_rows.h"
#include "lib/storage/sqlite/connection_pool.h"
#include "lib/storage/sqlite/database_file.h"
#include "lib/storage/sqlite/list_query.h"
#include "lib/storage/sqlite/rows.h"
#include "lib/storage/sqlite/schema.h"
#include "lib/storage/sqlite/writer.h"

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

// Documents stand in the first column, or in the second behind the id.
absl::StatusOr<Project> ProjectOf(const Statement& row) {
  return model::DecodeProject(row.TextAt(0));
}
absl::StatusOr<Source> SourceOf(const Statement& row) { return model::DecodeSource(row.TextAt(0)); }
absl::StatusOr<ApiKey> ApiKeyOf(const Statement& row) { return model::DecodeApiKey(row.TextAt(0)); }
absl::StatusOr<Endpoint> EndpointOf(const Statement& row) {
  return model::DecodeEndpoint(row.TextAt(0));
}
absl::StatusOr<Subscription> SubscriptionOf(const Statement& row) {
  return model::DecodeSubscription(row.TextAt(0));
}

std::vector<int64_t> NumbersOf(const std::vector<DeliveryStatus>& statuses) {
  std::vector<int64_t> numbers;
  for (const DeliveryStatus status : statuses) numbers.push_back(static_cast<int64_t>(status));
  return numbers;
}

ListQuery ListOf(const HeldQuery& query) {
  ListQuery list("held_input", kHeldColumns, query.project_id);
  list.AnyOf("source_id", query.source_ids);
  if (query.kind.has_value()) list.EqualsNumber("kind", static_cast<int64_t>(*query.kind));
  list.Equals("reason", query.reason);
  if (!query.from_id.empty()) list.Where("id >= ?", {query.from_id});
  list.After("expires_at_us", query.now);
  return list;
}

std::string SelectFrom(std::string_view columns, std::string_view rest) {
  return absl::StrCat("SELECT ", columns, " FROM ", rest);
}

class SqliteStorage final : public Storage {
 public:
  SqliteStorage(Connection::OpenOptions reader_options, size_t readers_max)
      : readers_(std::move(reader_options), readers_max) {}

  absl::Status Open(const Connection::OpenOptions& options);

  std::string_view name() const override { return "sqlite"; }

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    return writer_->Write(batches, results);
  }
  absl::Status Sync() override { return log_->Sync(); }
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    CONVOY_ASSIGN_OR_RETURN(Claim claim, writer_->ClaimDue(request));
    // An event is sent only once it is durable.
    if (!claim.deliveries.empty()) CONVOY_RETURN_IF_ERROR(log_->SyncOwed());
    return claim;
  }
  absl::Status ReleaseClaims() override { return writer_->ReleaseClaims(); }
  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    return writer_->Prune(request);
  }
  absl::Status CheckWritable() override { return writer_->CheckWritable(); }
  absl::Status CheckAlive() override { return poison_.status(); }

  // A look-up by primary key costs about as much as asking SQLite whether another process has
  // written, so there is no copy of the revisions to be kept in step.
  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    return ReadRevision(*reader, scope);
  }

  absl::StatusOr<ProjectConfiguration> LoadProject(std::string_view project_id) override;

  absl::StatusOr<std::vector<Project>> ListProjects() override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement rows = (*reader).Prepare("SELECT document FROM project ORDER BY id");
    return ReadAll<Project>(rows, ProjectOf);
  }

  absl::StatusOr<Source> FindSourceByMask(std::string_view mask_id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement row = (*reader).Prepare("SELECT document FROM source WHERE mask_id = ?");
    return ReadOne(row.Text(mask_id), "source", SourceOf);
  }

  absl::StatusOr<ApiKey> FindApiKeyByMask(std::string_view mask_id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement row = (*reader).Prepare("SELECT document FROM api_key WHERE mask_id = ?");
    return ReadOne(row.Text(mask_id), "API key", ApiKeyOf);
  }

  absl::StatusOr<std::vector<ApiKey>> ListApiKeys(std::string_view project_id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement rows =
        (*reader).Prepare("SELECT document FROM api_key WHERE project_id = ? ORDER BY id");
    return ReadAll<ApiKey>(rows.Text(project_id), ApiKeyOf);
  }

  absl::StatusOr<Source> GetSource(std::string_view project_id, std::string_view id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement row =
        (*reader).Prepare("SELECT document FROM source WHERE id = ? AND project_id = ?");
    return ReadOne(row.Text(id).Text(project_id), "source", SourceOf);
  }

  absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement row =
        (*reader).Prepare(SelectFrom(kEventColumns, "event WHERE id = ? AND project_id = ?"));
    return ReadOne(row.Text(id).Text(project_id), "event", ReadEvent);
  }

  absl::StatusOr<Delivery> GetDelivery(std::string_view project_id, std::string_view id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement row =
        (*reader).Prepare(SelectFrom(kDeliveryColumns, "delivery WHERE id = ? AND project_id = ?"));
    return ReadOne(row.Text(id).Text(project_id), "event delivery",
                   [](const Statement& s) -> absl::StatusOr<Delivery> { return ReadDelivery(s); });
  }

  absl::StatusOr<Attempt> GetAttempt(std::string_view project_id, std::string_view delivery_id,
                                     std::string_view id) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement row = (*reader).Prepare(
        SelectFrom(kAttemptColumns, "attempt WHERE id = ? AND delivery_id = ? AND project_id = ?"));
    return ReadOne(row.Text(id).Text(delivery_id).Text(project_id), "event delivery attempt",
                   ReadAttempt);
  }

  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                    std::string_view delivery_id) override {
    CONVOY_RETURN_IF_ERROR(GetDelivery(project_id, delivery_id).status());
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement rows =
        (*reader).Prepare(SelectFrom(kAttemptColumns, "attempt WHERE delivery_id = ? ORDER BY id"));
    return ReadAll<Attempt>(rows.Text(delivery_id), ReadAttempt);
  }

  absl::StatusOr<Page<Source>> ListSources(const SourceQuery& query,
                                           const PageRequest& page) override;
  absl::StatusOr<Page<Endpoint>> ListEndpoints(const EndpointQuery& query,
                                               const PageRequest& page) override;
  absl::StatusOr<Page<Subscription>> ListSubscriptions(const SubscriptionQuery& query,
                                                       const PageRequest& page) override;
  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query, const PageRequest& page) override;
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                const PageRequest& page) override;

  absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                    absl::Time now) override {
    CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
    Statement row = (*reader).Prepare(SelectFrom(
        kHeldColumns, "held_input WHERE id = ? AND project_id = ? AND expires_at_us > ?"));
    return ReadOne(row.Text(id).Text(project_id).Int(base::ToMicros(now)), "held input", ReadHeld);
  }
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override;
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) override;
  absl::StatusOr<std::vector<Source>> ListBrokerSources() override;

 private:
  // In the order in which they are opened. The last connection to close copies the log into the
  // database, which those that only read cannot.
  Poison poison_;
  std::unique_ptr<LogSync> log_;
  std::unique_ptr<Writer> writer_;
  ConnectionPool readers_;
};

absl::Status SqliteStorage::Open(const Connection::OpenOptions& options) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(options));
  CONVOY_RETURN_IF_ERROR(PrepareDatabase(*connection));
  CONVOY_ASSIGN_OR_RETURN(log_, LogSync::Open(options, &poison_));
  CONVOY_ASSIGN_OR_RETURN(writer_, Writer::Open(std::move(connection), log_.get(), &poison_));
  return absl::OkStatus();
}

// One read transaction, so that objects and revision belong together.
absl::StatusOr<ProjectConfiguration> SqliteStorage::LoadProject(std::string_view project_id) {
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  const auto load = [&]() -> absl::StatusOr<ProjectConfiguration> {
    ProjectConfiguration configuration;
    CONVOY_ASSIGN_OR_RETURN(configuration.revision, ReadRevision(*reader, project_id));
    Statement project = (*reader).Prepare("SELECT document FROM project WHERE id = ?");
    CONVOY_ASSIGN_OR_RETURN(configuration.project,
                            ReadOne(project.Text(project_id), "project", ProjectOf));
    Statement endpoints =
        (*reader).Prepare("SELECT document FROM endpoint WHERE project_id = ? ORDER BY id");
    CONVOY_ASSIGN_OR_RETURN(configuration.endpoints,
                            ReadAll<Endpoint>(endpoints.Text(project_id), EndpointOf));
    Statement subscriptions =
        (*reader).Prepare("SELECT document FROM subscription WHERE project_id = ? ORDER BY id");
    CONVOY_ASSIGN_OR_RETURN(configuration.subscriptions,
                            ReadAll<Subscription>(subscriptions.Text(project_id), SubscriptionOf));
    return configuration;
  };
  CONVOY_RETURN_IF_ERROR((*reader).Prepare("BEGIN").Run());
  absl::StatusOr<ProjectConfiguration> loaded = load();
  const absl::Status ended = (*reader).Prepare("COMMIT").Run();
  if (loaded.ok() && !ended.ok()) return ended;
  return loaded;
}

absl::StatusOr<Page<Source>> SqliteStorage::ListSources(const SourceQuery& query,
                                                        const PageRequest& page) {
  ListQuery list("source", "id, document", query.project_id);
  list.Contains("name", query.name_contains);
  if (query.type.has_value()) list.EqualsNumber("type", static_cast<int64_t>(*query.type));
  if (query.provider.has_value()) {
    list.EqualsNumber("provider", static_cast<int64_t>(*query.provider));
  }
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return list.Run<Source>(*reader, page,
                          [](const Statement& row) { return model::DecodeSource(row.TextAt(1)); });
}

absl::StatusOr<Page<Endpoint>> SqliteStorage::ListEndpoints(const EndpointQuery& query,
                                                            const PageRequest& page) {
  ListQuery list("endpoint", "id, document", query.project_id);
  list.Contains("name", query.name_contains);
  list.Equals("owner_id", query.owner_id);
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return list.Run<Endpoint>(
      *reader, page, [](const Statement& row) { return model::DecodeEndpoint(row.TextAt(1)); });
}

absl::StatusOr<Page<Subscription>> SqliteStorage::ListSubscriptions(const SubscriptionQuery& query,
                                                                    const PageRequest& page) {
  ListQuery list("subscription", "id, document", query.project_id);
  list.Contains("name", query.name_contains);
  list.AnyOf("endpoint_id", query.endpoint_ids);
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return list.Run<Subscription>(
      *reader, page, [](const Statement& row) { return model::DecodeSubscription(row.TextAt(1)); });
}

absl::StatusOr<Page<Event>> SqliteStorage::ListEvents(const EventQuery& query,
                                                      const PageRequest& page) {
  ListQuery list("event", kEventColumns, query.project_id);
  list.Equals("idempotency_key", query.idempotency_key);
  list.Equals("event_type", query.event_type);
  list.AnyOf("source_id", query.source_ids);
  list.Between("created_at_us", query.created_from, query.created_until);
  if (!query.endpoint_ids.empty()) {
    // endpoint_ids is a list with spaces in between; ids have none within them.
    std::string any = "(0";
    std::vector<std::string> ids;
    for (const std::string& id : query.endpoint_ids) {
      if (id.empty() || absl::StrContains(id, ' ')) continue;  // no endpoint's id
      absl::StrAppend(&any, " OR instr(' ' || endpoint_ids || ' ', ?) > 0");
      ids.push_back(absl::StrCat(" ", id, " "));
    }
    list.Where(any + ")", ids);
  }
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return list.Run<Event>(*reader, page, ReadEvent);
}

absl::StatusOr<Page<Delivery>> SqliteStorage::ListDeliveries(const DeliveryQuery& query,
                                                             const PageRequest& page) {
  ListQuery list("delivery", kDeliveryColumns, query.project_id);
  list.Equals("event_id", query.event_id);
  list.Equals("subscription_id", query.subscription_id);
  list.Equals("idempotency_key", query.idempotency_key);
  list.Equals("event_type", query.event_type);
  list.AnyOf("endpoint_id", query.endpoint_ids);
  list.AnyOfNumbers("status", NumbersOf(query.statuses));
  list.Between("created_at_us", query.created_from, query.created_until);
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return list.Run<Delivery>(*reader, page, [](const Statement& row) -> absl::StatusOr<Delivery> {
    return ReadDelivery(row);
  });
}

absl::StatusOr<Page<HeldInput>> SqliteStorage::ListHeld(const HeldQuery& query,
                                                        const PageRequest& page) {
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return ListOf(query).Run<HeldInput>(*reader, page, ReadHeld);
}

absl::StatusOr<uint64_t> SqliteStorage::CountHeld(const HeldQuery& query) {
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  return ListOf(query).Count(*reader);
}

absl::StatusOr<std::vector<Source>> SqliteStorage::ListBrokerSources() {
  static_assert(static_cast<int>(SourceType::kPubSub) == 2);  // the number in source_by_broker
  CONVOY_ASSIGN_OR_RETURN(const auto reader, readers_.Take());
  Statement rows = (*reader).Prepare("SELECT document FROM source WHERE type = 2 ORDER BY id");
  CONVOY_ASSIGN_OR_RETURN(std::vector<Source> sources, ReadAll<Source>(rows, SourceOf));
  std::erase_if(sources, [](const Source& source) { return source.is_disabled; });
  return sources;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> OpenSqlite(const SqliteOptions& options) {
  const Connection::OpenOptions writing = {.path = options.path, .vfs = options.vfs};
  const Connection::OpenOptions reading = {
      .path = options.path, .vfs = options.vfs, .is_read_only = true};
  CONVOY_RETURN_IF_ERROR(CheckSqliteLibrary());
  CONVOY_RETURN_IF_ERROR(CreateDatabaseFile(options.path));
  auto storage = std::make_unique<SqliteStorage>(reading, options.readers_max);
  CONVOY_RETURN_IF_ERROR(storage->Open(writing));
  return storage;
}

}  // namespace convoy::storage

namespace convoy {

absl::StatusOr<std::unique_ptr<Storage>> OpenSqliteStorage(std::string_view path) {
  return storage::OpenSqlite({.path = std::string(path)});
}

}  // namespace convoy
