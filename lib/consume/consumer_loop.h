// One consumer of one source: poll, prepare, commit, acknowledge, and again.
//
// A message is acknowledged after the commit that holds its event, or the message itself as a dead
// letter, never before. If anything fails in between, the broker still owns the messages: the
// consumer is dropped, they are redelivered, and the store recognises them by their redelivery id.
// While the store fails nothing is polled, so at most one poll's messages are in memory.
//
//   no consumer ── Open ──▶ polling ── messages ──▶ storing ── committed ──▶ acknowledging ─┐
//        ▲  ▲                │  ▲                      │ store fails: pause, extend, again   │
//        │  └── error: pause ┘  └──────────────────────┴─────────────────────────────────────┘
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/broker.h"
#include "lib/config/config_cache.h"
#include "lib/consume/consumer_status.h"
#include "lib/intake/broker_intake.h"
#include "lib/storage/commit_queue.h"

namespace convoy::consume {

// Dependencies of consumers. All must outlive them.
struct ConsumeParts {
  storage::CommitQueue* commits;  // drained by another thread: consumers wait for their commits
  config::ConfigCache* configuration;
  const intake::BrokerIntake* intake;
  Clock* clock;
  Random* random;
  Observer* observer;
  std::function<void()> notify;  // called when there may be deliveries that are due
  std::vector<std::string> allowed_networks;
  // Whether a batch may be written now; null: always.
  std::function<absl::Status(const WriteBatch&)> check_room;
  Scripting* scripting = nullptr;  // null: payload functions fail
};

BrokerEnvironment EnvironmentOf(const ConsumeParts& parts);

// Stepped by one thread at a time; Stop and status from any.
class ConsumerLoop {
 public:
  // `is_first`: of the consumers of its source, the one that tells the lag of a queue they share.
  ConsumerLoop(const ConsumeParts& parts, std::shared_ptr<Broker> broker, Source source,
               std::string consumer_id, bool is_first = true);

  // One round. Blocks as long as a poll or a commit does. Returns the pause before the next:
  // usually zero, infinity once it is stopped.
  absl::Duration Step();

  // Makes a running Step return soon, and every later one do nothing.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  ConsumerStatus status() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool is_stopping() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Work during a pause. Returns how long there is nothing to do.
  absl::Duration Rest(absl::Time now);
  // Each returns false if the round ends here.
  bool Open();
  bool Poll();
  bool Store();

  // The batch of what was polled, once the payload functions of the source have run. kUnavailable
  // if they cannot run now.
  absl::StatusOr<intake::PreparedMessages> Prepare(const route::ProjectSnapshot& project);
  // Runs what `runs` want; some messages at the same time.
  absl::Status RunFunctions(std::span<intake::FunctionRuns> runs);

  // Asks the broker for the lag if that is due. Returns whether an answer may come.
  bool AskLagIfDue(absl::Time now);
  void TakeLag() ABSL_LOCKS_EXCLUDED(mutex_);
  CommitResult Commit(WriteBatch batch);
  void ExtendIfDue(absl::Time now);
  absl::Duration extension_period() const;
  void PublishDeadLetters(std::span<const intake::MessageDisposition> dispositions);
  void Acknowledge();

  // A failure of the broker returns the messages to it; one of the store keeps them for another
  // try.
  void FailBroker(const absl::Status& error);
  void FailStore(const absl::Status& error);
  void PauseAfter(const absl::Status& error) ABSL_LOCKS_EXCLUDED(mutex_);
  // False if the loop is to stop.
  bool SetRunning() ABSL_LOCKS_EXCLUDED(mutex_);
  void SetConsumer(std::unique_ptr<BrokerConsumer> consumer) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountReceived(size_t count) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountStored(const CommitResult& result,
                   std::span<const intake::MessageDisposition> dispositions)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Keeps which messages were acknowledged without a new event, and warns if there is little else.
  void TraceRedelivered(const CommitResult& result,
                        std::span<const intake::MessageDisposition> dispositions)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Log(LogLevel level, std::string_view event, std::string_view detail) const;

  const ConsumeParts& parts_;
  const std::shared_ptr<Broker> broker_;
  const Source source_;
  const bool is_first_;

  // Used by the stepping thread only.
  std::vector<BrokerMessage> messages_;  // polled, not acknowledged
  absl::Time next_try_at_ = absl::InfinitePast();
  absl::Time next_extension_at_ = absl::InfiniteFuture();
  absl::Time next_lag_at_ = absl::InfinitePast();
  uint32_t failures_count_ = 0;  // in a row
  bool has_warned_ = false;      // about messages that had been stored before, of the present row

  mutable absl::Mutex mutex_;
  // Set and reset by the stepping thread under the mutex, so that Stop may interrupt it; read by
  // the stepping thread without the mutex.
  std::unique_ptr<BrokerConsumer> consumer_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  ConsumerStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::consume
