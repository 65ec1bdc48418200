// The program's definitions of these functions take precedence over libc's, for SQLite's shared
// library as well.
#include "benchmarks/file_traffic.h"

#include <dlfcn.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>

namespace {

std::atomic<uint64_t> syncs_count = 0;
std::atomic<uint64_t> bytes_written = 0;

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define BENCHMARK_EXPORT extern "C" __attribute__((visibility("default")))

BENCHMARK_EXPORT int fsync(int fd) {
  static auto* const real = Real<int(int)>("fsync");
  ++syncs_count;
  return real(fd);
}

BENCHMARK_EXPORT int fdatasync(int fd) {
  static auto* const real = Real<int(int)>("fdatasync");
  ++syncs_count;
  return real(fd);
}

BENCHMARK_EXPORT ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  static auto* const real = Real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  bytes_written += size;
  return real(fd, data, size, offset);
}

namespace benchmarks {

FileTraffic CurrentFileTraffic() {
  return {.syncs_count = syncs_count, .bytes_written = bytes_written};
}

}  // namespace benchmarks
