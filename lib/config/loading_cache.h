// A bounded cache of immutable values that are loaded on first use and believed as long as their
// stamp is current. The value is loaded once however many callers want it at the same time.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace convoy::config {

// The state that a value was read at: the revisions of the instance and of its project, and the
// notice (see ChangeNotices) that had been given last before anything of it was read.
struct Stamp {
  uint64_t notice = 0;
  uint64_t instance = 0;
  uint64_t project = 0;
};

// Safe to use from any thread. No lock is held while a value is loaded or a stamp is judged.
// Failures are never kept.
template <typename T>
class LoadingCache {
 public:
  using Value = std::shared_ptr<const T>;
  struct Entry {
    Value value;
    Stamp stamp;  // read no later than the value
  };
  using IsCurrent = absl::FunctionRef<bool(const Entry&)>;
  // Loads the value anew, or finds that the outdated `known` one (null: there is none) still holds.
  using Load = absl::FunctionRef<absl::StatusOr<Entry>(const Entry* known)>;

  explicit LoadingCache(size_t entries_max) : entries_max_(entries_max) {}

  absl::StatusOr<Value> Find(std::string_view key, IsCurrent is_current, Load load) {
    // A load that others began before this call may have read what has changed since; so its result
    // is judged by its stamp like any cached value. The second one that was waited for began after
    // this call: it is current.
    bool has_waited = false;
    while (true) {
      const std::optional<Entry> cached = Peek(key);
      if (cached.has_value() && is_current(*cached)) return cached->value;
      const auto [running, is_leader] = Join(key, cached);
      if (running == nullptr) continue;  // it was loaded since the look
      if (is_leader) {
        Finish(key, load(cached.has_value() ? &*cached : nullptr), *running);
      } else {
        running->done.WaitForNotification();
      }
      if (is_leader || std::exchange(has_waited, true)) return running->result;
    }
  }

  // The value in memory, current or not; null if there is none.
  Value FindHeld(std::string_view key) {
    std::optional<Entry> cached = Peek(key);
    return cached.has_value() ? std::move(cached->value) : nullptr;
  }

  size_t size() const {
    absl::MutexLock lock(&mutex_);
    return entries_.size();
  }

 private:
  struct Running {
    absl::StatusOr<Value> result = absl::UnknownError("not loaded");  // constant once done
    absl::Notification done;
  };
  using Recency = std::list<std::pair<std::string, Entry>>;  // most recently used first

  std::optional<Entry> Peek(std::string_view key) {
    absl::MutexLock lock(&mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    recency_.splice(recency_.begin(), recency_, found->second);
    return found->second->second;
  }

  // The load that is under way, or a new one that the caller must Finish. Null if what is cached is
  // not what the caller saw (`known`) any more.
  std::pair<std::shared_ptr<Running>, bool> Join(std::string_view key,
                                                 const std::optional<Entry>& known) {
    absl::MutexLock lock(&mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      const Entry& entry = found->second->second;
      if (!known.has_value() || entry.value != known->value ||
          entry.stamp.notice != known->stamp.notice) {
        return {nullptr, false};
      }
    }
    std::shared_ptr<Running>& running = running_[key];
    const bool is_leader = running == nullptr;
    if (is_leader) running = std::make_shared<Running>();
    return {running, is_leader};
  }

  void Finish(std::string_view key, absl::StatusOr<Entry> loaded, Running& running) {
    if (loaded.ok()) {
      running.result = loaded->value;
    } else {
      running.result = loaded.status();
    }
    {
      absl::MutexLock lock(&mutex_);
      running_.erase(key);
      Forget(key);
      if (loaded.ok()) Remember(key, *std::move(loaded));
    }
    running.done.Notify();
  }

  void Forget(std::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    recency_.erase(found->second);
    entries_.erase(found);
  }

  void Remember(std::string_view key, Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    recency_.emplace_front(std::string(key), std::move(entry));
    entries_[key] = recency_.begin();
    if (entries_.size() <= entries_max_) return;
    entries_.erase(recency_.back().first);
    recency_.pop_back();
  }

  const size_t entries_max_;
  mutable absl::Mutex mutex_;
  Recency recency_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, typename Recency::iterator> entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<Running>> running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::config
