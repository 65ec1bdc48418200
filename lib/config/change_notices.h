// Notices of changes of configuration: with them a request that is served from memory need not ask
// the store whether that memory is current.
//
// Changes of this process are told. For those of other openers the store is asked for its
// generation, at most once in an interval: one request pays for that, others go on meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/storage.h"

namespace convoy::config {

// Safe to use from any thread. Storage and clock must outlive it.
class ChangeNotices {
 public:
  // Without a clock the store is asked each time.
  ChangeNotices(Storage* storage, Clock* clock) : storage_(*storage), clock_(clock) {}

  // Asks the store if it is time to. An error is the store's: then nothing may be believed.
  absl::Status Look() ABSL_LOCKS_EXCLUDED(mutex_);

  // This process has changed something in the scope.
  void Tell(std::string_view scope) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same where the scope is not known.
  void TellAll() ABSL_LOCKS_EXCLUDED(mutex_);

  // The notice that was given last.
  uint64_t last() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether what was read of the scopes when `notice` was the last one may still be believed.
  bool Holds(uint64_t notice, std::string_view scope, std::string_view other_scope) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool ShouldLook(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Storage& storage_;
  Clock* const clock_;

  mutable absl::Mutex mutex_;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t all_at_ ABSL_GUARDED_BY(mutex_) = 1;  // the last notice of everything
  // The last notice of each scope that had one since. Bounded.
  absl::flat_hash_map<std::string, uint64_t> scopes_at_ ABSL_GUARDED_BY(mutex_);
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time asked_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time answered_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();  // asked and answered
};

}  // namespace convoy::config
