// A row holds what a record is. A field that is looked up has a row of its own, ordered by a digest
// of the value (which may be longer than an index can hold), project and id, so that each walk that
// a ConfigTable promises is one range of an index.
#include "lib/storage/postgres/config_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/config_record.h"
#include "lib/storage/postgres/names.h"

namespace convoy::storage::postgres {
namespace {

int64_t Number(ConfigKind kind) { return static_cast<int64_t>(kind); }

absl::StatusOr<std::vector<ConfigRecord>> ReadRecords(ConfigKind kind, const Rows& rows) {
  std::vector<ConfigRecord> records;
  for (int i = 0; i < rows.count(); ++i) {
    CONVOY_ASSIGN_OR_RETURN(ConfigRecord record, ReadConfigRecord(kind, Row(&rows, i)));
    records.push_back(std::move(record));
  }
  return records;
}

// Comparisons of a walk: behind walk.from_id, and of the other end.
struct Comparisons {
  explicit Comparisons(const ConfigWalk& walk)
      : begin(walk.is_ascending ? (walk.is_inclusive ? " >= " : " > ")
                                : (walk.is_inclusive ? " <= " : " < ")),
        near(walk.is_ascending ? " >= " : " <= "),
        far(walk.is_ascending ? " <= " : " >= "),
        direction(walk.is_ascending ? "" : " DESC") {}

  std::string_view begin, near, far, direction;
};

// A walk through the index of `columns`, whose last is the id and the others are `values`. In this
// form no index of fewer columns can do it.
std::string SelectWalk(const ConfigWalk& walk, std::string_view columns, std::string_view values,
                       std::string_view order, int next_parameter) {
  const Comparisons is(walk);
  const std::string index = absl::StrCat("(", columns, ")");
  const std::string ends = absl::StrCat("(", values, ")");
  std::string sql = absl::StrCat("SELECT id, project_id, fields, document FROM config WHERE ",
                                 index, is.far, ends);
  if (walk.from_id.empty()) {
    absl::StrAppend(&sql, " AND ", index, is.near, ends);
  } else {
    absl::StrAppend(&sql, " AND (", columns, ", id)", is.begin, "(", values, ", $",
                    next_parameter++, "::bytea)");
  }
  absl::StrAppend(&sql, " ORDER BY ", order, is.direction, ", id", is.direction, " LIMIT $",
                  next_parameter, "::int8");
  return sql;
}

// The end of a statement that walks through the rows of a field from walk.from_id on.
std::string FieldRangeOf(const ConfigWalk& walk, int next_parameter) {
  const Comparisons is(walk);
  std::string sql;
  if (!walk.from_id.empty()) {
    absl::StrAppend(&sql, " AND id", is.begin, "$", next_parameter++, "::bytea");
  }
  absl::StrAppend(&sql, " ORDER BY id", is.direction, " LIMIT $", next_parameter, "::int8");
  return sql;
}

Params ParamsOfField(const ConfigRecord& record, const ConfigField& field, size_t position) {
  Params params;
  params.Int(Number(record.kind)).Int(static_cast<int64_t>(position));
  params.Bytes(record.fields[position]).Bytes(GroupOf(record, field)).Bytes(record.id);
  return params;
}

constexpr std::string_view kPutField =
    "INSERT INTO config_field (kind, field, value, project_id, id) VALUES ($1::int8, $2::int8, "
    "$3::bytea, $4::bytea, $5::bytea)";
constexpr std::string_view kRemoveField =
    "DELETE FROM config_field WHERE kind = $1::int8 AND field = $2::int8 "
    "AND sha256(value) = sha256($3::bytea) AND value = $3::bytea AND project_id = $4::bytea "
    "AND id = $5::bytea";

}  // namespace

absl::StatusOr<std::optional<ConfigRecord>> ConfigRows::Find(ConfigKind kind, std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                          connection_.Run("SELECT id, project_id, fields, document FROM config "
                                          "WHERE kind = $1::int8 AND id = $2::bytea",
                                          Params().Int(Number(kind)).Bytes(id)));
  std::optional<ConfigRecord> record;
  if (rows.count() > 0) {
    CONVOY_ASSIGN_OR_RETURN(record, ReadConfigRecord(kind, Row(&rows, 0)));
  }
  return record;
}

