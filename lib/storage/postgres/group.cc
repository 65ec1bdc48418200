// Stretches of a group; see group.h. A stretch takes one round trip where it can be foreseen what
// becomes of it: all that is submitted is accepted, and the outcomes find their leases. The server
// is at the first statements while the rows of the next ones are made. If the answers show
// otherwise, the transaction is made again, and the stretch takes two round trips: one inserts the
// keys, applies the outcomes whose leases hold, and reads the rows that decide about the rest; the
// next one writes the new rows.
//
// A key of a row that another writer takes before this one does breaks a primary key, and the
// transaction is made again with what is there then.
#include "lib/storage/postgres/group.h"

#include <algorithm>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/failure.h"
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

}  // namespace

bool Group::RefersBack(const WriteBatch& batch) const {
  return std::any_of(
             batch.updates.begin(), batch.updates.end(),
             [&](const DeliveryUpdate& update) { return new_ids_.contains(update.delivery.id); }) ||
         std::any_of(batch.extra_deliveries.begin(), batch.extra_deliveries.end(),
                     [&](const Delivery& extra) { return new_ids_.contains(extra.event_id); });
}

absl::Status Group::Add(WriteBatch& batch, CommitResult* result) {
  if (RefersBack(batch)) CONVOY_RETURN_IF_ERROR(Write());
  for (Submission& submission : batch.submissions) {
    submissions_.push_back({&submission, result});
    new_ids_.insert(submission.event.id);
    for (const Delivery& delivery : submission.deliveries) new_ids_.insert(delivery.id);
  }
  if (RefersBack(batch)) CONVOY_RETURN_IF_ERROR(Write());
  for (Delivery& extra : batch.extra_deliveries) {
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
  QueueReads();
  connection_.Push();
  std::optional<NewRows> foreseen = Foresee();
  CONVOY_RETURN_IF_ERROR(foreseen.has_value() ? WriteForeseen(*std::move(foreseen))
                                              : WriteDecided());
  Clear();
  return absl::OkStatus();
}

absl::Status Group::WriteForeseen(NewRows rows) {
  QueueRows(kInsertEvents, rows.events);
  QueueRows(kInsertDeliveries, rows.deliveries);
  connection_.Push();
  ForeseeOutcomes();
  KeyChooser attempt_keys("attempt", "delivery");
  RowPieces attempts;
  CONVOY_RETURN_IF_ERROR(WriteUpdates(attempt_keys, attempts));
  QueueRows(kInsertAttempts, attempts);
  CONVOY_ASSIGN_OR_RETURN(std::vector<Rows> answers, connection_.Flush());
  const size_t writes_count =
      rows.events.pieces().size() + rows.deliveries.pieces().size() + attempts.pieces().size();
  answers.erase(answers.end() - static_cast<ptrdiff_t>(writes_count), answers.end());
  if (!IsAsForeseen(std::move(answers))) {
    foresight_.OnError();
    return PostgresStatus("40001", "some of a group are not as foreseen");
  }
  for (const Added<Submission>& added : submissions_) {
    added.result->submissions.push_back(SubmissionOutcome::kAccepted);
  }
  lanes_.Add(rows.lanes);
  out_stored_.Add(rows.stored);
  return absl::OkStatus();
}

absl::Status Group::WriteDecided() {
  CONVOY_ASSIGN_OR_RETURN(const Rows delivery_rows, TakeReads());
  CONVOY_ASSIGN_OR_RETURN(NewRows rows, MakeRows(DecideAll()));
  CONVOY_RETURN_IF_ERROR(AddExtras(rows));
  lanes_.Add(rows.lanes);
  out_stored_.Add(rows.stored);
  keys_->QueueRest(*names_);
  QueueRows(kInsertEvents, rows.events);
  QueueRows(kInsertDeliveries, rows.deliveries);
  // The server is at the new rows while those of outcomes are made.
  connection_.Push();
  if (!updates_.empty()) CONVOY_RETURN_IF_ERROR(TakeDeliveries(delivery_rows));
  KeyChooser attempt_keys("attempt", "delivery");
  if (is_careful_) CONVOY_RETURN_IF_ERROR(LookAtAttempts(attempt_keys));
  RowPieces attempts;
  CONVOY_RETURN_IF_ERROR(WriteUpdates(attempt_keys, attempts));
  QueueUpdates();
  QueueRows(kInsertAttempts, attempts);
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
  for (const auto& added : updates_) {
    names_->AddProject(added.item->delivery.project_id);
    names_->Add(added.item->delivery.endpoint_id);
  }
}

void Group::QueueReads() {
  std::vector<std::string_view> deliveries, events;
  for (const auto& added : updates_) deliveries.push_back(added.item->delivery.id);
  for (const Delivery* extra : extras_) events.push_back(extra->event_id);
  names_->Queue();
  keys_->Queue();
  connection_.Push();
  if (!events.empty()) connection_.Queue(kLockEvents, Params().Ints(KeysOf(events)));
  are_outcomes_queued_ = !deliveries.empty() && QueueOutcomes();
  if (!deliveries.empty() && !are_outcomes_queued_) QueueLocks(deliveries);
}

absl::StatusOr<Rows> Group::TakeReads() {
  CONVOY_ASSIGN_OR_RETURN(std::vector<Rows> answers, connection_.Flush());
  // Read from the end: what was queued before is in front of them.
  Rows delivery_rows(nullptr), event_rows(nullptr);
  const auto take_last = [&answers](Rows& rows) {
    rows = std::move(answers.back());
    answers.pop_back();
  };
  if (!updates_.empty()) take_last(delivery_rows);
  if (!extras_.empty()) take_last(event_rows);
  CONVOY_RETURN_IF_ERROR(names_->Finish(answers[answers.size() - 1 - keys_->answers_count()]));
  CONVOY_RETURN_IF_ERROR(keys_->Finish(answers, *names_));
  if (!extras_.empty()) CONVOY_RETURN_IF_ERROR(TakeEvents(event_rows));
  return delivery_rows;
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

void Group::QueueRows(std::string_view sql, const RowPieces& rows) {
  for (const Columns& piece : rows.pieces()) connection_.Queue(sql, Params().All(piece));
}

}  // namespace convoy::storage::postgres
