// New rows of a group: of submissions, as foreseen or as decided, and of deliveries that are added
// to events.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/group.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {

bool Group::IsForeseeable() {
  const bool are_outcomes_certain = updates_.empty() || are_outcomes_queued_;
  return !is_careful_ && extras_.empty() && are_outcomes_certain && keys_->are_all_different() &&
         foresight_.may_foresee() && names_->Foresee();
}

std::optional<Group::NewRows> Group::Foresee() {
  if (!IsForeseeable()) return std::nullopt;
  NewRows rows;
  for (const Added<Submission>& added : submissions_) {
    // A failure is met again when the rows are made as decided.
    if (!AddEvent(added.item->event, added.item->deliveries, rows).ok()) return std::nullopt;
  }
  return rows;
}

void Group::ForeseeOutcomes() {
  for (const auto& added : updates_) {
    NoteApplied(SplitUlid(added.item->delivery.id)->key, *added.item);  // QueueOutcomes has seen it
  }
}

bool Group::IsAsForeseen(std::vector<Rows> answers) const {
  const auto take_last = [&answers] {
    Rows rows = std::move(answers.back());
    answers.pop_back();
    return rows;
  };
  if (!updates_.empty() && static_cast<size_t>(take_last().count()) != updates_.size()) {
    return false;
  }
  if (keys_->answers_count() > 0 && !keys_->are_all_inserted(take_last())) return false;
  return names_->IsAsForeseen(take_last());
}

std::vector<SubmissionOutcome> Group::DecideAll() {
  std::vector<SubmissionOutcome> outcomes;
  for (const Added<Submission>& added : submissions_) {
    outcomes.push_back(Decide(*added.item));
    added.result->submissions.push_back(outcomes.back());
  }
  return outcomes;
}

SubmissionOutcome Group::Decide(const Submission& submission) {
  const absl::Time now = submission.event.created_at;
  if (submission.former_redelivery.has_value() &&
      keys_->IsHeld(*submission.former_redelivery, now)) {
    return SubmissionOutcome::kRedelivered;
  }
  if (submission.redelivery.has_value() && !keys_->Take(*submission.redelivery, now)) {
    return SubmissionOutcome::kRedelivered;
  }
  if (submission.dedupe.has_value() && !keys_->Take(*submission.dedupe, now)) {
    return SubmissionOutcome::kDuplicate;
  }
  return SubmissionOutcome::kAccepted;
}

absl::StatusOr<Group::NewRows> Group::MakeRows(const std::vector<SubmissionOutcome>& outcomes) {
  NewRows rows;
  if (is_careful_) CONVOY_RETURN_IF_ERROR(LookAtNewKeys(rows));
  for (size_t i = 0; i < submissions_.size(); ++i) {
    Submission& submission = *submissions_[i].item;
    if (outcomes[i] == SubmissionOutcome::kAccepted) {
      CONVOY_RETURN_IF_ERROR(AddEvent(submission.event, submission.deliveries, rows));
    } else if (outcomes[i] == SubmissionOutcome::kDuplicate) {
      // A copy: if the commit fails after this, the caller has the submission as it was.
      Submission duplicate = submission;
      MarkDuplicate(duplicate);
      CONVOY_RETURN_IF_ERROR(AddEvent(duplicate.event, {}, rows));
    }
  }
  return rows;
}

absl::Status Group::LookAtNewKeys(NewRows& rows) {
  std::vector<std::string_view> events, deliveries;
  for (const Added<Submission>& added : submissions_) {
    events.push_back(added.item->event.id);
    for (const Delivery& delivery : added.item->deliveries) deliveries.push_back(delivery.id);
  }
  for (const Delivery* extra : extras_) deliveries.push_back(extra->id);
  CONVOY_RETURN_IF_ERROR(rows.event_keys.Look(connection_, events));
  return rows.delivery_keys.Look(connection_, deliveries);
}

absl::Status Group::AddEvent(Event& event, std::span<Delivery> deliveries, NewRows& rows) {
  const int64_t project = names_->NumberOf(event.project_id);
  const absl::StatusOr<RowKey> at = rows.event_keys.Choose(event.id, project);
  if (absl::IsAlreadyExists(at.status())) return absl::OkStatus();  // with its deliveries
  CONVOY_RETURN_IF_ERROR(at.status());
  std::vector<int64_t> endpoints;
  for (const std::string& id : event.endpoint_ids) endpoints.push_back(names_->NumberOf(id));
  AddEventRow(rows.events, *at, event, project, names_->NumberOf(event.source_id),
              EncodeNumbers(endpoints));
  if (deliveries.empty()) return absl::OkStatus();
  const bool is_kept = opener_.recent_events().IsWorthKeeping(event);
  if (is_kept) rows.stored.events.push_back({.event = &event});
  for (Delivery& delivery : deliveries) {
    CONVOY_RETURN_IF_ERROR(AddDelivery(delivery, at->key, project, is_kept, rows));
  }
  return absl::OkStatus();
}

absl::Status Group::AddDelivery(Delivery& delivery, int64_t event_key, int64_t project,
                                bool is_of_kept, NewRows& rows) {
  CONVOY_ASSIGN_OR_RETURN(const RowKey at, rows.delivery_keys.Choose(delivery.id, project));
  const DeliveryNumbers numbers = {.event = event_key,
                                   .project = project,
                                   .endpoint = names_->NumberOf(delivery.endpoint_id),
                                   .subscription = names_->NumberOf(delivery.subscription_id)};
  const ClaimMark claim = is_of_kept ? ClaimEarly(delivery, at.key, rows.stored) : ClaimMark();
  AddDeliveryRow(rows.deliveries, at, delivery, numbers, claim);
  if (!IsFinal(delivery.status)) {
    const absl::Time wakes_at = claim.lease == 0 ? delivery.due_at : claim.lease_ends_at;
    rows.lanes.Wake(numbers.endpoint, project, base::ToMicros(wakes_at));
    rows.lanes.CountUnfinished(project, 1);
  }
  return absl::OkStatus();
}

ClaimMark Group::ClaimEarly(Delivery& delivery, int64_t key, StoredForClaims& stored) {
  StoredForClaims::KeptEvent& kept = stored.events.back();
  const auto place = opener_.early_claims().Reserve(delivery, kept.event->body.size());
  if (!place.has_value()) {
    kept.has_unclaimed = true;
    return {};
  }
  const uint64_t lease = opener_.NextLease();
  stored.claims.push_back({.event = stored.events.size() - 1,
                           .delivery = &delivery,
                           .key = key,
                           .lease = lease,
                           .made_at = place->made_at});
  return {.lease = lease, .lease_ends_at = place->lease_ends_at};
}

absl::Status Group::AddExtras(NewRows& rows) {
  for (Delivery* const extra : extras_) {
    const auto event = event_keys_.find(extra->event_id);
    if (event == event_keys_.end()) continue;
    CONVOY_RETURN_IF_ERROR(AddDelivery(*extra, event->second, names_->NumberOf(extra->project_id),
                                       /*is_of_kept=*/false, rows));
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage::postgres