absl::StatusOr<bool> ConfigRows::Holds(ConfigKind kind, std::string_view id,
                                       std::string_view project_id) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection_.Run("SELECT 1 FROM config WHERE kind = $1::int8 AND id = $2::bytea "
                      "AND project_id = $3::bytea FOR KEY SHARE",
                      Params().Int(Number(kind)).Bytes(id).Bytes(project_id)));
  return rows.count() > 0;
}

absl::StatusOr<std::vector<std::string>> ConfigRows::FindIds(ConfigKind kind, size_t field,
                                                             std::string_view value,
                                                             size_t ids_max) {
  Params params;
  params.Int(Number(kind)).Int(static_cast<int64_t>(field)).Bytes(value);
  params.Int(static_cast<int64_t>(ids_max));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection_.Run("SELECT id FROM config_field WHERE kind = $1::int8 AND field = $2::int8 "
                      "AND sha256(value) = sha256($3::bytea) AND value = $3::bytea LIMIT $4::int8",
                      params));
  std::vector<std::string> ids;
  for (int i = 0; i < rows.count(); ++i) ids.push_back(rows.TextAt(i, 0));
  return ids;
}

absl::StatusOr<std::vector<ConfigRecord>> ConfigRows::Walk(const ConfigWalk& walk) {
  if (walk.field.has_value()) return WalkField(walk);
  const std::string_view direction = Comparisons(walk).direction;
  const std::string sql = walk.project_id.has_value()
                              ? SelectWalk(walk, "kind, project_id", "$1::int8, $2::bytea",
                                           absl::StrCat("kind", direction, ", project_id"), 3)
                              : SelectWalk(walk, "kind", "$1::int8", "kind", 2);
  Params params;
  params.Int(Number(walk.kind));
  if (walk.project_id.has_value()) params.Bytes(*walk.project_id);
  if (!walk.from_id.empty()) params.Bytes(walk.from_id);
  params.Int(static_cast<int64_t>(walk.records_max));
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection_.Run(sql, params));
  return ReadRecords(walk.kind, rows);
}

// Of each value the nearest ids; of all of them together the nearest again.
absl::StatusOr<std::vector<ConfigRecord>> ConfigRows::WalkField(const ConfigWalk& walk) {
  const std::string sql = absl::StrCat(
      "SELECT id FROM config_field WHERE kind = $1::int8 AND field = $2::int8 "
      "AND sha256(value) = sha256($3::bytea) AND value = $3::bytea AND project_id = $4::bytea",
      FieldRangeOf(walk, 5));
  std::vector<std::string> values = walk.values;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  for (const std::string& value : values) {
    Params params;
    params.Int(Number(walk.kind)).Int(static_cast<int64_t>(*walk.field)).Bytes(value);
    params.Bytes(walk.project_id.value_or(""));
    if (!walk.from_id.empty()) params.Bytes(walk.from_id);
    params.Int(static_cast<int64_t>(walk.records_max));
    connection_.Queue(sql, params);
  }
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> answers, connection_.Flush());
  std::vector<std::string> ids;
  for (const Rows& rows : answers) {
    for (int i = 0; i < rows.count(); ++i) ids.push_back(rows.TextAt(i, 0));
  }
  std::sort(ids.begin(), ids.end());
  if (!walk.is_ascending) std::reverse(ids.begin(), ids.end());
  if (ids.size() > walk.records_max) ids.resize(walk.records_max);
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection_.Run("SELECT c.id, c.project_id, c.fields, c.document FROM "
                      "unnest($2::bytea[]) WITH ORDINALITY AS w(id, n) JOIN config AS c "
                      "ON c.kind = $1::int8 AND c.id = w.id ORDER BY w.n",
                      Params().Int(Number(walk.kind)).Texts(ids)));
  return ReadRecords(walk.kind, rows);
}

absl::Status ConfigRows::Put(const ConfigRecord& record, const ConfigRecord* previous) {
  const std::string packed = PackFields(record.fields);
  Params params;
  params.Int(Number(record.kind)).Bytes(record.id).Bytes(record.project_id).Bytes(packed);
  params.Bytes(record.document);
  connection_.Queue(
      "INSERT INTO config (kind, id, project_id, fields, document) VALUES ($1::int8, $2::bytea, "
      "$3::bytea, $4::bytea, $5::bytea) ON CONFLICT (kind, id) DO UPDATE SET project_id = "
      "excluded.project_id, fields = excluded.fields, document = excluded.document",
      params);
  const auto queue = [this](std::string_view sql) {
    return [this, sql](const ConfigRecord& of, const ConfigField& field, size_t position) {
      connection_.Queue(sql, ParamsOfField(of, field, position));
      return absl::OkStatus();
    };
  };
  CONVOY_RETURN_IF_ERROR(ChangeFields(record, previous, queue(kRemoveField), queue(kPutField)));
  return connection_.Flush().status();
}

