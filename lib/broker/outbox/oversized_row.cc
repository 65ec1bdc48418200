// Beginnings of values by SQLite's incremental reads; see oversized_row.h.
#include "lib/broker/outbox/oversized_row.h"

#include <algorithm>
#include <memory>

#include <sqlite3.h>

#include "lib/storage/sqlite/failure.h"

namespace convoy::broker::outbox {

ValueBound::ValueBound(storage::Connection& connection, size_t bytes_max)
    : db_(connection.db()),
      former_(sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, static_cast<int>(bytes_max))) {}

ValueBound::~ValueBound() { sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, former_); }

bool IsTooBig(const absl::Status& status) {
  return (storage::SqliteCodeOf(status) & 0xFF) == SQLITE_TOOBIG;
}

absl::StatusOr<std::string> ReadStart(storage::Connection& connection, const char* column,
                                      int64_t id, size_t bytes_max) {
  sqlite3* const db = connection.db();
  sqlite3_blob* opened = nullptr;
  int code = sqlite3_blob_open(db, "main", "convoy_outbox", column, id, /*flags=*/0, &opened);
  // So it says of NULL and of numbers, neither of which is what makes a row large.
  if (code == SQLITE_ERROR) return std::string();
  const std::unique_ptr<sqlite3_blob, decltype(&sqlite3_blob_close)> blob(opened,
                                                                          &sqlite3_blob_close);
  std::string start;
  if (code == SQLITE_OK) {
    start.resize(std::min(bytes_max, static_cast<size_t>(sqlite3_blob_bytes(opened))));
    code = sqlite3_blob_read(opened, start.data(), static_cast<int>(start.size()), 0);
  }
  if (code != SQLITE_OK) return storage::SqliteStatus(db, code, "cannot read a value");
  return start;
}

}  // namespace convoy::broker::outbox
