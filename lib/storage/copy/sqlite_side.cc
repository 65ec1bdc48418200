// SQLite files as sides of a copy; see side.h.
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/copy/side.h"
#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/database_file.h"
#include "lib/storage/sqlite/opener_locks.h"
#include "lib/storage/sqlite/schema.h"
#include "lib/storage/sqlite/sqlite_storage.h"

namespace convoy::storage::copy {
namespace {

std::string Repeat(std::string_view text, size_t count) {
  std::string list;
  for (size_t i = 0; i < count; ++i) absl::StrAppend(&list, i == 0 ? "" : ", ", text);
  return list;
}

void Bind(Statement& statement, const Column& column, const Value& value) {
  if (column.type == ColumnType::kInt) {
    statement.Int(std::get<int64_t>(value));
  } else if (column.type == ColumnType::kText) {
    statement.Text(std::get<std::string>(value));
  } else {
    statement.Blob(std::get<std::string>(value));
  }
}

Record ReadRecord(const Table& table, const Statement& row, size_t columns_count) {
  Record record;
  for (size_t i = 0; i < columns_count; ++i) {
    const auto column = static_cast<int>(i);
    if (table.columns[i].type == ColumnType::kInt) {
      record.emplace_back(row.IntAt(column));
    } else {
      record.emplace_back(std::string(row.TextAt(column)));  // NULL, of old rows, means empty
    }
  }
  return record;
}

class SqliteSide final : public Side {
 public:
  // Takes the file for itself; kFailedPrecondition if a process has it open.
  static absl::StatusOr<std::unique_ptr<SqliteSide>> Open(const std::string& path) {
    auto side = std::make_unique<SqliteSide>();
    CONVOY_ASSIGN_OR_RETURN(side->connection_, Connection::Open({.path = path}));
    side->name_ = absl::StrCat("the SQLite file ", side->connection_->path());
    CONVOY_ASSIGN_OR_RETURN(side->locks_,
                            OpenerLocks::Open(std::string(side->connection_->path())));
    CONVOY_ASSIGN_OR_RETURN(const bool is_alone, side->locks_->HoldAlone());
    if (is_alone) return side;
    return absl::FailedPreconditionError(
        absl::StrCat("a process has ", side->name_, " open; stop it first"));
  }

  absl::Status CheckAtRest() {
    CONVOY_ASSIGN_OR_RETURN(
        const int64_t claims_count,
        connection_->QueryInt("SELECT count(*) FROM delivery INDEXED BY delivery_by_lease "
                              "WHERE lease <> 0"));
    if (claims_count == 0) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("a process has used ", name_, " at this moment; try again"));
  }
  // Many small commits are not worth a sync each: the mark is removed with one for all.
  absl::Status PrepareForWriting() {
    CONVOY_RETURN_IF_ERROR(PrepareDatabase(*connection_));
    return connection_->Execute("PRAGMA synchronous = NORMAL");
  }

  const std::string& name() const override { return name_; }

  absl::StatusOr<uint64_t> Count(const Table& table) override {
    CONVOY_ASSIGN_OR_RETURN(
        const int64_t count,
        connection_->QueryInt(absl::StrCat("SELECT count(*) FROM ", table.name).c_str()));
    return static_cast<uint64_t>(count);
  }

  absl::StatusOr<std::vector<Record>> ReadAfter(const Table& table,
                                                const std::optional<Record>& after) override {
    const std::string keys = KeysOf(table);
    const std::string behind = after.has_value() ? absl::StrCat(" WHERE (", keys, ") > (",
                                                                Repeat("?", table.keys_count), ")")
                                                 : "";
    Statement row =
        connection_->Prepare(absl::StrCat("SELECT ", ColumnsOf(table), " FROM ", table.name, behind,
                                          " ORDER BY ", keys, " LIMIT ", kPageRowsMax));
    for (size_t i = 0; after.has_value() && i < table.keys_count; ++i) {
      Bind(row, table.columns[i], (*after)[i]);
    }
    std::vector<Record> records;
    uint64_t bytes = 0;
    while (bytes < static_cast<uint64_t>(kPageBytesMax) && row.Next()) {
      records.push_back(ReadRecord(table, row, table.columns.size()));
      bytes += SizeOf(records.back());
    }
    if (!row.status().ok()) return row.status();
    return records;
  }

