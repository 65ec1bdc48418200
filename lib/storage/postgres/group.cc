// Stretches of a group; see group.h. A stretch takes two round trips. The first one inserts the
// keys, applies the outcomes whose leases hold, and reads the rows that decide about the rest. The
// second one writes the new rows.
//
// A key of a row that another writer takes between the two breaks a primary key, and the
// transaction is made again with what is there then.
#include "lib/storage/postgres/group.h"

#include <algorithm>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

constexpr std::string_view kLockEvents =
    "SELECT e.key, e.key_shift, e.id_tail, e.project FROM unnest($1::int8[]) AS w(key) "
    "JOIN event AS e ON e.key = w.key FOR KEY SHARE OF e";
constexpr std::string_view kLockEvent =
    "SELECT e.key FROM event AS e WHERE e.key BETWEEN $1::int8 AND $1::int8 + 63 "
    "AND e.key - e.key_shift = $1::int8 AND e.id_tail = $2::int8 AND e.project = $3::int8 "
    "LIMIT 1 FOR KEY SHARE OF e";
// A delivery of the event as a claim would read it.
Delivery AsClaimed(const Delivery& delivery, const Event& event) {
  const auto stored = [](absl::Time time) { return base::FromMicros(base::ToMicros(time)); };
  Delivery claimed = delivery;
  claimed.event_id = event.id;
  claimed.event_type = event.event_type;
  claimed.idempotency_key = event.idempotency_key;
  claimed.status = DeliveryStatus::kProcessing;
  claimed.due_at = stored(delivery.due_at);
  claimed.created_at = stored(delivery.created_at);
  claimed.updated_at = stored(delivery.updated_at);
  return claimed;
}

}  // namespace

bool Group::RefersBack(const WriteBatch& batch) const {
  return std::any_of(
             batch.updates.begin(), batch.updates.end(),
             [&](const DeliveryUpdate& update) { return new_ids_.contains(update.delivery.id); }) ||
         std::any_of(batch.extra_deliveries.begin(), batch.extra_deliveries.end(),
                     [&](const Delivery& extra) { return new_ids_.contains(extra.event_id); });
}

absl::Status Group::Add(const WriteBatch& batch, CommitResult* result) {
  if (RefersBack(batch)) CONVOY_RETURN_IF_ERROR(Write());
  for (const Submission& submission : batch.submissions) {
    submissions_.push_back({&submission, result});
    new_ids_.insert(submission.event.id);
    for (const Delivery& delivery : submission.deliveries) new_ids_.insert(delivery.id);
  }
  if (RefersBack(batch)) CONVOY_RETURN_IF_ERROR(Write());
  for (const Delivery& extra : batch.extra_deliveries) {
    extras_.push_back(&extra);
    new_ids_.insert(extra.id);
  }
  if (RefersBack(batch)) CONVOY_RETURN_IF_ERROR(Write());
  for (const DeliveryUpdate& update : batch.updates) updates_.push_back({&update, result});
  return absl::OkStatus();
}

void Group::Clear() {
  submissions_.clear();
  extras_.clear();
  updates_.clear();
  new_ids_.clear();
  keys_.reset();
  delivery_rows_.clear();
  event_keys_.clear();
}

absl::Status Group::Write() {
  if (is_empty()) return absl::OkStatus();
  names_.emplace(&connection_);
  keys_.emplace(&connection_);
  AddNames();
  CONVOY_RETURN_IF_ERROR(Read());
  Tables tables;
  if (is_careful_) CONVOY_RETURN_IF_ERROR(LookAtKeys(tables));
  CONVOY_RETURN_IF_ERROR(WriteSubmissions(tables));
  CONVOY_RETURN_IF_ERROR(WriteExtras(tables));
  // The server is at the new rows while those of outcomes are made.
  keys_->QueueRest(*names_);
  QueueRows(kInsertEvents, tables.events);
  QueueRows(kInsertDeliveries, tables.deliveries);
  CONVOY_RETURN_IF_ERROR(WriteUpdates(tables));
  QueueUpdates();
  QueueRows(kInsertAttempts, tables.attempts);
  Clear();
  return absl::OkStatus();
}

void Group::AddKey(const std::optional<DedupeKey>& key) {
  if (!key.has_value()) return;
  names_->AddProject(key->scope);
  keys_->Add(*key);
}

