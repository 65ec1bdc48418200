// A row holds what a record is. A field that is looked up has a row of its own, ordered by value,
// project and id, so that each walk that a ConfigTable promises is one range of an index.
#include "lib/storage/sqlite/config_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/config_record.h"
#include "lib/storage/sqlite/names.h"

namespace convoy::storage {

// config_field.project_id is empty where values are looked up across projects. config_change keeps
// its rows in the order of their age; `what` is a ConfigLogLine::What.
const char* const kCreateConfigTables = R"sql(
CREATE TABLE config (
  key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id TEXT NOT NULL, project_id TEXT NOT NULL,
  fields BLOB NOT NULL, document TEXT NOT NULL
);
CREATE UNIQUE INDEX config_by_id ON config (kind, id);
CREATE INDEX config_by_project ON config (kind, project_id, id);
CREATE TABLE config_field (
  kind INTEGER NOT NULL, field INTEGER NOT NULL, value TEXT NOT NULL, project_id TEXT NOT NULL,
  id TEXT NOT NULL, PRIMARY KEY (kind, field, value, project_id, id)
) WITHOUT ROWID;
CREATE TABLE config_change (
  generation INTEGER PRIMARY KEY, scope TEXT NOT NULL, revision INTEGER NOT NULL,
  what INTEGER NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL
);
CREATE INDEX config_change_by_scope ON config_change (scope, revision);
)sql";

namespace {

int64_t Number(ConfigKind kind) { return static_cast<int64_t>(kind); }

constexpr std::string_view kColumns = "id, project_id, fields, document";

// The end of a statement that walks from walk.from_id on.
std::string RangeOf(const ConfigWalk& walk) {
  std::string sql;
  if (!walk.from_id.empty()) {
    absl::StrAppend(&sql, " AND id ", walk.is_ascending ? ">" : "<",
                    walk.is_inclusive ? "= ?" : " ?");
  }
  absl::StrAppend(&sql, " ORDER BY id ", walk.is_ascending ? "ASC" : "DESC", " LIMIT ?");
  return sql;
}

}  // namespace

absl::StatusOr<std::optional<ConfigRecord>> ConfigRows::Find(ConfigKind kind, std::string_view id) {
  Statement row = connection_.Prepare(
      "SELECT id, project_id, fields, document FROM config WHERE kind = ? AND id = ?");
  std::optional<ConfigRecord> record;
  if (row.Int(Number(kind)).Text(id).Next()) {
    CONVOY_ASSIGN_OR_RETURN(record, ReadConfigRecord(kind, row));
  }
  CONVOY_RETURN_IF_ERROR(row.status());
  return record;
}

absl::StatusOr<bool> ConfigRows::Has(ConfigKind kind, std::string_view id,
                                     std::string_view project_id) {
  Statement row =
      connection_.Prepare("SELECT 1 FROM config WHERE kind = ? AND id = ? AND project_id = ?");
  const bool is_there = row.Int(Number(kind)).Text(id).Text(project_id).Next();
  CONVOY_RETURN_IF_ERROR(row.status());
  return is_there;
}

absl::StatusOr<std::vector<std::string>> ConfigRows::FindIds(ConfigKind kind, size_t field,
                                                             std::string_view value,
                                                             size_t ids_max) {
  Statement row = connection_.Prepare(
      "SELECT id FROM config_field WHERE kind = ? AND field = ? AND value = ? LIMIT ?");
  row.Int(Number(kind)).Int(static_cast<int64_t>(field)).Text(value);
  row.Int(static_cast<int64_t>(ids_max));
  std::vector<std::string> ids;
  while (row.Next()) ids.emplace_back(row.TextAt(0));
  CONVOY_RETURN_IF_ERROR(row.status());
  return ids;
}

