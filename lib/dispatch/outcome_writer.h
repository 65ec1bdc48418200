// Writer of the dispatcher's updates: gathers them, commits them in batches, and reports what the
// commits answered.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "convoy/clock.h"
#include "convoy/host_outcome.h"
#include "convoy/observer.h"
#include "convoy/storage.h"
#include "lib/base/relaxed_counter.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/storage/commit_queue.h"
#include "lib/storage/write_tries.h"

namespace convoy::dispatch {

// Commit feedback: what other threads reported since it was last taken.
struct CommitFeedback {
  bool has_work = false;                       // something may be due: after a commit, or a wake-up
  bool is_refusing = false;                    // a commit failed; it is not worth claiming at once
  bool is_lost = false;                        // the store can record nothing any more
  std::optional<absl::StatusOr<Claim>> claim;  // what the claim that was asked for brought
};

class OutcomeWriter {
 public:
  // All must outlive it, and it must not go before is_settled().
  OutcomeWriter(storage::CommitQueue* commits, config::ConfigCache* configuration, Clock* clock,
                Observer* observer, std::function<void(HostOutcome)> tell = nullptr)
      : commits_(*commits),
        configuration_(*configuration),
        clock_(*clock),
        observer_(*observer),
        tell_(std::move(tell)) {}

  // Called when there is feedback, on whichever thread brings it. Set once, before the first
  // commit.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  // Called, on any thread, once an endpoint was disabled. Set once, as above.
  void set_on_disabled(std::function<void(const Project&, const Endpoint&)> on_disabled) {
    on_disabled_ = std::move(on_disabled);
  }

  // Only from the thread that steps the dispatcher.
  void Add(DeliveryUpdate update);
  // Adds a meta event of the outcome that is added next.
  void AddMetaEvent(const ProjectConfig& config, std::string_view type, std::string_view data,
                    absl::Time now, base::UlidGenerator& ulids);
  // Outcome to tell the host once the update that is added next is recorded; of no effect where the
  // host does not want to know.
  void TellOfNext(HostOutcome outcome);
  bool is_telling() const { return tell_ != nullptr; }
  // Commits what was added, as one batch, and once it is time for that what was refused.
  void Flush();
  // Claims deliveries, after the outcomes that were flushed before; the answer is part of the
  // feedback. One claim at a time.
  void StartClaim(ClaimRequest request);

  // From any thread.
  void DisableEndpoint(const std::string& project_id, const std::string& endpoint_id,
                       base::UlidGenerator& ulids, storage::WriteTries tries = {});
  void NotifyWork();
  CommitFeedback TakeFeedback();

  // Nothing added that is not committed or lost with the store, and no claim under way. From the
  // thread that steps the dispatcher.
  bool is_settled() const;

  // Outcomes that the store refused are kept, and committed again at retry_at(), which is of the
  // steady clock; InfiniteFuture if
  // there are none. Nothing should be claimed meanwhile: what is kept is bounded by that.
  absl::Time retry_at() const;
  size_t kept_count() const { return static_cast<size_t>(kept_count_.value()); }
  // Makes the next Flush commit them, whatever the time.
  void RetryNow();

 private:
  void Begin(size_t count) ABSL_LOCKS_EXCLUDED(mutex_);
  // Updates, and by their places what to tell of them.
  struct FlushedBatch {
    WriteBatch batch;
    std::map<size_t, HostOutcome> told;
    bool makes_work = false;  // deliveries may be due once it is committed
  };
  // Gives what was added, and makes room for more.
  std::shared_ptr<FlushedBatch> TakePending() ABSL_LOCKS_EXCLUDED(mutex_);
  void Commit(std::shared_ptr<FlushedBatch> batch);
  void OnFlushed(std::shared_ptr<FlushedBatch> batch, const CommitResult& result)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // An endpoint to disable once the store takes writes again.
  struct Disabling {
    std::string project_id, endpoint_id;
    base::UlidGenerator* ulids;
  };
  void OnDisabled(const std::string& project_id, const std::string& endpoint_id,
                  base::UlidGenerator& ulids, storage::WriteTries tries, const CommitResult& result)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Wake() const {
    if (wake_) wake_();
  }

  storage::CommitQueue& commits_;
  config::ConfigCache& configuration_;
  Clock& clock_;
  Observer& observer_;
  const std::function<void(HostOutcome)> tell_;
  std::function<void()> wake_;
  std::function<void(const Project&, const Endpoint&)> on_disabled_;

  // Touched only by the thread that steps.
  std::shared_ptr<FlushedBatch> pending_ = std::make_shared<FlushedBatch>();

  mutable absl::Mutex mutex_;
  CommitFeedback feedback_ ABSL_GUARDED_BY(mutex_);
  size_t uncommitted_count_ ABSL_GUARDED_BY(mutex_) = 0;  // updates, changes, claims
  std::vector<std::shared_ptr<FlushedBatch>> kept_ ABSL_GUARDED_BY(mutex_);
  // Committed and empty, to be filled again: their memory is large.
  std::vector<std::shared_ptr<FlushedBatch>> spare_ ABSL_GUARDED_BY(mutex_);
  std::vector<Disabling> kept_disablings_ ABSL_GUARDED_BY(mutex_);
  absl::Time retry_at_ ABSL_GUARDED_BY(mutex_);
  base::RelaxedCounter kept_count_;  // of updates in kept_
};

}  // namespace convoy::dispatch