absl::Status ConfigRows::Remove(const ConfigRecord& record) {
  connection_.Queue("DELETE FROM config WHERE kind = $1::int8 AND id = $2::bytea",
                    Params().Int(Number(record.kind)).Bytes(record.id));
  const ConfigKindInfo& info = *FindConfigKind(record.kind);
  for (size_t i = 0; i < info.fields.size(); ++i) {
    if (!IsLookedUp(info.fields[i])) continue;
    connection_.Queue(kRemoveField, ParamsOfField(record, info.fields[i], i));
  }
  return connection_.Flush().status();
}

absl::Status ConfigRows::RemoveFlow(const ConfigRef& ref) {
  if (ref.kind == ConfigKind::kProject) return RetireProject(connection_, ref.id);
  if (ref.kind != ConfigKind::kSource) {
    return absl::InternalError("no flow of this kind of object is known");
  }
  CONVOY_ASSIGN_OR_RETURN(const int64_t source, FindName(connection_, ref.id));
  return connection_.Run("DELETE FROM held_input WHERE source = $1::int8", Params().Int(source))
      .status();
}

absl::StatusOr<uint64_t> ConfigRows::Revision(std::string_view scope) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection_.Run("SELECT revision FROM config_revision WHERE scope = $1::bytea",
                      Params().Bytes(scope)));
  return rows.count() > 0 ? static_cast<uint64_t>(rows.IntAt(0, 0)) : 0;
}

absl::Status ConfigRows::SetRevision(std::string_view scope, uint64_t revision) {
  return connection_
      .Run(
          "INSERT INTO config_revision (scope, revision) VALUES ($1::bytea, $2::int8) "
          "ON CONFLICT (scope) DO UPDATE SET revision = excluded.revision",
          Params().Bytes(scope).Int(static_cast<int64_t>(revision)))
      .status();
}

absl::StatusOr<uint64_t> ConfigRows::Generation() {
  CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                          connection_.Run("SELECT max(generation) FROM config_change"));
  return static_cast<uint64_t>(rows.IntAt(0, 0));
}

absl::Status ConfigRows::AddLines(std::string_view scope, std::span<const ConfigLogLine> lines) {
  Columns columns;
  for (const ConfigLogLine& line : lines) {
    columns.AddRow({static_cast<int64_t>(line.revision), static_cast<int64_t>(line.what),
                    Number(line.ref.kind), std::string_view(line.ref.id)});
  }
  if (columns.rows_count() > 0) {
    Params params;
    params.All(columns).Bytes(scope);
    connection_.Queue(
        "INSERT INTO config_change (scope, revision, what, kind, id) SELECT $5::bytea, * FROM "
        "unnest($1::int8[], $2::int8[], $3::int8[], $4::bytea[])",
        params);
  }
  return connection_
      .Run(
          "DELETE FROM config_change WHERE generation <= "
          "(SELECT max(generation) FROM config_change) - $1::int8",
          Params().Int(kConfigLogLinesKept))
      .status();
}

absl::StatusOr<std::vector<ConfigLogLine>> ConfigRows::ReadLines(std::string_view scope,
                                                                 uint64_t since, size_t lines_max) {
  Params params;
  params.Bytes(scope).Int(static_cast<int64_t>(since)).Int(static_cast<int64_t>(lines_max));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection_.Run("SELECT revision, what, kind, id FROM config_change WHERE scope = $1::bytea "
                      "AND revision > $2::int8 ORDER BY revision, generation LIMIT $3::int8",
                      params));
  std::vector<ConfigLogLine> lines;
  for (int i = 0; i < rows.count(); ++i) {
    lines.push_back(
        {.revision = static_cast<uint64_t>(rows.IntAt(i, 0)),
         .what = static_cast<ConfigLogLine::What>(rows.IntAt(i, 1)),
         .ref = {.kind = static_cast<ConfigKind>(rows.IntAt(i, 2)), .id = rows.TextAt(i, 3)}});
  }
  return lines;
}

}  // namespace convoy::storage::postgres
