// Writer of batches. One transaction holds a whole group of batches; one that is refused is undone
// by a savepoint and does not affect its neighbours.
//
// Failure: until COMMIT is called, a failure is rolled back and nothing was written. If COMMIT
// itself fails for another reason than a lack of space or a busy file, it is unknown what reached
// the disk: the writer is poisoned and every later write returns kDataLoss until the store is
// opened again.
#include "lib/storage/sqlite/writer.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include <sqlite3.h>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/config_rows.h"
#include "lib/storage/sqlite/dedupe_keys.h"
#include "lib/storage/sqlite/rows.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// A claim reads a body of this size in a millisecond or more, in which nothing is written.
constexpr size_t kLargeBodyBytes = 256 * 1024;
// Of bodies that are kept for the next claim.
constexpr size_t kKeptBytesMax = 16 * 1024 * 1024;

bool IsRefusal(const absl::Status& status) {
  return absl::IsAborted(status) || absl::IsAlreadyExists(status) || absl::IsNotFound(status) ||
         absl::IsInvalidArgument(status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(std::unique_ptr<Connection> connection,
                                                     LogSync* log, LogKeeper* keeper,
                                                     Poison* poison) {
  auto writer = absl::WrapUnique(new Writer(std::move(connection), log, keeper, poison));
  absl::MutexLock lock(&writer->mutex_);
  CONVOY_RETURN_IF_ERROR(writer->transactions_.SetUp());
  CONVOY_RETURN_IF_ERROR(writer->Register());
  CONVOY_RETURN_IF_ERROR(writer->ReleaseDead());
  return writer;
}

absl::Status Writer::Run(absl::FunctionRef<absl::Status()> body) {
  CONVOY_RETURN_IF_ERROR(transactions_.Begin());
  return transactions_.End(body());
}

absl::Status Writer::Write(std::span<WriteBatch* const> batches, std::span<CommitResult> results) {
  absl::MutexLock lock(&mutex_);
  large_events_.clear();
  CONVOY_RETURN_IF_ERROR(
      Run([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ApplyAll(batches, results); }));
  KeepBodies(batches);
  log_.NoteOwed();
  transactions_.CheckpointIfLong();
  return absl::OkStatus();
}

void Writer::KeepBodies(std::span<WriteBatch* const> batches) {
  if (large_events_.empty()) return;
  size_t kept_bytes = 0;
  for (const auto& [key, kept] : kept_bodies_) kept_bytes += kept.body.size();
  for (WriteBatch* const batch : batches) {
    for (Submission& submission : batch->submissions) {
      const auto found = large_events_.find(&submission.event);
      if (found == large_events_.end()) continue;
      Event& event = submission.event;
      kept_bytes += event.body.size();
      if (kept_bytes > kKeptBytesMax) return;
      kept_bodies_[found->second] = {.event_id = event.id, .body = std::move(event.body)};
    }
  }
}

absl::Status Writer::ApplyAll(std::span<WriteBatch* const> batches,
                              std::span<CommitResult> results) {
  Lanes lanes;
  for (size_t i = 0; i < batches.size(); ++i) {
    CONVOY_RETURN_IF_ERROR(Apply(*batches[i], results[i], lanes));
  }
  return WriteLanes(lanes);
}

absl::Status Writer::Apply(const WriteBatch& batch, CommitResult& result, Lanes& lanes) {
  result.status = CheckIds(batch);
  if (!result.status.ok()) return absl::OkStatus();
  if (!batch.config.empty() || !batch.releases.empty()) {
    CONVOY_RETURN_IF_ERROR(ApplyRefusable(batch, result));
    if (!result.status.ok()) return absl::OkStatus();
  }
  for (const Submission& submission : batch.submissions) {
    CONVOY_RETURN_IF_ERROR(ApplySubmission(submission, result, lanes));
  }
  for (const Delivery& delivery : batch.extra_deliveries) {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<EventRow> event,
                            FindEvent(*connection_, delivery.project_id, delivery.event_id));
    if (event.has_value()) CONVOY_RETURN_IF_ERROR(AddDelivery(delivery, *event, lanes));
  }
  for (const DeliveryUpdate& update : batch.updates) {
    CONVOY_RETURN_IF_ERROR(ApplyUpdate(update, result, lanes));
  }
  for (const DeliveryRequeue& requeue : batch.requeues) {
    CONVOY_RETURN_IF_ERROR(ApplyRequeue(requeue, result, lanes));
  }
  for (const HeldInputWrite& hold : batch.holds)
    CONVOY_RETURN_IF_ERROR(WriteHeldInput(hold, result));
  return absl::OkStatus();
}

// Releases and configuration come first in a batch and are all that can be refused, so the
// savepoint ends here.
absl::Status Writer::ApplyRefusable(const WriteBatch& batch, CommitResult& result) {
  CONVOY_RETURN_IF_ERROR(connection_->Prepare("SAVEPOINT batch").Run());
  absl::Status status = ApplyReleases(batch);
  ConfigRows rows(*connection_);
  if (status.ok()) status = ApplyConfig(rows, batch.config);
  if (status.ok()) status = OpenLanes(batch.config);
  if (!status.ok() && !IsRefusal(status)) return status;
  if (!status.ok()) {
    result.status = status;
    CONVOY_RETURN_IF_ERROR(connection_->Prepare("ROLLBACK TO batch").Run());
    connection_->names().ForgetNumbers();
  }
  return connection_->Prepare("RELEASE batch").Run();
}

absl::Status Writer::ApplySubmission(const Submission& submission, CommitResult& result,
                                     Lanes& lanes) {
  CONVOY_ASSIGN_OR_RETURN(const bool is_first,
                          TakeRedelivery(submission.redelivery, submission.former_redelivery,
                                         submission.event.created_at));
  if (!is_first) {
    result.submissions.push_back(SubmissionOutcome::kRedelivered);
    return absl::OkStatus();
  }
  if (submission.dedupe.has_value()) {
    CONVOY_ASSIGN_OR_RETURN(const bool is_new,
                            TakeKey(*submission.dedupe, submission.event.created_at));
    if (!is_new) {
      // A copy: if the commit fails after this, the caller has the submission as it was.
      Submission duplicate = submission;
      MarkDuplicate(duplicate);
      result.submissions.push_back(SubmissionOutcome::kDuplicate);
      return AddEvent(duplicate, lanes);
    }
  }
  result.submissions.push_back(SubmissionOutcome::kAccepted);
  return AddEvent(submission, lanes);
}

absl::Status Writer::AddEvent(const Submission& submission, Lanes& lanes) {
  const absl::StatusOr<EventRow> event = InsertEvent(*connection_, submission.event);
  if (absl::IsAlreadyExists(event.status())) return absl::OkStatus();  // with its deliveries
  CONVOY_RETURN_IF_ERROR(event.status());
  if (submission.event.body.size() >= kLargeBodyBytes && !submission.deliveries.empty()) {
    large_events_.emplace(&submission.event, event->key);
  }
  for (const Delivery& delivery : submission.deliveries) {
    CONVOY_RETURN_IF_ERROR(AddDelivery(delivery, *event, lanes));
  }
  return absl::OkStatus();
}

absl::StatusOr<DedupeRow> Writer::RowOf(const DedupeKey& key) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, InternName(*connection_, key.scope));
  return DedupeRow{
      .project = project, .hash = HashOf(key.key), .expires_at_us = base::ToMicros(key.expires_at)};
}

