// One SQLite connection and its prepared statements: RAII, and SQLite's results as statuses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/sqlite/names.h"

struct sqlite3;
struct sqlite3_stmt;

namespace convoy::storage {

// Maps a SQLite result code (failure.h), which the status carries along; `doing` says what failed
// ("cannot write"). The text names the file.
absl::Status SqliteStatus(sqlite3* db, int code, std::string_view doing);

// A prepared statement in use. Errors stick: bind and step freely, then look at status(). Resets
// the statement when it goes out of scope. Bound texts are not copied and must outlive the last
// step.
class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* statement, absl::Status status)
      : db_(db), statement_(statement), status_(std::move(status)) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds the next parameter.
  Statement& Text(std::string_view value);
  Statement& Blob(std::string_view value);
  Statement& Int(int64_t value);
  // A copy of what stands in a column of another statement's row.
  Statement& Value(const Statement& row, int column);

  // Moves to the next row; false at the end and on errors.
  bool Next();
  // For statements without rows.
  absl::Status Run();
  const absl::Status& status() const { return status_; }

  // Columns of the current row. Views are valid until the next step.
  std::string_view TextAt(int column) const;
  int64_t IntAt(int column) const;
  bool IsNullAt(int column) const;

 private:
  void Keep(int code, std::string_view doing);

  sqlite3* const db_;
  sqlite3_stmt* const statement_;
  absl::Status status_;
  int parameters_count_ = 0;
};

// Not safe for several threads at once.
class Connection {
 public:
  struct OpenOptions {
    std::string path;
    std::string vfs;  // empty: the default one
    bool is_read_only = false;
    bool must_exist = false;  // otherwise it is created
  };
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const OpenOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The statement for `sql`, prepared on first use and kept. One use at a time of each.
  Statement Prepare(std::string_view sql);

  // Runs SQL that is not worth keeping.
  absl::Status Execute(const char* sql);
  absl::StatusOr<int64_t> QueryInt(const char* sql);
  absl::StatusOr<std::string> QueryText(const char* sql);

  // Whether a call waits for a lock, for ten seconds at most. Other processes hold the write lock
  // for one transaction at a time; this is ages for that. As opened, it waits.
  void WaitForLocks(bool should_wait);

  int changes_count() const;
  bool is_in_transaction() const;
  std::string_view path() const;  // of the file, absolute and without symbolic links
  sqlite3* db() const { return db_; }
  NameCache& names() { return names_; }

 private:
  explicit Connection(sqlite3* db) : db_(db) {}

  sqlite3* const db_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
  NameCache names_;
};

}  // namespace convoy::storage