absl::StatusOr<std::vector<ConfigRecord>> ConfigRows::Walk(const ConfigWalk& walk) {
  if (walk.field.has_value()) return WalkField(walk);
  const std::string sql =
      absl::StrCat("SELECT ", kColumns, " FROM config WHERE kind = ?",
                   walk.project_id.has_value() ? " AND project_id = ?" : "", RangeOf(walk));
  Statement row = connection_.Prepare(sql);
  row.Int(Number(walk.kind));
  if (walk.project_id.has_value()) row.Text(*walk.project_id);
  if (!walk.from_id.empty()) row.Text(walk.from_id);
  row.Int(static_cast<int64_t>(walk.records_max));
  std::vector<ConfigRecord> records;
  while (row.Next()) {
    CONVOY_ASSIGN_OR_RETURN(ConfigRecord record, ReadConfigRecord(walk.kind, row));
    records.push_back(std::move(record));
  }
  CONVOY_RETURN_IF_ERROR(row.status());
  return records;
}

// Of each value the nearest ids; of all of them together the nearest again. Ids beyond the
// known ones are not read.
absl::StatusOr<std::vector<ConfigRecord>> ConfigRows::WalkField(const ConfigWalk& walk) {
  const auto is_nearer = [&](const std::string& a, const std::string& b) {
    return walk.is_ascending ? a < b : a > b;
  };
  std::vector<std::string> values = walk.values;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  const std::string sql = absl::StrCat(
      "SELECT id FROM config_field WHERE kind = ? AND field = ? AND value = ? AND project_id = ?",
      RangeOf(walk));
  std::vector<std::string> ids;  // nearest first
  for (const std::string& value : values) {
    Statement row = connection_.Prepare(sql);
    row.Int(Number(walk.kind)).Int(static_cast<int64_t>(*walk.field)).Text(value);
    row.Text(walk.project_id.has_value() ? std::string_view(*walk.project_id) : std::string_view());
    if (!walk.from_id.empty()) row.Text(walk.from_id);
    row.Int(static_cast<int64_t>(walk.records_max));
    const size_t known_count = ids.size();
    while (row.Next()) {
      std::string id(row.TextAt(0));
      if (known_count >= walk.records_max && !is_nearer(id, ids[known_count - 1])) break;
      ids.push_back(std::move(id));
    }
    CONVOY_RETURN_IF_ERROR(row.status());
    std::inplace_merge(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(known_count), ids.end(),
                       is_nearer);
    if (ids.size() > walk.records_max) ids.resize(walk.records_max);
  }
  std::vector<ConfigRecord> records;
  for (const std::string& id : ids) {
    CONVOY_ASSIGN_OR_RETURN(std::optional<ConfigRecord> record, Find(walk.kind, id));
    if (record.has_value()) records.push_back(*std::move(record));
  }
  return records;
}

absl::Status ConfigRows::Put(const ConfigRecord& record, const ConfigRecord* previous) {
  const std::string packed = PackFields(record.fields);
  CONVOY_RETURN_IF_ERROR(
      connection_
          .Prepare("INSERT INTO config (kind, id, project_id, fields, document) "
                   "VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE "
                   "SET project_id = excluded.project_id, fields = excluded.fields, "
                   "document = excluded.document")
          .Int(Number(record.kind))
          .Text(record.id)
          .Text(record.project_id)
          .Blob(packed)
          .Text(record.document)
          .Run());
  return ChangeFields(
      record, previous,
      [this](const ConfigRecord& of, const ConfigField& field, size_t position) {
        return RemoveField(of, field, position);
      },
      [this](const ConfigRecord& of, const ConfigField& field, size_t position) {
        return PutField(of, field, position);
      });
}

absl::Status ConfigRows::PutField(const ConfigRecord& record, const ConfigField& field,
                                  size_t position) {
  return connection_.Prepare("INSERT INTO config_field VALUES (?, ?, ?, ?, ?)")
      .Int(Number(record.kind))
      .Int(static_cast<int64_t>(position))
      .Text(record.fields[position])
      .Text(GroupOf(record, field))
      .Text(record.id)
      .Run();
}

absl::Status ConfigRows::RemoveField(const ConfigRecord& record, const ConfigField& field,
                                     size_t position) {
  return connection_
      .Prepare(
          "DELETE FROM config_field WHERE kind = ? AND field = ? AND value = ? "
          "AND project_id = ? AND id = ?")
      .Int(Number(record.kind))
      .Int(static_cast<int64_t>(position))
      .Text(record.fields[position])
      .Text(GroupOf(record, field))
      .Text(record.id)
      .Run();
}

