// Shared parts of the tests of stores: a database file, and the samples of the conformance suite.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "convoy/gateway.h"
#include "convoy/storage.h"
#include "lib/testing/storage_samples.h"
#include "tests/support/sim_clock.h"

namespace convoy::testing {

// A database file of its own, gone with the object.
class TemporaryFile {
 public:
  TemporaryFile() {
    static std::atomic<int> count = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("convoy_storage_" + std::to_string(getpid()) + "_" + std::to_string(++count)))
                .string();
  }
  ~TemporaryFile() {
    for (const char* suffix : {"", "-wal", "-shm", "-openers"}) {
      std::filesystem::remove(path_ + suffix);
    }
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// By project: how many deliveries have not ended, and when the oldest was due.
inline std::map<std::string, std::pair<uint64_t, absl::Time>> BacklogsOf(Storage& storage) {
  std::map<std::string, std::pair<uint64_t, absl::Time>> all;
  const std::vector<Backlog> backlogs = storage.ListBacklogs().value();
  for (const Backlog& each : backlogs) {
    all[each.project_id] = {each.count, each.oldest_due_at};
  }
  return all;
}

}  // namespace convoy::testing
