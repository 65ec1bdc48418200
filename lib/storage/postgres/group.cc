// Stretches of a group; see group.h. What is stored is read in one round trip, everything is
// decided here, and what follows from it is sent in another.
//
// A key that another writer takes between the two breaks a primary key, and the transaction is made
// again with what is there then.
#include "lib/storage/postgres/group.h"

#include <algorithm>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/key_hash.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

constexpr std::string_view kLockDeliveries =
    "SELECT d.key, d.key_shift, d.id_tail, d.event, d.project, d.endpoint, d.status, d.lease "
    "FROM unnest($1::int8[]) AS w(key) JOIN delivery AS d ON d.key = w.key FOR UPDATE OF d";
constexpr std::string_view kLockDelivery =
    "SELECT d.key, d.key_shift, d.id_tail, d.event, d.project, d.endpoint, d.status, d.lease "
    "FROM delivery AS d WHERE d.key BETWEEN $1::int8 AND $1::int8 + 63 "
    "AND d.key - d.key_shift = $1::int8 AND d.id_tail = $2::int8 AND d.project = $3::int8 "
    "LIMIT 1 FOR UPDATE OF d";
constexpr std::string_view kLockEvents =
    "SELECT e.key, e.key_shift, e.id_tail, e.project FROM unnest($1::int8[]) AS w(key) "
    "JOIN event AS e ON e.key = w.key FOR KEY SHARE OF e";
constexpr std::string_view kLockEvent =
    "SELECT e.key FROM event AS e WHERE e.key BETWEEN $1::int8 AND $1::int8 + 63 "
    "AND e.key - e.key_shift = $1::int8 AND e.id_tail = $2::int8 AND e.project = $3::int8 "
    "LIMIT 1 FOR KEY SHARE OF e";
// Keys are looked up in a subquery each, which is planned by itself: of a join with tables that are
// empty as yet the planner may look up the project alone, and go through all of its keys.
constexpr std::string_view kLockKeys =
    "SELECT w.n, k.expires_at_us FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY "
    "AS w(scope, hash, n) JOIN name AS p ON p.id = w.scope CROSS JOIN LATERAL (SELECT "
    "r.expires_at_us FROM dedupe_key AS r WHERE r.project = p.number AND r.hash = w.hash LIMIT 1 "
    "FOR UPDATE) AS k";
constexpr std::string_view kInsertKeys =
    "INSERT INTO dedupe_key (project, hash, expires_at_us) SELECT * FROM "
    "unnest($1::int8[], $2::bytea[], $3::int8[])";
constexpr std::string_view kRenewKeys =
    "UPDATE dedupe_key AS k SET expires_at_us = f.expires_at_us FROM (SELECT w.expires_at_us, "
    "(SELECT r.ctid FROM dedupe_key AS r WHERE r.project = w.project AND r.hash = w.hash LIMIT 1) "
    "AS place FROM unnest($1::int8[], $2::bytea[], $3::int8[]) AS w(project, hash, "
    "expires_at_us)) AS f WHERE k.ctid = f.place";
constexpr std::string_view kUpdateDeliveries =
    "UPDATE delivery AS d SET status = w.status, attempts_count = w.attempts_count, due_at_us = "
    "w.due_at_us, description = w.description, latency_us = w.latency_us, updated_at_us = "
    "w.updated_at_us, lease = 0, wake_at_us = w.due_at_us FROM unnest($1::int8[], $2::int8[], "
    "$3::int8[], $4::int8[], $5::bytea[], $6::int8[], $7::int8[]) AS w(key, status, "
    "attempts_count, due_at_us, description, latency_us, updated_at_us) WHERE d.key = w.key";

DeliveryRow DeliveryRowAt(const Row& row) {
  return {.key = row.IntAt(0),
          .event = row.IntAt(3),
          .project = row.IntAt(4),
          .endpoint = row.IntAt(5),
          .status = static_cast<DeliveryStatus>(row.IntAt(6)),
          .lease = static_cast<uint64_t>(row.IntAt(7))};
}

// Keys of ids, ascending, each once.
template <typename Ids>
std::vector<int64_t> KeysOf(const Ids& ids) {
  std::vector<int64_t> keys;
  for (const std::string_view id : ids) {
    if (const auto parts = SplitUlid(id)) keys.push_back(parts->key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

absl::StatusOr<std::optional<DeliveryRow>> LockShifted(Connection& connection,
                                                       const UlidParts& parts, int64_t project) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run(kLockDelivery, Params().Int(parts.key).Int(parts.tail).Int(project)));
  if (rows.count() == 0) return std::nullopt;
  return DeliveryRowAt(Row(&rows, 0));
}

}  // namespace

std::string HashText(std::string_view key) {
  const KeyHash hash = HashOf(key);
  return std::string(hash.data(), hash.size());
}

absl::StatusOr<std::optional<DeliveryRow>> LockDelivery(Connection& connection,
                                                        std::string_view project_id,
                                                        std::string_view id) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return std::nullopt;
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, project_id));
  return LockShifted(connection, *parts, project);
}

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
  key_names_.clear();
  keys_.clear();
  delivery_rows_.clear();
  event_keys_.clear();
}

