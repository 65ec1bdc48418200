// Worker of jobs: does a chunk of an open job, then leaves the store to others for longer than that
// took. A state machine without threads: its driver calls Step, which never waits. Several, also of
// other processes, may work on the jobs of one store: the transaction of a chunk is refused unless
// the jobs of its project are as they were when it was planned, so each chunk is done once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/observer.h"
#include "convoy/storage.h"
#include "lib/base/relaxed_counter.h"
#include "lib/jobs/chunk.h"
#include "lib/storage/commit_queue.h"

namespace convoy::jobs {

// Since the worker was made; the first two are of all openers, as this one last saw them.
struct JobCounts {
  uint64_t open = 0;
  absl::Time oldest_at = absl::InfiniteFuture();  // when the oldest of them was made
  uint64_t chunks = 0;                            // done
  uint64_t overtaken = 0;                         // planned, and done by another worker
  uint64_t failures = 0;    // that the store refused, or could not be read for
  uint64_t deliveries = 0;  // made or scheduled again
};

// Must outlive the worker.
struct WorkerParts {
  ChunkParts chunk;
  storage::CommitQueue* commits;
  Random* random;
  Observer* observer;
  std::function<void()> notify;  // called when there are new deliveries
};

class Worker {
 public:
  explicit Worker(WorkerParts parts);

  // Begins a chunk, if it is time to. Returns when to call again at the latest. One thread at a
  // time.
  absl::Time Step();

  // To be called with the changes of configuration that this process has written. Any thread.
  void OnWritten(std::span<const ConfigWrite> writes);

  // Called, on any thread, when Step should be. Set once, before the first Step.
  void set_wake(std::function<void()> wake);

  // Events that were made from then on may be needed by open jobs. From the thread that steps.
  absl::Time events_needed_from() const;

  JobCounts counts() const;  // from any thread

 private:
  struct Open {
    std::string id;
    std::string project_id;
    absl::Time created_at;
    bool is_stalled = false;  // until another one of its project has ended
  };
  // A chunk on its way.
  struct Flight {
    model::Job before;
    model::Job after;
    bool is_void = false;
    absl::Time began_at;
  };

  // Learns which jobs are open.
  absl::Status Look(absl::Time now);
  // The next of the next project that has one which can go on; null if there is none.
  const Open* Choose() const;
  // Leaves `flight_` empty if the job is not open any more, or sets `out_is_stalled`.
  absl::Status Begin(const Open& open, absl::Time now, bool* out_is_stalled);
  absl::Status AddJob(Chunk& chunk, uint64_t revision);
  void Settle(const absl::Status& status, absl::Time now);
  void Forget(const std::string& id);
  void Stall(const std::string& id);
  void TellOf(const Flight& flight);
  void TellOfDamage(const absl::Status& status);
  void Fail(const absl::Status& status, absl::Time now);
  void Publish();

  const WorkerParts parts_;
  std::function<void()> wake_;

  // Touched only by the thread that steps.
  std::vector<Open> open_;  // in the order of their ids
  bool is_cut_ = false;     // there are more of them
  bool has_looked_ = false;
  std::string last_project_id_;
  std::optional<Flight> flight_;
  absl::Time next_at_ = absl::InfinitePast();
  absl::Time next_look_at_ = absl::InfinitePast();
  bool is_failing_ = false;
  bool has_told_of_damage_ = false;

  std::atomic<bool> should_look_ = true;
  base::RelaxedCounter chunks_, overtaken_, failures_, deliveries_;
  mutable absl::Mutex mutex_;
  std::optional<absl::Status> landed_ ABSL_GUARDED_BY(mutex_);  // how the flight ended
  uint64_t open_count_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time oldest_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace convoy::jobs
