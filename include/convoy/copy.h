// Copies of stores: all contents of an SQLite file or a PostgreSQL namespace go into another one,
// so that a gateway can move. Part of the component convoy::postgres.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace convoy {

// A store at rest. Either `path` is set, of an SQLite file, or `dsn` and `schema`, as
// PostgresStorageOptions have them.
struct CopySide {
  std::string path;
  std::string dsn;
  std::string schema = "convoy";
};

struct CopyProgress {
  std::string_view table;  // that is being copied or compared
  bool is_comparing = false;
  uint64_t rows_done = 0;   // of all tables
  uint64_t rows_count = 0;  // in the store that is copied
};

struct CopyOptions {
  CopySide from;
  CopySide to;
  // Called at intervals; false stops the copying, which may be continued later. May be empty.
  std::function<bool(const CopyProgress&)> on_progress;
};

struct CopyCounts {
  uint64_t events = 0;
  uint64_t deliveries = 0;
  uint64_t attempts = 0;
  uint64_t rows = 0;  // of all tables
};

// Copies `from` into `to`, which must be empty or hold an unfinished copy of the same store, and
// compares every row in the end. Claims in `from` are released first, as when it is opened; nothing
// else of it is changed. `to` records the progress, and a call with the same options goes on from
// there, also after the process was killed. Until the copy is finished, `to` cannot be opened as a
// store.
//
// kFailedPrecondition if a process has one of them open, if `to` holds anything else, or if `from`
// has been used since the copy was begun; kNotFound if there is no `from`; kCancelled if
// on_progress stopped it; kDataLoss if a row differs in the end. Blocks; uses no other thread.
absl::StatusOr<CopyCounts> CopyStore(const CopyOptions& options);

}  // namespace convoy
