// Storage that remembers the groups that a commit queue writes, and that waits or fails when told
// to.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/null_storage.h"

namespace convoy::storage {

class RecordingStorage final : public testing::NullStorage {
 public:
  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    std::unique_lock lock(mutex_);
    ++entered_count;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_held_; });
    sizes.push_back(batches.size());
    changed_.notify_all();
    for (size_t i = 0; i < batches.size(); ++i) {
      results[i].submissions.assign(batches[i]->submissions.size(), SubmissionOutcome::kAccepted);
    }
    return status;
  }

  void Hold() {
    std::lock_guard lock(mutex_);
    is_held_ = true;
  }
  void Release() {
    std::lock_guard lock(mutex_);
    is_held_ = false;
    changed_.notify_all();
  }
  void AwaitEntry() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return entered_count > 0; });
  }

  absl::StatusOr<Claim> ClaimDue(const ClaimRequest&) override {
    std::lock_guard lock(mutex_);
    claims.push_back(sizes.size());
    return claim;
  }

  absl::Status Sync() override {
    std::unique_lock lock(mutex_);
    const size_t covered_count = sizes.size();
    ++syncs_entered_count;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_sync_held_; });
    synced_count = covered_count;
    return sync_status;
  }
  void HoldSync() {
    std::lock_guard lock(mutex_);
    is_sync_held_ = true;
  }
  void ReleaseSync() {
    std::lock_guard lock(mutex_);
    is_sync_held_ = false;
    changed_.notify_all();
  }
  void AwaitSyncs(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return syncs_entered_count >= count; });
  }
  void AwaitWrites(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sizes.size() >= count; });
  }
  size_t durable_count() {
    std::lock_guard lock(mutex_);
    return synced_count;
  }

  size_t written_count() {
    std::unique_lock lock(mutex_);
    return sizes.size();
  }
  int syncs_entered() {
    std::unique_lock lock(mutex_);
    return syncs_entered_count;
  }

  absl::Status status, sync_status;
  Claim claim = {.needs_sync = false};  // of every call
  std::vector<size_t> sizes;            // of groups
  std::vector<size_t> claims;           // how many groups had been written at each
  int entered_count = 0;
  int syncs_entered_count = 0;
  size_t synced_count = 0;  // groups that the last sync covered

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_held_ = false;
  bool is_sync_held_ = false;
};

inline WriteBatch BatchOf(std::string body) {
  WriteBatch batch;
  batch.submissions.push_back({.event = {.body = std::move(body)}});
  return batch;
}

inline WriteBatch OutcomesOf(size_t count) {
  WriteBatch batch;
  batch.updates.resize(count);
  return batch;
}

}  // namespace convoy::storage
