#include "lib/storage/sqlite/config_rows.h"

#include <string>

#include "lib/base/status_macros.h"
#include "lib/model/codec.h"
#include "lib/storage/sqlite/names.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

absl::Status Put(Connection& connection, const Project& project) {
  const std::string document = model::Encode(project);
  const absl::Status status =
      connection
          .Prepare(
              "INSERT INTO project VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
              "SET name = excluded.name, document = excluded.document")
          .Text(project.id)
          .Text(project.name)
          .Text(document)
          .Run();
  return absl::IsAlreadyExists(status) ? ProjectNameTaken() : status;
}

absl::Status Put(Connection& connection, const Source& source) {
  const std::string document = model::Encode(source);
  // Not REPLACE, which would also remove another source that has the mask.
  const absl::Status status =
      connection
          .Prepare(
              "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
              "SET project_id = excluded.project_id, mask_id = excluded.mask_id, "
              "name = excluded.name, type = excluded.type, provider = excluded.provider, "
              "document = excluded.document")
          .Text(source.id)
          .Text(source.project_id)
          .Text(source.mask_id)
          .Text(source.name)
          .Int(static_cast<int64_t>(source.type))
          .Int(static_cast<int64_t>(source.provider))
          .Text(document)
          .Run();
  return absl::IsAlreadyExists(status) ? MaskTaken() : status;
}

absl::Status Put(Connection& connection, const Endpoint& endpoint) {
  const std::string document = model::Encode(endpoint);
  return connection.Prepare("INSERT OR REPLACE INTO endpoint VALUES (?, ?, ?, ?, ?)")
      .Text(endpoint.id)
      .Text(endpoint.project_id)
      .Text(endpoint.owner_id)
      .Text(endpoint.name)
      .Text(document)
      .Run();
}

absl::Status Put(Connection& connection, const Subscription& subscription) {
  const std::string document = model::Encode(subscription);
  return connection.Prepare("INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?)")
      .Text(subscription.id)
      .Text(subscription.project_id)
      .Text(subscription.endpoint_id)
      .Text(subscription.source_id)
      .Text(subscription.name)
      .Text(document)
      .Run();
}

absl::Status Put(Connection& connection, const ApiKey& key) {
  const std::string document = model::Encode(key);
  const absl::Status status =
      connection
          .Prepare(
              "INSERT INTO api_key VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
              "SET project_id = excluded.project_id, mask_id = excluded.mask_id, "
              "document = excluded.document")
          .Text(key.id)
          .Text(key.project_id)
          .Text(key.mask_id)
          .Text(document)
          .Run();
  return absl::IsAlreadyExists(status) ? MaskTaken() : status;
}

absl::Status DeleteBy(Connection& connection, std::string_view sql, std::string_view id) {
  return connection.Prepare(sql).Text(id).Run();
}

absl::Status RemoveProject(Connection& connection, std::string_view id) {
  CONVOY_RETURN_IF_ERROR(RetireProject(connection, id));  // what flowed in it
  constexpr std::string_view kStatements[] = {
      "DELETE FROM subscription WHERE project_id = ?",
      "DELETE FROM endpoint WHERE project_id = ?",
      "DELETE FROM source WHERE project_id = ?",
      "DELETE FROM api_key WHERE project_id = ?",
      "DELETE FROM project WHERE id = ?",
  };
  for (const std::string_view sql : kStatements) {
    CONVOY_RETURN_IF_ERROR(DeleteBy(connection, sql, id));
  }
  return RaiseRevision(connection, id);  // whoever holds a snapshot of it finds it outdated
}

absl::Status RemoveSource(Connection& connection, std::string_view id) {
  CONVOY_RETURN_IF_ERROR(
      DeleteBy(connection, "DELETE FROM subscription WHERE source_id = ? AND source_id <> ''", id));
  CONVOY_ASSIGN_OR_RETURN(const int64_t source, FindName(connection, id));
  CONVOY_RETURN_IF_ERROR(
      connection.Prepare("DELETE FROM held_input WHERE source = ?").Int(source).Run());
  return DeleteBy(connection, "DELETE FROM source WHERE id = ?", id);
}

}  // namespace

absl::StatusOr<uint64_t> ReadRevision(Connection& connection, std::string_view scope) {
  Statement statement = connection.Prepare("SELECT revision FROM config_revision WHERE scope = ?");
  statement.Text(scope);
  const uint64_t revision = statement.Next() ? static_cast<uint64_t>(statement.IntAt(0)) : 0;
  if (!statement.status().ok()) return statement.status();
  return revision;
}

absl::Status RaiseRevision(Connection& connection, std::string_view scope) {
  return connection
      .Prepare(
          "INSERT INTO config_revision VALUES (?, 1) "
          "ON CONFLICT (scope) DO UPDATE SET revision = revision + 1")
      .Text(scope)
      .Run();
}

absl::Status PutConfig(Connection& connection, const ConfigObject& object) {
  return std::visit([&](const auto& typed) { return Put(connection, typed); }, object);
}

absl::Status RemoveConfig(Connection& connection, const ConfigRef& ref) {
  switch (ref.kind) {
    case ConfigKind::kProject:
      return RemoveProject(connection, ref.id);
    case ConfigKind::kSource:
      return RemoveSource(connection, ref.id);
    case ConfigKind::kEndpoint:
      CONVOY_RETURN_IF_ERROR(
          DeleteBy(connection, "DELETE FROM subscription WHERE endpoint_id = ?", ref.id));
      return DeleteBy(connection, "DELETE FROM endpoint WHERE id = ?", ref.id);
    case ConfigKind::kSubscription:
      return DeleteBy(connection, "DELETE FROM subscription WHERE id = ?", ref.id);
    case ConfigKind::kApiKey:
      return DeleteBy(connection, "DELETE FROM api_key WHERE id = ?", ref.id);
  }
  return absl::InternalError("unknown kind of configuration object");
}

}  // namespace convoy::storage