absl::StatusOr<bool> Writer::TakeKey(const DedupeKey& key, absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const DedupeRow row, RowOf(key));
  // A key that is taken over counts as expired.
  if (key.is_taken_over) now = absl::InfiniteFuture();
  return storage::TakeKey(*connection_, row, base::ToMicros(now));
}

absl::StatusOr<bool> Writer::TakeRedelivery(const std::optional<DedupeKey>& key,
                                            const std::optional<DedupeKey>& former_key,
                                            absl::Time now) {
  if (former_key.has_value()) {
    CONVOY_ASSIGN_OR_RETURN(const DedupeRow row, RowOf(*former_key));
    CONVOY_ASSIGN_OR_RETURN(const bool is_held, IsKeyHeld(*connection_, row, base::ToMicros(now)));
    if (is_held) return false;
  }
  if (!key.has_value()) return true;
  return TakeKey(*key, now);
}

absl::Status Writer::AddDelivery(const Delivery& delivery, const EventRow& event, Lanes& lanes) {
  CONVOY_ASSIGN_OR_RETURN(const DeliveryRow row, InsertDelivery(*connection_, delivery, event));
  if (IsFinal(delivery.status)) return absl::OkStatus();
  ++lanes.backlogs[row.project];
  Wake(lanes, row, base::ToMicros(delivery.due_at));
  return absl::OkStatus();
}