absl::Status ConfigRows::Remove(const ConfigRecord& record) {
  CONVOY_RETURN_IF_ERROR(connection_.Prepare("DELETE FROM config WHERE kind = ? AND id = ?")
                             .Int(Number(record.kind))
                             .Text(record.id)
                             .Run());
  const ConfigKindInfo& info = *FindConfigKind(record.kind);
  for (size_t i = 0; i < info.fields.size(); ++i) {
    if (!IsLookedUp(info.fields[i])) continue;
    CONVOY_RETURN_IF_ERROR(RemoveField(record, info.fields[i], i));
  }
  return absl::OkStatus();
}

absl::Status ConfigRows::RemoveFlow(const ConfigRef& ref) {
  if (ref.kind == ConfigKind::kProject) return RetireProject(connection_, ref.id);
  if (ref.kind != ConfigKind::kSource) {
    return absl::InternalError("no flow of this kind of object is known");
  }
  CONVOY_ASSIGN_OR_RETURN(const int64_t source, FindName(connection_, ref.id));
  return connection_.Prepare("DELETE FROM held_input WHERE source = ?").Int(source).Run();
}

absl::StatusOr<uint64_t> ConfigRows::Revision(std::string_view scope) {
  Statement row = connection_.Prepare("SELECT revision FROM config_revision WHERE scope = ?");
  row.Text(scope);
  const uint64_t revision = row.Next() ? static_cast<uint64_t>(row.IntAt(0)) : 0;
  CONVOY_RETURN_IF_ERROR(row.status());
  return revision;
}

absl::Status ConfigRows::SetRevision(std::string_view scope, uint64_t revision) {
  return connection_
      .Prepare(
          "INSERT INTO config_revision VALUES (?, ?) "
          "ON CONFLICT (scope) DO UPDATE SET revision = excluded.revision")
      .Text(scope)
      .Int(static_cast<int64_t>(revision))
      .Run();
}

absl::StatusOr<uint64_t> ConfigRows::Generation() {
  Statement row = connection_.Prepare("SELECT max(generation) FROM config_change");
  const uint64_t generation = row.Next() ? static_cast<uint64_t>(row.IntAt(0)) : 0;
  CONVOY_RETURN_IF_ERROR(row.status());
  return generation;
}

absl::Status ConfigRows::AddLines(std::string_view scope, std::span<const ConfigLogLine> lines) {
  for (const ConfigLogLine& line : lines) {
    CONVOY_RETURN_IF_ERROR(
        connection_
            .Prepare("INSERT INTO config_change (scope, revision, what, kind, id) "
                     "VALUES (?, ?, ?, ?, ?)")
            .Text(scope)
            .Int(static_cast<int64_t>(line.revision))
            .Int(static_cast<int64_t>(line.what))
            .Int(Number(line.ref.kind))
            .Text(line.ref.id)
            .Run());
  }
  return connection_
      .Prepare(
          "DELETE FROM config_change "
          "WHERE generation <= (SELECT max(generation) FROM config_change) - ?")
      .Int(kConfigLogLinesKept)
      .Run();
}

absl::StatusOr<std::vector<ConfigLogLine>> ConfigRows::ReadLines(std::string_view scope,
                                                                 uint64_t since, size_t lines_max) {
  Statement row = connection_.Prepare(
      "SELECT revision, what, kind, id FROM config_change WHERE scope = ? AND revision > ? "
      "ORDER BY revision LIMIT ?");
  row.Text(scope).Int(static_cast<int64_t>(since)).Int(static_cast<int64_t>(lines_max));
  std::vector<ConfigLogLine> lines;
  while (row.Next()) {
    lines.push_back(
        {.revision = static_cast<uint64_t>(row.IntAt(0)),
         .what = static_cast<ConfigLogLine::What>(row.IntAt(1)),
         .ref = {.kind = static_cast<ConfigKind>(row.IntAt(2)), .id = std::string(row.TextAt(3))}});
  }
  CONVOY_RETURN_IF_ERROR(row.status());
  return lines;
}

}  // namespace convoy::storage
