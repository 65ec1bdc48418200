// Batches and claims on their way through a commit queue, and its threads at rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "convoy/storage.h"
#include "lib/storage/commit_queue.h"

namespace convoy::storage {

// A thread that has nothing to do now. The list that it stands in says what kind it is.
struct CommitQueue::Idle {
  absl::CondVar changed;
  std::list<Idle*>* list = nullptr;  // null: does not rest
  std::list<Idle*>::iterator position;
};

// One batch on its way. Its owner waits for `is_settled`, an asynchronous one has a `done`.
struct CommitQueue::Waiter {
  std::shared_ptr<WriteBatch> batch;  // null: a claim
  Completion done;                    // empty: its caller blocks
  CommitResult result;                // valid once written
  ClaimRequest request;
  ClaimCompletion claimed;
  absl::StatusOr<Claim> claim;  // valid once written
  bool is_urgent = false;
  bool makes_work = false;  // known when it is written
  bool is_settled = false;  // under mutex_
  Idle idle;                // under mutex_: the blocked caller

  int64_t deliveries_count() const {
    size_t count = batch->extra_deliveries.size();
    for (const Submission& submission : batch->submissions) count += submission.deliveries.size();
    return static_cast<int64_t>(count);
  }

  size_t bytes() const {
    size_t sum = 0;
    if (batch == nullptr) return sum;
    for (const Submission& submission : batch->submissions) sum += submission.event.body.size();
    for (const HeldInputWrite& hold : batch->holds) sum += hold.input.body.size();
    return sum;
  }
};

}  // namespace convoy::storage
