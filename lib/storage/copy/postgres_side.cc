// PostgreSQL namespaces as sides of a copy; see side.h.
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/copy/side.h"
#include "lib/storage/postgres/claimer.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/presence.h"
#include "lib/storage/postgres/schema.h"

namespace convoy::storage::copy {
namespace {

using postgres::Cell;
using postgres::Columns;
using postgres::Connection;
using postgres::Params;
using postgres::Rows;

std::string_view TypeOf(const Column& column) {
  return column.type == ColumnType::kInt ? "int8" : "bytea";
}

// The empty name is there from the beginning.
std::string_view ConditionOf(const Table& table) {
  return table.name == "name" ? "number > 0" : "true";
}

void AddCell(Params& params, const Value& value) {
  const auto* const number = std::get_if<int64_t>(&value);
  if (number != nullptr) {
    params.Int(*number);
  } else {
    params.Bytes(std::get<std::string>(value));
  }
}

Record ReadRecord(const Table& table, const Rows& rows, int row, size_t columns_count) {
  Record record;
  for (size_t i = 0; i < columns_count; ++i) {
    const auto column = static_cast<int>(i);
    if (table.columns[i].type == ColumnType::kInt) {
      record.emplace_back(rows.IntAt(row, column));
    } else {
      record.emplace_back(rows.TextAt(row, column));
    }
  }
  return record;
}

// Rows until their sizes, which are read without the values, make up a page.
std::string SelectPage(const Table& table, bool has_start) {
  const std::string keys = KeysOf(table);
  std::string size = "8::int8";
  for (const Column& column : table.columns) {
    if (column.type != ColumnType::kInt)
      absl::StrAppend(&size, " + octet_length(", column.name, ")");
  }
  std::string start;
  for (size_t i = 0; has_start && i < table.keys_count; ++i) {
    absl::StrAppend(&start, i == 0 ? absl::StrCat(" AND (", keys, ") > (") : ", ", "$", i + 1,
                    "::", TypeOf(table.columns[i]));
  }
  if (has_start) start += ")";
  return absl::StrCat(
      "SELECT ", ColumnsOf(table), " FROM (SELECT p.*, sum(p.row_bytes) OVER (ORDER BY ", keys,
      ") - p.row_bytes AS bytes_before FROM (SELECT *, ", size, " AS row_bytes FROM ", table.name,
      " WHERE ", ConditionOf(table), start, " ORDER BY ", keys, " LIMIT ", kPageRowsMax,
      ") AS p) AS q WHERE bytes_before < ", kPageBytesMax, " ORDER BY ", keys);
}

std::string InsertPage(const Table& table) {
  std::string arrays;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    absl::StrAppend(&arrays, i == 0 ? "" : ", ", "$", i + 1, "::", TypeOf(table.columns[i]), "[]");
  }
  return absl::StrCat("INSERT INTO ", table.name, " (", ColumnsOf(table),
                      ") OVERRIDING SYSTEM VALUE SELECT * FROM unnest(", arrays, ")");
}

class PostgresSide final : public Side {
 public:
  static absl::StatusOr<std::unique_ptr<PostgresSide>> Open(const std::string& dsn,
                                                            const std::string& schema) {
    CONVOY_RETURN_IF_ERROR(postgres::CheckSchemaName(schema));
    auto side = std::make_unique<PostgresSide>();
    CONVOY_ASSIGN_OR_RETURN(side->connection_, Connection::Open({.dsn = dsn, .schema = schema}));
    if (side->connection_->is_pooled()) {
      return absl::FailedPreconditionError(
          "a copy needs a connection to PostgreSQL itself, not to a pooler");
    }
    side->schema_ = schema;
    CONVOY_ASSIGN_OR_RETURN(
        const Rows row,
        side->connection_->Run("SELECT convert_to(format('%s (%s)', current_database(), "
                               "(SELECT system_identifier FROM pg_control_system())), 'UTF8')"));
    side->name_ =
        absl::StrCat("the namespace ", schema, " of the PostgreSQL database ", row.TextAt(0, 0));
    return side;
  }

  absl::Status CheckExists() {
    CONVOY_ASSIGN_OR_RETURN(const Rows row,
                            connection_->Run("SELECT to_regclass('schema_version') IS NOT NULL"));
    if (row.IntAt(0, 0) != 0) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat("there is no store in ", name_));
  }

  absl::Status Prepare() { return postgres::PrepareSchema(*connection_, schema_); }