absl::Status Writer::ApplyUpdate(const DeliveryUpdate& update, CommitResult& result, Lanes& lanes) {
  const Delivery& delivery = update.delivery;
  CONVOY_ASSIGN_OR_RETURN(std::optional<DeliveryRow> row, TakeClaimed(update));
  bool is_applied = row.has_value();
  if (!is_applied) {
    CONVOY_ASSIGN_OR_RETURN(row, FindDelivery(*connection_, delivery.project_id, delivery.id));
    if (row.has_value()) {
      CONVOY_ASSIGN_OR_RETURN(is_applied, WriteOutcome(row->key, update));
    }
  }
  result.updates_applied.push_back(is_applied);
  if (!row.has_value()) return absl::OkStatus();  // it has gone, with its event or its project
  if (update.attempt.has_value()) {
    CONVOY_RETURN_IF_ERROR(InsertAttempt(*connection_, *update.attempt, row->key));
  }
  if (!is_applied) return absl::OkStatus();
  Count(lanes, row->project, row->status, delivery.status);
  lanes.changed.insert(row->endpoint);
  if (update.lateness > absl::ZeroDuration()) {
    Late& late = lanes.late[row->endpoint];
    late = {.by = late.by + update.lateness, .as_of = std::max(late.as_of, delivery.updated_at)};
  }
  if (!IsFinal(delivery.status)) Wake(lanes, *row, base::ToMicros(delivery.due_at));
  return absl::OkStatus();
}

// The row of a claim of this opener, its outcome written; nullopt if that is not known of it.
absl::StatusOr<std::optional<DeliveryRow>> Writer::TakeClaimed(const DeliveryUpdate& update) {
  std::optional<DeliveryRow> row = claimed_.Take(update.lease);
  if (!row.has_value()) return row;
  // The project may have been removed since.
  CONVOY_ASSIGN_OR_RETURN(const int64_t project,
                          FindName(*connection_, update.delivery.project_id));
  if (project != row->project) return std::nullopt;
  CONVOY_ASSIGN_OR_RETURN(const bool is_applied, WriteOutcome(row->key, update));
  if (!is_applied) row.reset();
  return row;
}

// False if the delivery is no longer claimed by that lease.
absl::StatusOr<bool> Writer::WriteOutcome(int64_t key, const DeliveryUpdate& update) {
  const Delivery& delivery = update.delivery;
  const int64_t due_at_us = base::ToMicros(delivery.due_at);
  CONVOY_RETURN_IF_ERROR(
      connection_
          ->Prepare(
              "UPDATE delivery SET status = ?, attempts_count = ?, due_at_us = ?, description = ?, "
              "latency_us = ?, updated_at_us = ?, lease = 0, wake_at_us = ? WHERE key = ? AND "
              "lease = ?")
          .Int(static_cast<int64_t>(delivery.status))
          .Int(delivery.attempts_count)
          .Int(due_at_us)
          .Text(delivery.description)
          .Int(absl::ToInt64Microseconds(delivery.latency))
          .Int(base::ToMicros(delivery.updated_at))
          .Int(due_at_us)
          .Int(key)
          .Int(static_cast<int64_t>(update.lease))
          .Run());
  return connection_->changes_count() > 0;
}

absl::Status Writer::ApplyRequeue(const DeliveryRequeue& requeue, CommitResult& result,
                                  Lanes& lanes) {
  CONVOY_ASSIGN_OR_RETURN(const std::optional<DeliveryRow> row,
                          FindDelivery(*connection_, requeue.project_id, requeue.delivery_id));
  const bool is_eligible = row.has_value() && std::find(requeue.from.begin(), requeue.from.end(),
                                                        row->status) != requeue.from.end();
  result.requeues_applied.push_back(is_eligible);
  if (!is_eligible) return absl::OkStatus();
  const int64_t due_at_us = base::ToMicros(requeue.due_at);
  Count(lanes, row->project, row->status, DeliveryStatus::kScheduled);
  Wake(lanes, *row, due_at_us);
  lanes.changed.insert(row->endpoint);
  return connection_
      ->Prepare(
          "UPDATE delivery SET status = 0, attempts_count = 0, description = '', due_at_us = ?, "
          "wake_at_us = ?, lease = 0 WHERE key = ?")
      .Int(due_at_us)
      .Int(due_at_us)
      .Int(row->key)
      .Run();
}

absl::Status Writer::CheckWritable() {
  absl::MutexLock lock(&mutex_);
  return transactions_.CheckWritable();
}

}  // namespace convoy::storage