absl::Status Group::Write() {
  if (is_empty()) return absl::OkStatus();
  names_.emplace(&connection_);
  AddNames();
  CONVOY_RETURN_IF_ERROR(Read());
  Tables tables;
  if (is_careful_) CONVOY_RETURN_IF_ERROR(LookAtKeys(tables));
  CONVOY_RETURN_IF_ERROR(WriteSubmissions(tables));
  CONVOY_RETURN_IF_ERROR(WriteExtras(tables));
  CONVOY_RETURN_IF_ERROR(WriteUpdates(tables));
  QueueAll(tables);
  Clear();
  return absl::OkStatus();
}

void Group::AddKeyName(const std::optional<DedupeKey>& key) {
  if (!key.has_value()) return;
  names_->AddProject(key->scope);
  key_names_.emplace_back(key->scope, HashText(key->key));
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
    AddKeyName(added.item->dedupe);
    AddKeyName(added.item->redelivery);
    AddKeyName(added.item->former_redelivery);
  }
  for (const Delivery* extra : extras_) {
    names_->AddProject(extra->project_id);
    add_delivery(*extra);
  }
  for (const Added<DeliveryUpdate>& added : updates_) {
    names_->AddProject(added.item->delivery.project_id);
  }
  // In one order for all writers.
  std::sort(key_names_.begin(), key_names_.end());
  key_names_.erase(std::unique(key_names_.begin(), key_names_.end()), key_names_.end());
}

void Group::QueueKeys() {
  std::vector<std::string> scopes, hashes;
  for (const KeyName& name : key_names_) {
    scopes.push_back(name.first);
    hashes.push_back(name.second);
  }
  connection_.Queue(kLockKeys, Params().Texts(scopes).Texts(hashes));
}

absl::Status Group::Read() {
  std::vector<std::string_view> deliveries, events;
  for (const Added<DeliveryUpdate>& added : updates_) deliveries.push_back(added.item->delivery.id);
  for (const Delivery* extra : extras_) events.push_back(extra->event_id);
  names_->Queue();
  if (!key_names_.empty()) QueueKeys();
  if (!events.empty()) connection_.Queue(kLockEvents, Params().Ints(KeysOf(events)));
  if (!deliveries.empty()) connection_.Queue(kLockDeliveries, Params().Ints(KeysOf(deliveries)));
  CONVOY_ASSIGN_OR_RETURN(std::vector<Rows> answers, connection_.Flush());
  // Read from the end: what was queued before is in front of them.
  Rows delivery_rows(nullptr), event_rows(nullptr), key_rows(nullptr);
  const auto take_last = [&answers](Rows& rows) {
    rows = std::move(answers.back());
    answers.pop_back();
  };
  if (!deliveries.empty()) take_last(delivery_rows);
  if (!events.empty()) take_last(event_rows);
  if (!key_names_.empty()) take_last(key_rows);
  CONVOY_RETURN_IF_ERROR(names_->Finish(answers.back()));
  if (!key_names_.empty()) TakeKeys(key_rows);
  if (!events.empty()) CONVOY_RETURN_IF_ERROR(TakeEvents(event_rows));
  if (!deliveries.empty()) CONVOY_RETURN_IF_ERROR(TakeDeliveries(delivery_rows));
  return absl::OkStatus();
}