void Group::AddNames() {
  const auto add_delivery = [&](const Delivery& delivery) {
    names_->Add(delivery.endpoint_id);
    names_->Add(delivery.subscription_id);
  };
  for (const Added<Submission>& added : submissions_) {
    const Event& event = added.item->event;
    names_->AddProject(event.project_id);
    names_->Add(event.source_id);
    for (const std::string& id : event.endpoint_ids) names_->Add(id);
    for (const Delivery& delivery : added.item->deliveries) add_delivery(delivery);
    AddKey(added.item->dedupe);
    AddKey(added.item->redelivery);
    if (const auto& former = added.item->former_redelivery; former.has_value()) {
      names_->AddProject(former->scope);
      keys_->AddToRead(*former);
    }
  }
  for (const Delivery* extra : extras_) {
    names_->AddProject(extra->project_id);
    add_delivery(*extra);
  }
  for (const Added<DeliveryUpdate>& added : updates_) {
    names_->AddProject(added.item->delivery.project_id);
  }
}

absl::Status Group::Read() {
  std::vector<std::string_view> deliveries, events;
  for (const Added<DeliveryUpdate>& added : updates_) deliveries.push_back(added.item->delivery.id);
  for (const Delivery* extra : extras_) events.push_back(extra->event_id);
  names_->Queue();
  keys_->Queue();
  if (!events.empty()) connection_.Queue(kLockEvents, Params().Ints(KeysOf(events)));
  const bool is_applied = !deliveries.empty() && QueueOutcomes();
  if (!deliveries.empty() && !is_applied) {
    QueueLocks(deliveries);
  }
  CONVOY_ASSIGN_OR_RETURN(std::vector<Rows> answers, connection_.Flush());
  // Read from the end: what was queued before is in front of them.
  Rows delivery_rows(nullptr), event_rows(nullptr);
  const auto take_last = [&answers](Rows& rows) {
    rows = std::move(answers.back());
    answers.pop_back();
  };
  if (!deliveries.empty()) take_last(delivery_rows);
  if (!events.empty()) take_last(event_rows);
  CONVOY_RETURN_IF_ERROR(names_->Finish(answers[answers.size() - 1 - keys_->answers_count()]));
  CONVOY_RETURN_IF_ERROR(keys_->Finish(answers, *names_));
  if (!events.empty()) CONVOY_RETURN_IF_ERROR(TakeEvents(event_rows));
  if (deliveries.empty()) return absl::OkStatus();
  return is_applied ? TakeOutcomes(delivery_rows) : TakeDeliveries(delivery_rows);
}

absl::Status Group::TakeEvents(const Rows& rows) {
  std::set<std::pair<std::string, int64_t>> found;
  for (int i = 0; i < rows.count(); ++i) {
    const Row row(&rows, i);
    std::string id = IdAt(row, 0);
    found.emplace(id, row.IntAt(3));
    if (row.IntAt(1) == 0) event_keys_[std::move(id)] = row.IntAt(0);
  }
  for (const Delivery* extra : extras_) {
    const int64_t project = names_->NumberOf(extra->project_id);
    if (event_keys_.contains(extra->event_id) && found.contains({extra->event_id, project})) {
      continue;
    }
    event_keys_.erase(extra->event_id);
    const std::optional<UlidParts> parts = SplitUlid(extra->event_id);
    if (!parts.has_value()) continue;
    CONVOY_ASSIGN_OR_RETURN(
        const Rows shifted,
        connection_.Run(kLockEvent, Params().Int(parts->key).Int(parts->tail).Int(project)));
    if (shifted.count() > 0) event_keys_[extra->event_id] = shifted.IntAt(0, 0);
  }
  return absl::OkStatus();
}

