// Counts what this process asks of its files, by standing in front of libc's calls.
#pragma once

#include <cstdint>

namespace benchmarks {

struct FileTraffic {
  uint64_t syncs_count = 0;
  uint64_t bytes_written = 0;
};

// Since the process began; of all threads.
FileTraffic CurrentFileTraffic();

}  // namespace benchmarks
