// Rules of writes that all stores share; see write_rules.h.
#include "lib/storage/write_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/model/codec.h"

namespace convoy::storage {

absl::Status NotHeld() { return absl::NotFoundError("held input not found"); }

absl::Status NotAnId(std::string_view id) {
  return absl::InvalidArgumentError(absl::StrCat("'", id, "' is not an id: it must be a ULID"));
}

absl::Status IdTaken(std::string_view id) {
  return absl::AlreadyExistsError(absl::StrCat("the id ", id, " is stored already"));
}

absl::Status NoKeyLeft(std::string_view id) {
  return absl::InternalError(absl::StrCat("no key is left for the id ", id));
}

absl::Status NotACursor() {
  return absl::InvalidArgumentError("the page cursor is not one that this list gave");
}

absl::Status CheckIds(const WriteBatch& batch) {
  const auto check = [](std::string_view id) {
    return SplitUlid(id).has_value() ? absl::OkStatus() : NotAnId(id);
  };
  for (const Submission& submission : batch.submissions) {
    CONVOY_RETURN_IF_ERROR(check(submission.event.id));
    for (const Delivery& delivery : submission.deliveries) {
      CONVOY_RETURN_IF_ERROR(check(delivery.id));
    }
  }
  for (const Delivery& delivery : batch.extra_deliveries) {
    CONVOY_RETURN_IF_ERROR(check(delivery.id));
  }
  for (const DeliveryUpdate& update : batch.updates) {
    if (update.attempt.has_value()) CONVOY_RETURN_IF_ERROR(check(update.attempt->id));
  }
  for (const HeldInputWrite& hold : batch.holds) CONVOY_RETURN_IF_ERROR(check(hold.input.id));
  return absl::OkStatus();
}

uint64_t HeldBytes(const HeldInput& input) {
  return input.body.size() + input.query.size() + model::EncodeHeaders(input.headers).size();
}

bool IsOver(const HeldUse& use, const HeldUse& most) {
  return (most.inputs > 0 && use.inputs > most.inputs) ||
         (most.bytes > 0 && use.bytes > most.bytes);
}

bool IsFinal(DeliveryStatus status) {
  return status == DeliveryStatus::kSuccess || status == DeliveryStatus::kFailure ||
         status == DeliveryStatus::kDiscarded;
}

DeliveryStatus StatusBeforeClaim(const Delivery& delivery) {
  return delivery.attempts_count == 0 ? DeliveryStatus::kScheduled : DeliveryStatus::kRetry;
}

bool EndClaim(Delivery& delivery) {
  if (delivery.mode == DeliveryMode::kAtLeastOnce) {
    delivery.status = StatusBeforeClaim(delivery);
    return true;
  }
  delivery.status = DeliveryStatus::kFailure;
  delivery.description = kUnknownArrival;
  return false;
}

std::optional<absl::Time> DueAfterClockStep(DeliveryStatus status, absl::Time due_at,
                                            absl::Time updated_at, absl::Time now) {
  if (status == DeliveryStatus::kScheduled && due_at > now) return now;
  if (updated_at <= now + kClockTolerance) return std::nullopt;
  return now + std::max(due_at - updated_at, absl::ZeroDuration());
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

size_t ItemsMaxOf(const ClaimRequest& request, const std::string& endpoint_id) {
  const auto found = request.items_max_of_endpoint.find(endpoint_id);
  return found == request.items_max_of_endpoint.end() ? request.items_per_endpoint_max
                                                      : found->second;
}

}  // namespace convoy::storage
