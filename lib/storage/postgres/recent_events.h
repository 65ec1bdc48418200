// Events that this opener has stored a moment ago: the claims that follow need not read them back.
// They are what a reader would get, since the row of an event is written once.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

#include "convoy/model/traffic.h"

namespace convoy::storage::postgres {

// Safe to use from any thread.
class RecentEvents {
 public:
  // A claim has come: there may be more.
  void NoteClaim() { has_claims_ = true; }
  // False for large ones, and where no claim has ever come.
  bool IsWorthKeeping(const Event& event) const;
  // Keeps it until it is taken, or until newer events fill the room (8 MiB).
  void Add(std::shared_ptr<const Event> event);
  // Null if it is not here.
  std::shared_ptr<const Event> Take(std::string_view project_id, std::string_view id);

 private:
  using Events = std::list<std::shared_ptr<const Event>>;

  void Remove(Events::iterator event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<bool> has_claims_ = false;
  absl::Mutex mutex_;
  Events events_ ABSL_GUARDED_BY(mutex_);  // oldest first
  // By the id, which is the event's own.
  absl::flat_hash_map<std::string_view, Events::iterator> by_id_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace convoy::storage::postgres