void Group::TakeKeys(const Rows& rows) {
  for (const KeyName& name : key_names_) keys_[name] = {};
  for (int i = 0; i < rows.count(); ++i) {
    KeyState& state = keys_[key_names_[static_cast<size_t>(rows.IntAt(i, 0) - 1)]];
    state = {.is_stored = true, .expires_at_us = rows.IntAt(i, 1)};
  }
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

absl::Status Group::TakeDeliveries(const Rows& rows) {
  for (int i = 0; i < rows.count(); ++i) {
    const Row row(&rows, i);
    if (row.IntAt(1) == 0) delivery_rows_[IdAt(row, 0)] = {.row = DeliveryRowAt(row)};
  }
  for (const Added<DeliveryUpdate>& added : updates_) {
    const Delivery& delivery = added.item->delivery;
    const int64_t project = names_->NumberOf(delivery.project_id);
    const auto found = delivery_rows_.find(delivery.id);
    if (found != delivery_rows_.end() && found->second.row.project == project) continue;
    // It has gone, or its key is shifted.
    if (found != delivery_rows_.end()) delivery_rows_.erase(found);
    const std::optional<UlidParts> parts = SplitUlid(delivery.id);
    if (!parts.has_value()) continue;
    CONVOY_ASSIGN_OR_RETURN(const std::optional<DeliveryRow> shifted,
                            LockShifted(connection_, *parts, project));
    if (shifted.has_value()) delivery_rows_[delivery.id] = {.row = *shifted};
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

bool Group::IsHeld(const DedupeKey& key, int64_t now_us) {
  const KeyState& state = keys_[{key.scope, HashText(key.key)}];
  return (state.is_stored || state.is_written) && state.expires_at_us > now_us;
}

bool Group::Take(const DedupeKey& key, absl::Time now) {
  if (!key.is_taken_over && IsHeld(key, base::ToMicros(now))) return false;
  KeyState& state = keys_[{key.scope, HashText(key.key)}];
  state.is_written = true;
  state.expires_at_us = base::ToMicros(key.expires_at);
  return true;
}

SubmissionOutcome Group::Decide(const Submission& submission) {
  const absl::Time now = submission.event.created_at;
  if (submission.former_redelivery.has_value() &&
      IsHeld(*submission.former_redelivery, base::ToMicros(now))) {
    return SubmissionOutcome::kRedelivered;
  }
  if (submission.redelivery.has_value() && !Take(*submission.redelivery, now)) {
    return SubmissionOutcome::kRedelivered;
  }
  if (submission.dedupe.has_value() && !Take(*submission.dedupe, now)) {
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
  for (const Delivery& delivery : deliveries) {
    CONVOY_RETURN_IF_ERROR(WriteDelivery(delivery, at->key, project, tables));
  }
  return absl::OkStatus();
}

absl::Status Group::WriteDelivery(const Delivery& delivery, int64_t event, int64_t project,
                                  Tables& tables) {
  CONVOY_ASSIGN_OR_RETURN(const RowKey at, tables.delivery_keys.Choose(delivery.id, project));
  const int64_t endpoint = names_->NumberOf(delivery.endpoint_id);
  AddDelivery(tables.deliveries, at, delivery, event, project, endpoint,
              names_->NumberOf(delivery.subscription_id));
  if (!IsFinal(delivery.status)) {
    lanes_.Wake(endpoint, project, base::ToMicros(delivery.due_at));
  }
  return absl::OkStatus();
}

absl::Status Group::WriteExtras(Tables& tables) {
  for (const Delivery* extra : extras_) {
    const auto event = event_keys_.find(extra->event_id);
    if (event == event_keys_.end()) continue;
    CONVOY_RETURN_IF_ERROR(
        WriteDelivery(*extra, event->second, names_->NumberOf(extra->project_id), tables));
  }
  return absl::OkStatus();
}

absl::Status Group::WriteUpdates(Tables& tables) {
  for (const Added<DeliveryUpdate>& added : updates_) {
    const DeliveryUpdate& update = *added.item;
    const Delivery& next = update.delivery;
    const auto found = delivery_rows_.find(next.id);
    const bool is_there = found != delivery_rows_.end();
    const bool is_applied = is_there && found->second.row.lease == update.lease;
    added.result->updates_applied.push_back(is_applied);
    if (!is_there) continue;  // it has gone, with its event or its project
    DeliveryRow& row = found->second.row;
    if (update.attempt.has_value()) {
      const absl::StatusOr<RowKey> at = tables.attempt_keys.Choose(update.attempt->id, row.key);
      if (at.ok()) AddAttempt(tables.attempts, *at, *update.attempt, row.key);
      if (!at.ok() && !absl::IsAlreadyExists(at.status())) return at.status();
    }
    if (!is_applied) continue;
    row.lease = 0;
    row.status = next.status;
    found->second.next = &next;
    lanes_.NoteChange(row.endpoint);
    if (update.lateness > absl::ZeroDuration()) {
      lanes_.NoteLateness(row.endpoint, update.lateness, next.updated_at);
    }
    if (!IsFinal(next.status)) {
      lanes_.Wake(row.endpoint, row.project, base::ToMicros(next.due_at));
    }
  }
  return absl::OkStatus();
}

void Group::QueueAll(const Tables& tables) {
  RowPieces inserted, renewed, updated;
  for (const KeyName& name : key_names_) {
    const KeyState& state = keys_[name];
    if (!state.is_written) continue;
    RowPieces& rows = state.is_stored ? renewed : inserted;
    rows.AddRow({names_->NumberOf(name.first), std::string_view(name.second), state.expires_at_us});
  }
  for (const auto& [id, row] : delivery_rows_) {
    if (row.next == nullptr) continue;
    const Delivery& next = *row.next;
    updated.AddRow({row.row.key, static_cast<int64_t>(next.status), int64_t{next.attempts_count},
                    base::ToMicros(next.due_at), std::string_view(next.description),
                    absl::ToInt64Microseconds(next.latency), base::ToMicros(next.updated_at)});
  }
  const auto queue = [&](std::string_view sql, const RowPieces& rows) {
    for (const Columns& piece : rows.pieces()) connection_.Queue(sql, Params().All(piece));
  };
  queue(kInsertKeys, inserted);
  queue(kRenewKeys, renewed);
  queue(kInsertEvents, tables.events);
  queue(kInsertDeliveries, tables.deliveries);
  queue(kUpdateDeliveries, updated);
  queue(kInsertAttempts, tables.attempts);
}

}  // namespace convoy::storage::postgres