  // From now on no opener can begin; kFailedPrecondition if there is one.
  absl::Status TakeAlone() {
    CONVOY_ASSIGN_OR_RETURN(
        const Rows lock,
        connection_->Run("SELECT pg_try_advisory_lock('opener'::regclass::oid::int4, -1)"));
    // An opener that did not see that lock is seen here.
    CONVOY_ASSIGN_OR_RETURN(const bool has_opener,
                            postgres::HasOpener(*connection_, /*has_beats=*/true));
    const bool is_alone = lock.IntAt(0, 0) != 0 && !has_opener;
    if (is_alone) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("a process has ", name_, " open; stop it first"));
  }

  absl::Status GiveBackClaims() {
    return InTransaction([&] { return postgres::GiveBackAll(*connection_); });
  }
  // Many small commits are not worth a sync each: the mark is removed with one for all.
  absl::Status PrepareForWriting() { return connection_->Execute("SET synchronous_commit = off"); }

  const std::string& name() const override { return name_; }

  absl::StatusOr<uint64_t> Count(const Table& table) override {
    CONVOY_ASSIGN_OR_RETURN(const Rows row,
                            connection_->Run(absl::StrCat("SELECT count(*) FROM ", table.name,
                                                          " WHERE ", ConditionOf(table))));
    return static_cast<uint64_t>(row.IntAt(0, 0));
  }

  absl::StatusOr<std::vector<Record>> ReadAfter(const Table& table,
                                                const std::optional<Record>& after) override {
    Params params;
    for (size_t i = 0; after.has_value() && i < table.keys_count; ++i) {
      AddCell(params, (*after)[i]);
    }
    CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                            connection_->Run(SelectPage(table, after.has_value()), params));
    std::vector<Record> records;
    for (int i = 0; i < rows.count(); ++i) {
      records.push_back(ReadRecord(table, rows, i, table.columns.size()));
    }
    return records;
  }

  absl::StatusOr<std::optional<Record>> LastKey(const Table& table) override {
    std::string descending;
    for (size_t i = 0; i < table.keys_count; ++i) {
      absl::StrAppend(&descending, i == 0 ? "" : ", ", table.columns[i].name, " DESC");
    }
    CONVOY_ASSIGN_OR_RETURN(
        const Rows rows,
        connection_->Run(absl::StrCat("SELECT ", KeysOf(table), " FROM ", table.name, " WHERE ",
                                      ConditionOf(table), " ORDER BY ", descending, " LIMIT 1")));
    if (rows.count() == 0) return std::nullopt;
    return ReadRecord(table, rows, 0, table.keys_count);
  }

  absl::StatusOr<int64_t> LastName() override {
    CONVOY_ASSIGN_OR_RETURN(
        const Rows row,
        connection_->Run("SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('name', "
                         "'number')::regclass), 0)"));
    return row.IntAt(0, 0);
  }

  absl::Status Insert(const Table& table, const std::vector<Record>& rows) override {
    Columns columns;
    for (const Record& row : rows) {
      std::vector<Cell> cells;
      for (const Value& value : row) {
        const auto* const number = std::get_if<int64_t>(&value);
        cells.push_back(number != nullptr ? Cell(*number)
                                          : Cell(std::string_view(std::get<std::string>(value))));
      }
      columns.AddRow(cells);
    }
    return connection_->Run(InsertPage(table), Params().All(columns)).status();
  }

  absl::Status RaiseCounters(int64_t last_name) override {
    connection_->Queue(
        "SELECT setval(pg_get_serial_sequence('name', 'number'), greatest($1::int8, 1))",
        Params().Int(last_name));
    return connection_
        ->Run(
            "SELECT setval(pg_get_serial_sequence('config_change', 'generation'), "
            "coalesce((SELECT max(generation) FROM config_change), 1))")
        .status();
  }

  absl::StatusOr<std::optional<std::string>> ReadMark() override {
    CONVOY_ASSIGN_OR_RETURN(const bool is_marked, postgres::IsUnfinishedCopy(*connection_));
    if (!is_marked) return std::nullopt;
    CONVOY_ASSIGN_OR_RETURN(const Rows row, connection_->Run("SELECT origin FROM unfinished_copy"));
    return row.TextAt(0, 0);
  }

  absl::Status WriteMark(std::string_view origin) override {
    return InTransaction([&] {
      connection_->Queue("CREATE TABLE unfinished_copy (origin bytea NOT NULL)");
      CONVOY_RETURN_IF_ERROR(connection_->Flush().status());
      return connection_
          ->Run("INSERT INTO unfinished_copy VALUES ($1::bytea)", Params().Bytes(origin))
          .status();
    });
  }

  absl::Status RemoveMark() override {
    // The planner knows the tables of a store by their statistics.
    for (const Table& table : Tables()) {
      CONVOY_RETURN_IF_ERROR(connection_->Execute(absl::StrCat("ANALYZE ", table.name)));
    }
    return connection_->Execute(
        "SET synchronous_commit = on; DELETE FROM backlog; INSERT INTO backlog SELECT project, 0, "
        "count(*) FROM delivery WHERE status < 3 GROUP BY project; DROP TABLE unfinished_copy");
  }

 private:
  template <typename Body>
  absl::Status InTransaction(const Body& body) {
    connection_->Queue("BEGIN");
    absl::Status status = body();
    if (status.ok()) status = connection_->Run("COMMIT").status();
    if (!status.ok()) connection_->RollBack();
    return status;
  }

  std::unique_ptr<Connection> connection_;
  std::string schema_;
  std::string name_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Side>> OpenPostgresSource(const std::string& dsn,
                                                         const std::string& schema) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<PostgresSide> side, PostgresSide::Open(dsn, schema));
  CONVOY_RETURN_IF_ERROR(side->CheckExists());
  CONVOY_RETURN_IF_ERROR(side->Prepare());
  CONVOY_RETURN_IF_ERROR(side->TakeAlone());
  CONVOY_ASSIGN_OR_RETURN(const std::optional<std::string> mark, side->ReadMark());
  if (mark.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat(side->name(), " is an unfinished copy"));
  }
  CONVOY_RETURN_IF_ERROR(side->GiveBackClaims());
  return side;
}

absl::StatusOr<std::unique_ptr<Side>> OpenPostgresTarget(const std::string& dsn,
                                                         const std::string& schema) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<PostgresSide> side, PostgresSide::Open(dsn, schema));
  CONVOY_RETURN_IF_ERROR(side->Prepare());
  CONVOY_RETURN_IF_ERROR(side->TakeAlone());
  CONVOY_RETURN_IF_ERROR(side->PrepareForWriting());
  return side;
}

}  // namespace convoy::storage::copy