absl::Status Group::LookAtKeys(Tables& tables) {
  std::vector<std::string_view> events, deliveries, attempts;
  for (const Added<Submission>& added : submissions_) {
    events.push_back(added.item->event.id);
    for (const Delivery& delivery : added.item->deliveries) deliveries.push_back(delivery.id);
  }
  for (const Delivery* extra : extras_) deliveries.push_back(extra->id);
  for (const Added<DeliveryUpdate>& added : updates_) {
    if (added.item->attempt.has_value()) attempts.push_back(added.item->attempt->id);
  }
  CONVOY_RETURN_IF_ERROR(tables.event_keys.Look(connection_, events));
  CONVOY_RETURN_IF_ERROR(tables.delivery_keys.Look(connection_, deliveries));
  return tables.attempt_keys.Look(connection_, attempts);
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

absl::Status Group::WriteSubmissions(Tables& tables) {
  for (const Added<Submission>& added : submissions_) {
    const SubmissionOutcome outcome = Decide(*added.item);
    added.result->submissions.push_back(outcome);
    if (outcome == SubmissionOutcome::kAccepted) {
      CONVOY_RETURN_IF_ERROR(WriteEvent(added.item->event, added.item->deliveries, tables));
    } else if (outcome == SubmissionOutcome::kDuplicate) {
      // A copy: if the commit fails after this, the caller has the submission as it was.
      Submission duplicate = *added.item;
      MarkDuplicate(duplicate);
      CONVOY_RETURN_IF_ERROR(WriteEvent(duplicate.event, {}, tables));
    }
  }
  return absl::OkStatus();
}

absl::Status Group::WriteEvent(const Event& event, const std::vector<Delivery>& deliveries,
                               Tables& tables) {
  const int64_t project = names_->NumberOf(event.project_id);
  const absl::StatusOr<RowKey> at = tables.event_keys.Choose(event.id, project);
  if (absl::IsAlreadyExists(at.status())) return absl::OkStatus();  // with its deliveries
  CONVOY_RETURN_IF_ERROR(at.status());
  std::vector<int64_t> endpoints;
  for (const std::string& id : event.endpoint_ids) endpoints.push_back(names_->NumberOf(id));
  AddEvent(tables.events, *at, event, project, names_->NumberOf(event.source_id),
           EncodeNumbers(endpoints));
  if (deliveries.empty()) return absl::OkStatus();
  const bool is_kept = opener_.recent_events().IsWorthKeeping(event);
  const std::shared_ptr<const Event> stored = is_kept ? AsStored(event) : nullptr;
  bool is_all_claimed = true;
  for (const Delivery& delivery : deliveries) {
    CONVOY_ASSIGN_OR_RETURN(const bool is_claimed,
                            WriteDelivery(delivery, at->key, project, stored, tables));
    is_all_claimed = is_all_claimed && is_claimed;
  }
  if (is_kept && !is_all_claimed) out_stored_.events.push_back(stored);
  return absl::OkStatus();
}

absl::StatusOr<bool> Group::WriteDelivery(const Delivery& delivery, int64_t event_key,
                                          int64_t project,
                                          const std::shared_ptr<const Event>& event,
                                          Tables& tables) {
  CONVOY_ASSIGN_OR_RETURN(const RowKey at, tables.delivery_keys.Choose(delivery.id, project));
  const DeliveryNumbers numbers = {.event = event_key,
                                   .project = project,
                                   .endpoint = names_->NumberOf(delivery.endpoint_id),
                                   .subscription = names_->NumberOf(delivery.subscription_id)};
  ClaimMark claim;
  if (event != nullptr) {
    if (const auto place = opener_.early_claims().Reserve(delivery, event->body.size())) {
      claim = {.lease = opener_.NextLease(), .lease_ends_at = place->lease_ends_at};
      out_stored_.claims.push_back(
          {.key = at.key,
           .made_at = place->made_at,
           .claimed = {
               .lease = claim.lease, .delivery = AsClaimed(delivery, *event), .event = event}});
    }
  }
  AddDelivery(tables.deliveries, at, delivery, numbers, claim);
  if (!IsFinal(delivery.status)) {
    const absl::Time wakes_at = claim.lease == 0 ? delivery.due_at : claim.lease_ends_at;
    lanes_.Wake(numbers.endpoint, project, base::ToMicros(wakes_at));
    lanes_.CountUnfinished(project, 1);
  }
  return claim.lease != 0;
}

absl::Status Group::WriteExtras(Tables& tables) {
  for (const Delivery* extra : extras_) {
    const auto event = event_keys_.find(extra->event_id);
    if (event == event_keys_.end()) continue;
    CONVOY_RETURN_IF_ERROR(
        WriteDelivery(*extra, event->second, names_->NumberOf(extra->project_id), nullptr, tables)
            .status());
  }
  return absl::OkStatus();
}

void Group::QueueRows(std::string_view sql, const RowPieces& rows) {
  for (const Columns& piece : rows.pieces()) connection_.Queue(sql, Params().All(piece));
}

}  // namespace convoy::storage::postgres
