// Reading of a row with a value that is larger than any event may have: the beginning of each
// column, without the rest being taken into memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

#include "lib/storage/sqlite/connection.h"

struct sqlite3;

namespace convoy::broker::outbox {

// Lets statements of a connection fail with SQLITE_TOOBIG, before they allocate, of a value that is
// larger; the former bound comes back when this goes out of scope.
class ValueBound {
 public:
  ValueBound(storage::Connection& connection, size_t bytes_max);
  ~ValueBound();
  ValueBound(const ValueBound&) = delete;
  ValueBound& operator=(const ValueBound&) = delete;

 private:
  sqlite3* const db_;
  const int former_;
};

bool IsTooBig(const absl::Status& status);

// The beginning of a column of convoy_outbox; empty for NULL.
absl::StatusOr<std::string> ReadStart(storage::Connection& connection, const char* column,
                                      int64_t id, size_t bytes_max);

}  // namespace convoy::broker::outbox
