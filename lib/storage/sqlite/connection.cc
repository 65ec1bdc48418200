// Thin wrapper of SQLite's C interface, independent of the schema.
#include "lib/storage/sqlite/connection.h"

#include <chrono>
#include <thread>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include <sqlite3.h>

#include "lib/base/read_limit.h"
#include "lib/storage/sqlite/failure.h"

namespace convoy::storage {
namespace {

// Instructions of SQLite's machine between two looks at the limit of a read: some 100 us.
constexpr int kReadLimitInstructions = 10'000;

// A transaction of another process takes about a millisecond. So a lock is tried for in short steps
// at first: SQLite's own handler soon sleeps for 25 to 100 ms at a time, and a process in which
// callers wait would leave the store idle meanwhile, or to the other processes.
constexpr auto kShortStep = std::chrono::microseconds(200);
constexpr auto kLongStep = std::chrono::milliseconds(5);
constexpr int kShortSteps = 500;                    // 100 ms
constexpr int kStepsMax = kShortSteps + 9'900 / 5;  // 10 s

int WaitForLock(void*, int steps_count) {
  if (steps_count >= kStepsMax) return 0;
  if (steps_count < kShortSteps) {
    std::this_thread::sleep_for(kShortStep);
  } else {
    std::this_thread::sleep_for(kLongStep);
  }
  return 1;
}

int IsReadOver(void*) { return base::ReadLimit::IsOver() ? 1 : 0; }

}  // namespace

absl::Status SqliteStatus(sqlite3* db, int code, std::string_view doing) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return absl::OkStatus();
  // The connection may have gone on to another error meanwhile.
  const bool is_latest = db != nullptr && sqlite3_extended_errcode(db) == code;
  const char* const message = is_latest ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  const char* const path = db != nullptr ? sqlite3_db_filename(db, "main") : nullptr;
  absl::Status status(StatusCodeOf(code),
                      absl::StrCat(path != nullptr ? path : "", path != nullptr ? ": " : "", doing,
                                   ": ", message, " (SQLite ", code, ")"));
  AttachSqliteCode(status, code);
  return status;
}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::Keep(int code, std::string_view doing) {
  if (status_.ok()) status_ = SqliteStatus(db_, code, doing);
}

Statement& Statement::Text(std::string_view value) {
  if (status_.ok()) {
    // A null pointer would bind NULL; an empty text is meant.
    Keep(sqlite3_bind_text64(statement_, ++parameters_count_, value.empty() ? "" : value.data(),
                             value.size(), SQLITE_STATIC, SQLITE_UTF8),
         "cannot bind a text");
  }
  return *this;
}

Statement& Statement::Blob(std::string_view value) {
  if (status_.ok()) {
    Keep(sqlite3_bind_blob64(statement_, ++parameters_count_, value.empty() ? "" : value.data(),
                             value.size(), SQLITE_STATIC),
         "cannot bind a body");
  }
  return *this;
}

Statement& Statement::Int(int64_t value) {
  if (status_.ok()) {
    Keep(sqlite3_bind_int64(statement_, ++parameters_count_, value), "cannot bind a number");
  }
  return *this;
}

Statement& Statement::Value(const Statement& row, int column) {
  if (status_.ok()) {
    Keep(sqlite3_bind_value(statement_, ++parameters_count_,
                            sqlite3_column_value(row.statement_, column)),
         "cannot bind a value");
  }
  return *this;
}

bool Statement::Next() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  Keep(code, "cannot read or write the database");
  return code == SQLITE_ROW;
}

absl::Status Statement::Run() {
  while (Next()) {
  }
  return status_;
}

std::string_view Statement::TextAt(int column) const {
  // In this order: the size of a text is told in UTF-8, and a text in another encoding is turned
  // into it, which moves the bytes.
  const int size = sqlite3_column_bytes(statement_, column);
  const void* bytes = sqlite3_column_blob(statement_, column);
  return bytes == nullptr
             ? std::string_view()
             : std::string_view(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

int64_t Statement::IntAt(int column) const { return sqlite3_column_int64(statement_, column); }

bool Statement::IsNullAt(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const OpenOptions& options) {
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (options.is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    (options.is_read_only || options.must_exist ? 0 : SQLITE_OPEN_CREATE);
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &db, flags,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (code != SQLITE_OK) {
    absl::Status status =
        SqliteStatus(nullptr, code, absl::StrCat(options.path, ": cannot open the database"));
    sqlite3_close(db);
    return status;
  }
  auto connection = absl::WrapUnique(new Connection(db));
  connection->WaitForLocks(true);
  if (options.is_read_only) {
    sqlite3_progress_handler(db, kReadLimitInstructions, &IsReadOver, nullptr);
  }
  return connection;
}

void Connection::WaitForLocks(bool should_wait) {
  sqlite3_busy_handler(db_, should_wait ? &WaitForLock : nullptr, nullptr);
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Statement Connection::Prepare(std::string_view sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return Statement(db_, known->second, absl::OkStatus());
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  absl::Status status = SqliteStatus(db_, code, "cannot prepare a statement");
  if (status.ok()) statements_.emplace(sql, statement);
  return Statement(db_, statement, std::move(status));
}

absl::Status Connection::Execute(const char* sql) {
  return SqliteStatus(db_, sqlite3_exec(db_, sql, nullptr, nullptr, nullptr),
                      "cannot set up the database");
}

absl::StatusOr<int64_t> Connection::QueryInt(const char* sql) {
  Statement statement = Prepare(sql);
  if (statement.Next()) return statement.IntAt(0);
  if (!statement.status().ok()) return statement.status();
  return absl::InternalError("a query without an answer");
}

absl::StatusOr<std::string> Connection::QueryText(const char* sql) {
  Statement statement = Prepare(sql);
  if (statement.Next()) return std::string(statement.TextAt(0));
  if (!statement.status().ok()) return statement.status();
  return absl::InternalError("a query without an answer");
}

int Connection::changes_count() const { return sqlite3_changes(db_); }

bool Connection::is_in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

std::string_view Connection::path() const { return sqlite3_db_filename(db_, "main"); }

}  // namespace convoy::storage
