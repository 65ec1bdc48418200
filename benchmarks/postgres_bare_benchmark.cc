// The whole way of events by bare libpq and libcurl: the least that a program must do to accept
// events, send them and record what came of it. One thread stores events in groups of 64, one posts
// those that are stored, and one records the outcomes in groups, each session of its own beside the
// others. Nothing is claimed, matched, signed or tried again.
//
//   benchmark_postgres_bare DSN URL EVENTS
//       prints "ready", waits for a line, and prints "done" when all outcomes are recorded
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "benchmarks/bare_curl.h"
#include "benchmarks/common.h"
#include "benchmarks/lean_postgres.h"

namespace benchmarks {
namespace {

// A count that goes up, and that a thread can wait for.
class Progress {
 public:
  void Set(int64_t count) {
    absl::MutexLock lock(&mutex_);
    count_ = count;
  }
  void WaitFor(int64_t count) {
    absl::MutexLock lock(&mutex_);
    const auto is_there = [this, count]()
                              ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ >= count; };
    mutex_.Await(absl::Condition(&is_there));
  }

 private:
  absl::Mutex mutex_;
  int64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

void Run(const std::string& dsn, const std::string& url, int count) {
  LeanPostgres intake(dsn), outcomes(dsn);
  intake.CreateTables();
  BareCurl curl(url + "/e");
  std::puts("ready");
  std::fflush(stdout);
  if (std::getchar() == EOF) Die("nothing to wait for");

  std::atomic<int> stored_count = 0;
  Progress posted;
  std::thread storing([&] {
    for (int first = 0; first < count; first += kGroup) {
      intake.WriteArrays(first);
      stored_count = first + static_cast<int>(kGroup);
      curl.Wake();
    }
  });
  std::thread recording([&] {
    for (int first = 0; first < count; first += kGroup) {
      posted.WaitFor(first + kGroup);
      outcomes.WriteOutcomes(first);
    }
  });
  curl.PostAll(
      count, [&] { return stored_count.load(); },
      [&](int finished) {
        if (finished % kGroup == 0) posted.Set(finished);
      });
  storing.join();
  recording.join();
  std::puts("done");
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  if (argc != 4) benchmarks::Die("usage: benchmark_postgres_bare DSN URL EVENTS");
  benchmarks::Run(argv[1], argv[2],
                  std::atoi(argv[3]) / static_cast<int>(benchmarks::kGroup) *
                      static_cast<int>(benchmarks::kGroup));
}
