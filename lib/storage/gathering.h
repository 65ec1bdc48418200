// Rule of how long a group of commits is let grow. After a sync, its callers come back at about the
// same time; a group that is written for the first of them costs a transaction and a sync, for
// which the others wait.
//
// Where a sync takes long, all callers share one: a group is written when the last one is durable
// and all have come back. Where it is as quick as writing is, they form two groups, and one is
// written while the other is synced.
#pragma once

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"

namespace convoy::storage {

// Not safe for several threads at once. Instants may go backwards.
class Gathering {
 public:
  void OnWriteBegin(absl::Time now) { write_began_at_ = now; }
  void OnWriteEnd(absl::Time now, size_t count) {
    if (count > 0) write_time_ = Span(write_began_at_, now) / static_cast<int64_t>(count);
  }

  void OnSyncBegin(absl::Time now, size_t count) {
    sync_began_at_ = now;
    syncing_count_ = count;
  }
  // Its callers are about to come back; `waiting_count` others wait for a later one.
  void OnSyncEnd(absl::Time now, size_t waiting_count) {
    sync_ended_at_ = now;
    sync_time_ = Span(sync_began_at_, now);
    callers_count_ = syncing_count_ + waiting_count;
    syncing_count_ = 0;
  }

  // Whether a group of `queued_count` is worth writing now: all who may come are there, but for an
  // eighth.
  bool is_complete(size_t queued_count) const {
    const size_t wanted = wanted_count();
    return queued_count >= wanted - wanted / 8;
  }

  // How much longer to wait, while no sync is under way, for those that are missing.
  absl::Duration TimeLeft(absl::Time now) const {
    const absl::Duration patience = std::min(sync_time_ / kShareOfSync, kPatienceMax);
    return std::min(sync_ended_at_ + patience - now, patience);
  }

 private:
  // Each has to wait for a sync anyway; waiting for others adds little to that.
  static constexpr int kShareOfSync = 4;
  static constexpr absl::Duration kPatienceMax = absl::Milliseconds(2);
  // Two groups are as good as one while a sync takes no longer than so many writes of a half.
  static constexpr int64_t kWritesOfSync = 3;

  static absl::Duration Span(absl::Time from, absl::Time to) {
    return std::max(to - from, absl::ZeroDuration());
  }

  size_t wanted_count() const {
    const auto half = static_cast<int64_t>(callers_count_ / 2);
    if (sync_time_ > write_time_ * half * kWritesOfSync) return callers_count_;
    if (syncing_count_ == 0) return callers_count_ / 2;
    return callers_count_ - std::min(callers_count_, syncing_count_);
  }

  absl::Time write_began_at_, sync_began_at_, sync_ended_at_ = absl::InfinitePast();
  absl::Duration write_time_, sync_time_;  // of one batch; of the last sync
  size_t callers_count_ = 0;               // about as many commit at the same time
  size_t syncing_count_ = 0;
};

}  // namespace convoy::storage
