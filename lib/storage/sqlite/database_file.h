// Preparations before SQLite opens a database: its files, and a check of the SQLite library.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace convoy::storage {

// Creates an empty file that only its owner can read and write, whatever the umask, unless there is
// one; SQLite gives its log and index the same mode. Links are followed. A file that exists keeps
// its mode.
absl::Status CreateDatabaseFile(const std::string& path);

// Creates `path` with the owner and the mode of `database`, unless it exists, and opens it for
// reading and writing. kUnavailable with the reason if that fails.
absl::Status OpenSideFile(const std::string& path, const std::string& database, int& out_fd);

// kFailedPrecondition if the SQLite library that this process runs with, which may be another than
// this was compiled against, is too old or cannot be used from several threads.
absl::Status CheckSqliteLibrary();

// The judgement of it.
absl::Status CheckSqliteVersion(int version_number, std::string_view version, bool is_threadsafe);

}  // namespace convoy::storage
