// Rows are held in memory as SQLite values, so the timed part is binding, stepping and committing.
#include "benchmarks/bare_sqlite.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include <sqlite3.h>

#include "benchmarks/common.h"

namespace benchmarks {
namespace {

struct CloseDb {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct FreeValue {
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};
using Db = std::unique_ptr<sqlite3, CloseDb>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;
using Value = std::unique_ptr<sqlite3_value, FreeValue>;

struct Table {
  std::string name;
  size_t columns_count = 0;
  std::vector<Value> values;  // row after row
  Statement insert;

  size_t rows_count() const { return values.size() / columns_count; }
};

Db Open(const std::string& path) {
  sqlite3* db = nullptr;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) Die(absl::StrCat("cannot open ", path));
  return Db(db);
}

void Execute(const Db& db, const std::string& sql) {
  if (sqlite3_exec(db.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    Die(absl::StrCat(sql, ": ", sqlite3_errmsg(db.get())));
  }
}

Statement Prepare(const Db& db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    Die(absl::StrCat(sql, ": ", sqlite3_errmsg(db.get())));
  }
  return Statement(statement);
}

std::vector<std::string> Texts(const Db& db, const std::string& sql) {
  std::vector<std::string> texts;
  const Statement statement = Prepare(db, sql);
  while (sqlite3_step(statement.get()) == SQLITE_ROW) {
    texts.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0)));
  }
  return texts;
}

Table ReadTable(const Db& db, const std::string& name) {
  const Statement select = Prepare(db, absl::StrCat("SELECT * FROM \"", name, "\""));
  Table table{.name = name,
              .columns_count = static_cast<size_t>(sqlite3_column_count(select.get()))};
  while (sqlite3_step(select.get()) == SQLITE_ROW) {
    for (size_t column = 0; column < table.columns_count; ++column) {
      table.values.emplace_back(
          sqlite3_value_dup(sqlite3_column_value(select.get(), static_cast<int>(column))));
    }
  }
  return table;
}

Statement PrepareInsert(const Db& db, const Table& table) {
  std::string sql = absl::StrCat("INSERT INTO \"", table.name, "\" VALUES (?");
  for (size_t column = 1; column < table.columns_count; ++column) sql += ",?";
  return Prepare(db, sql + ")");
}

void InsertRow(const Db& db, const Table& table, size_t row) {
  sqlite3_stmt* const insert = table.insert.get();
  for (size_t column = 0; column < table.columns_count; ++column) {
    sqlite3_bind_value(insert, static_cast<int>(column + 1),
                       table.values[row * table.columns_count + column].get());
  }
  if (sqlite3_step(insert) != SQLITE_DONE) Die(sqlite3_errmsg(db.get()));
  sqlite3_reset(insert);
}

}  // namespace

double InsertSameRows(const std::string& source, const std::string& target, int rows_min,
                      int batch) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(target + suffix);
  const Db from = Open(source);
  const Db to = Open(target);
  Execute(to, absl::StrCat("PRAGMA page_size=", Texts(from, "PRAGMA page_size").front()));
  Execute(to, "PRAGMA journal_mode=WAL");
  Execute(to, "PRAGMA synchronous=FULL");
  for (const std::string& sql :
       Texts(from,
             "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
             "ORDER BY type = 'table' DESC")) {
    Execute(to, sql);
  }
  std::vector<Table> tables;
  size_t rows_count = 0;
  for (const std::string& name :
       Texts(from,
             "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")) {
    Table table = ReadTable(from, name);
    if (table.rows_count() < static_cast<size_t>(rows_min)) continue;
    table.insert = PrepareInsert(to, table);
    rows_count = std::max(rows_count, table.rows_count());
    tables.push_back(std::move(table));
  }

  const auto start = std::chrono::steady_clock::now();
  for (size_t first = 0; first < rows_count; first += batch) {
    Execute(to, "BEGIN IMMEDIATE");
    for (size_t row = first; row < first + batch; ++row) {
      for (const Table& table : tables) {
        if (row < table.rows_count()) InsertRow(to, table, row);
      }
    }
    Execute(to, "COMMIT");
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count();
}

}  // namespace benchmarks
