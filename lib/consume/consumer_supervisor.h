// Supervisor: keeps a consumer running for each worker of each source that reads from a broker, as
// sources are added, changed and removed. It looks at the store once a second, because other
// processes change it too, and at once when told of a change.
//
// Nothing runs before Start: a gateway that its host pumps has no threads, and reads from no
// broker.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/broker.h"
#include "convoy/storage.h"
#include "lib/consume/check_queue.h"
#include "lib/consume/consumer_loop.h"
#include "lib/consume/consumer_status.h"

namespace convoy::consume {

// Safe to use from any thread.
class ConsumerSupervisor {
 public:
  // `storage` must outlive it.
  ConsumerSupervisor(ConsumeParts parts, Storage* storage,
                     std::vector<std::shared_ptr<Broker>> brokers);
  ~ConsumerSupervisor();  // waits for every thread

  // True if there is an adapter for the broker of the source.
  bool Supports(const BrokerConfig& config) const;

  void Start() ABSL_LOCKS_EXCLUDED(mutex_);
  void ReconcileNow() ABSL_LOCKS_EXCLUDED(mutex_);

  // Stops every consumer and the checks: messages that are being stored are stored and
  // acknowledged, messages that were only polled stay with the broker. False if some are still busy
  // after `patience` (an adapter's call does not return); they end by themselves, so call again.
  // Start has no effect afterwards.
  bool Stop(absl::Duration patience) ABSL_LOCKS_EXCLUDED(mutex_);

  // Status of each worker of `source`, as it is stored; also the reason why nothing is read.
  std::vector<ConsumerStatus> StatusOf(const Source& source) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Status of all running consumers.
  std::vector<ConsumerStatus> Statuses() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Checks whether `source` can be read from now. Check blocks for up to some seconds; CheckLater
  // calls `done` later, on the library's thread, or at once if there is none.
  absl::Status Check(const Source& source) const;
  void CheckLater(Source source, CheckQueue::Completion done);

 private:
  enum class Phase { kIdle, kStarted, kStopping };

  // Thread that steps one loop.
  struct Worker {
    Source source;
    std::unique_ptr<ConsumerLoop> loop;
    bool should_stop = false;  // this and the next: under mutex_
    bool is_done = false;
    std::thread thread;
  };
  using Workers = std::map<std::string, std::unique_ptr<Worker>>;  // by consumer id

  Broker* FindBroker(const BrokerConfig& config) const;
  void Supervise();
  // Reads the sources anew if the configuration has changed since `generation`.
  absl::Status ListSources(std::optional<uint64_t>& generation, std::vector<Source>& sources) const;
  void Reconcile(const std::vector<Source>& sources) ABSL_LOCKS_EXCLUDED(mutex_);
  // False if the system has no thread for it: retried with the next reconciliation.
  bool StartWorker(const Source& source, std::string consumer_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StopWorker(Worker& worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run(Worker& worker) ABSL_LOCKS_EXCLUDED(mutex_);
  // Joins and forgets the threads that have ended.
  void Reap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ConsumeParts parts_;
  Storage* const storage_;
  const std::vector<std::shared_ptr<Broker>> brokers_;
  CheckQueue checks_;

  mutable absl::Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kIdle;
  bool should_reconcile_now_ ABSL_GUARDED_BY(mutex_) = false;
  Workers workers_ ABSL_GUARDED_BY(mutex_);
  std::thread supervisor_;
};

}  // namespace convoy::consume