  absl::StatusOr<std::optional<Record>> LastKey(const Table& table) override {
    std::string descending;
    for (size_t i = 0; i < table.keys_count; ++i) {
      absl::StrAppend(&descending, i == 0 ? "" : ", ", table.columns[i].name, " DESC");
    }
    Statement row = connection_->Prepare(absl::StrCat(
        "SELECT ", KeysOf(table), " FROM ", table.name, " ORDER BY ", descending, " LIMIT 1"));
    if (row.Next()) return ReadRecord(table, row, table.keys_count);
    if (!row.status().ok()) return row.status();
    return std::nullopt;
  }

  absl::StatusOr<int64_t> LastName() override {
    return connection_->QueryInt(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'name'");
  }

  absl::Status Insert(const Table& table, const std::vector<Record>& rows) override {
    return InTransaction([&]() -> absl::Status {
      const std::string sql = absl::StrCat("INSERT INTO ", table.name, " (", ColumnsOf(table),
                                           ") VALUES (", Repeat("?", table.columns.size()), ")");
      for (const Record& row : rows) {
        Statement statement = connection_->Prepare(sql);
        for (size_t i = 0; i < row.size(); ++i) Bind(statement, table.columns[i], row[i]);
        CONVOY_RETURN_IF_ERROR(statement.Run());
      }
      return absl::OkStatus();
    });
  }

  absl::Status RaiseCounters(int64_t last_name) override {
    return InTransaction([&]() -> absl::Status {
      CONVOY_RETURN_IF_ERROR(connection_->Execute(
          "INSERT INTO sqlite_sequence (name, seq) SELECT 'name', 0 WHERE NOT EXISTS "
          "(SELECT 1 FROM sqlite_sequence WHERE name = 'name')"));
      return connection_
          ->Prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'name'")
          .Int(last_name)
          .Run();
    });
  }

  absl::StatusOr<std::optional<std::string>> ReadMark() override {
    CONVOY_ASSIGN_OR_RETURN(
        const int64_t count,
        connection_->QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = 'unfinished_copy'"));
    if (count == 0) return std::nullopt;
    return connection_->QueryText("SELECT origin FROM unfinished_copy");
  }

  absl::Status WriteMark(std::string_view origin) override {
    return InTransaction([&]() -> absl::Status {
      CONVOY_RETURN_IF_ERROR(
          connection_->Execute("CREATE TABLE unfinished_copy (origin TEXT NOT NULL)"));
      return connection_->Prepare("INSERT INTO unfinished_copy VALUES (?)").Text(origin).Run();
    });
  }

  absl::Status RemoveMark() override {
    CONVOY_RETURN_IF_ERROR(connection_->Execute("PRAGMA synchronous = FULL"));
    CONVOY_RETURN_IF_ERROR(InTransaction([&]() -> absl::Status {
      CONVOY_RETURN_IF_ERROR(connection_->Execute("DELETE FROM backlog"));
      CONVOY_RETURN_IF_ERROR(connection_->Execute(kCountWaiting));
      return connection_->Execute("DROP TABLE unfinished_copy");
    }));
    return connection_->Execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }

 private:
  template <typename Body>
  absl::Status InTransaction(const Body& body) {
    CONVOY_RETURN_IF_ERROR(connection_->Execute("BEGIN IMMEDIATE"));
    absl::Status status = body();
    if (status.ok()) status = connection_->Execute("COMMIT");
    if (!status.ok() && connection_->is_in_transaction()) {
      connection_->Execute("ROLLBACK").IgnoreError();
    }
    return status;
  }

  std::unique_ptr<Connection> connection_;
  std::unique_ptr<OpenerLocks> locks_;
  std::string name_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Side>> OpenSqliteSource(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {  // opening would create it
    return absl::NotFoundError(absl::StrCat("there is no SQLite file ", path));
  }
  // As a store once: an older schema is brought up to date, and claims of the dead are given back.
  CONVOY_RETURN_IF_ERROR(OpenSqlite({.path = path}).status());
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<SqliteSide> side, SqliteSide::Open(path));
  CONVOY_RETURN_IF_ERROR(side->CheckAtRest());
  return side;
}

absl::StatusOr<std::unique_ptr<Side>> OpenSqliteTarget(const std::string& path) {
  CONVOY_RETURN_IF_ERROR(CheckSqliteLibrary());
  CONVOY_RETURN_IF_ERROR(CreateDatabaseFile(path));
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<SqliteSide> side, SqliteSide::Open(path));
  CONVOY_RETURN_IF_ERROR(side->PrepareForWriting());
  return side;
}

}  // namespace convoy::storage::copy
