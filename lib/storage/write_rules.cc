// Rules of writes that all stores share; see write_rules.h.
#include "lib/storage/write_rules.h"

namespace convoy::storage {

absl::Status RevisionMoved() {
  return absl::AbortedError("the configuration was changed by somebody else meanwhile");
}

absl::Status ProjectNameTaken() {
  return absl::AlreadyExistsError("a project with this name already exists");
}

absl::Status MaskTaken() { return absl::AlreadyExistsError("another one has this mask already"); }

absl::Status NotHeld() { return absl::NotFoundError("held input not found"); }

bool IsFinal(DeliveryStatus status) {
  return status == DeliveryStatus::kSuccess || status == DeliveryStatus::kFailure ||
         status == DeliveryStatus::kDiscarded;
}

DeliveryStatus StatusBeforeClaim(const Delivery& delivery) {
  return delivery.attempts_count == 0 ? DeliveryStatus::kScheduled : DeliveryStatus::kRetry;
}

void MarkDuplicate(Submission& submission) {
  submission.event.is_duplicate = true;
  submission.event.status = EventStatus::kSuccess;
  submission.event.endpoint_ids.clear();
  submission.event.failure_reason.clear();
  submission.deliveries.clear();
}

uint64_t RowsOf(const Pruned& pruned) {
  return pruned.events_count + pruned.deliveries_count + pruned.attempts_count;
}

void Requeue(Delivery& delivery, absl::Time due_at) {
  delivery.status = DeliveryStatus::kScheduled;
  delivery.attempts_count = 0;
  delivery.due_at = due_at;
  delivery.description.clear();
}

}  // namespace convoy::storage
