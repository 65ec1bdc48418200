// Outcomes of a group's deliveries: applied at once where their leases hold, and otherwise after a
// look at the rows, which are locked.
#include <string_view>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/group.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

constexpr std::string_view kLockDeliveries =
    "SELECT d.key, d.key_shift, d.id_tail, d.project, d.endpoint, d.status, d.lease "
    "FROM unnest($1::int8[]) AS w(key) JOIN delivery AS d ON d.key = w.key FOR UPDATE OF d";
constexpr std::string_view kLockDelivery =
    "SELECT d.key, d.key_shift, d.id_tail, d.project, d.endpoint, d.status, d.lease "
    "FROM delivery AS d WHERE d.key BETWEEN $1::int8 AND $1::int8 + 63 "
    "AND d.key - d.key_shift = $1::int8 AND d.id_tail = $2::int8 AND d.project = $3::int8 "
    "LIMIT 1 FOR UPDATE OF d";
constexpr std::string_view kUpdateDeliveries =
    "UPDATE delivery AS d SET status = w.status, attempts_count = w.attempts_count, due_at_us = "
    "w.due_at_us, description = w.description, latency_us = w.latency_us, updated_at_us = "
    "w.updated_at_us, lease = 0, wake_at_us = w.due_at_us FROM unnest($1::int8[], $2::int8[], "
    "$3::int8[], $4::int8[], $5::bytea[], $6::int8[], $7::int8[]) AS w(key, status, "
    "attempts_count, due_at_us, description, latency_us, updated_at_us) WHERE d.key = w.key";
// The same for those of one project that have the lease, in one go with the lock. The project is
// compared in a way that no index can serve: only the key is to look rows up.
constexpr std::string_view kApplyOutcomes =
    "UPDATE delivery AS d SET status = w.status, attempts_count = w.attempts_count, due_at_us = "
    "w.due_at_us, description = w.description, latency_us = w.latency_us, updated_at_us = "
    "w.updated_at_us, lease = 0, wake_at_us = w.due_at_us FROM unnest($1::int8[], $2::int8[], "
    "$3::int8[], $4::int8[], $5::bytea[], $6::int8[], $7::int8[], $8::int8[], $9::int8[]) AS "
    "w(key, status, attempts_count, due_at_us, description, latency_us, updated_at_us, lease, "
    "id_tail) WHERE d.key = w.key AND d.lease = w.lease AND d.id_tail = w.id_tail AND "
    "d.key_shift = 0 AND d.project IS NOT DISTINCT FROM "
    "(SELECT p.number FROM name AS p WHERE p.id = $10::bytea) RETURNING d.key";

DeliveryRow DeliveryRowAt(const Row& row) {
  return {.key = row.IntAt(0),
          .project = row.IntAt(3),
          .endpoint = row.IntAt(4),
          .status = static_cast<DeliveryStatus>(row.IntAt(5)),
          .lease = static_cast<uint64_t>(row.IntAt(6))};
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

absl::StatusOr<std::optional<DeliveryRow>> LockDelivery(Connection& connection,
                                                        std::string_view project_id,
                                                        std::string_view id) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return std::nullopt;
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, project_id));
  return LockShifted(connection, *parts, project);
}

void Group::QueueLocks(const std::vector<std::string_view>& ids) {
  connection_.Queue(kLockDeliveries, Params().Ints(KeysOf(ids)));
}

bool Group::QueueOutcomes() {
  if (is_careful_) return false;
  const std::string& project_id = updates_.front().item->delivery.project_id;
  RowPieces rows;
  absl::flat_hash_set<int64_t> keys;
  for (const auto& added : updates_) {
    const Delivery& next = added.item->delivery;
    const std::optional<UlidParts> parts = SplitUlid(next.id);
    if (!parts.has_value() || added.item->lease == 0) return false;
    if (next.project_id != project_id || !keys.insert(parts->key).second) return false;
    rows.AddRow({parts->key, static_cast<int64_t>(next.status), int64_t{next.attempts_count},
                 base::ToMicros(next.due_at), std::string_view(next.description),
                 absl::ToInt64Microseconds(next.latency), base::ToMicros(next.updated_at),
                 static_cast<int64_t>(added.item->lease), parts->tail});
  }
  if (rows.pieces().size() != 1) return false;
  connection_.Queue(kApplyOutcomes, Params().All(rows.pieces().front()).Bytes(project_id));
  return true;
}

absl::Status Group::TakeDeliveries(const Rows& rows) {
  return are_outcomes_queued_ ? TakeOutcomes(rows) : TakeLocked(rows);
}

absl::Status Group::TakeOutcomes(const Rows& rows) {
  absl::flat_hash_set<int64_t> applied;
  for (int i = 0; i < rows.count(); ++i) applied.insert(rows.IntAt(i, 0));
  std::vector<std::string_view> others;
  for (const auto& added : updates_) {
    const int64_t key = SplitUlid(added.item->delivery.id)->key;  // QueueOutcomes has seen it
    if (applied.contains(key)) {
      NoteApplied(key, *added.item);
    } else {
      others.push_back(added.item->delivery.id);
    }
  }
  if (others.empty()) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const Rows locked,
                          connection_.Run(kLockDeliveries, Params().Ints(KeysOf(others))));
  return TakeLocked(locked);
}

void Group::NoteApplied(int64_t key, const DeliveryUpdate& update) {
  delivery_rows_[update.delivery.id] = {
      .row = {.key = key,
              .project = names_->NumberOf(update.delivery.project_id),
              .endpoint = names_->NumberOf(update.delivery.endpoint_id),
              .status = DeliveryStatus::kProcessing,
              .lease = update.lease},
      .is_written = true};
}

absl::Status Group::TakeLocked(const Rows& rows) {
  for (int i = 0; i < rows.count(); ++i) {
    const Row row(&rows, i);
    if (row.IntAt(1) == 0) delivery_rows_[IdAt(row, 0)] = {.row = DeliveryRowAt(row)};
  }
  for (const auto& added : updates_) {
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

absl::Status Group::LookAtAttempts(KeyChooser& keys) {
  std::vector<std::string_view> attempts;
  for (const auto& added : updates_) {
    if (added.item->attempt.has_value()) attempts.push_back(added.item->attempt->id);
  }
  return keys.Look(connection_, attempts);
}

absl::Status Group::WriteUpdates(KeyChooser& keys, RowPieces& attempts) {
  for (const auto& added : updates_) {
    const DeliveryUpdate& update = *added.item;
    const Delivery& next = update.delivery;
    const auto found = delivery_rows_.find(next.id);
    const bool is_there = found != delivery_rows_.end();
    const bool is_applied =
        is_there && (found->second.is_written || found->second.row.lease == update.lease);
    added.result->updates_applied.push_back(is_applied);
    if (!is_there) continue;  // it has gone, with its event or its project
    DeliveryRow& row = found->second.row;
    if (update.attempt.has_value()) {
      const absl::StatusOr<RowKey> at = keys.Choose(update.attempt->id, row.key);
      if (at.ok()) AddAttemptRow(attempts, *at, *update.attempt, row.key);
      if (!at.ok() && !absl::IsAlreadyExists(at.status())) return at.status();
    }
    if (!is_applied) continue;
    if (IsFinal(row.status) != IsFinal(next.status)) {
      lanes_.CountUnfinished(row.project, IsFinal(next.status) ? -1 : 1);
    }
    row.lease = 0;
    row.status = next.status;
    if (!found->second.is_written) found->second.next = &next;
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

void Group::QueueUpdates() {
  RowPieces updated;
  for (const auto& [id, row] : delivery_rows_) {
    if (row.next == nullptr) continue;
    const Delivery& next = *row.next;
    updated.AddRow({row.row.key, static_cast<int64_t>(next.status), int64_t{next.attempts_count},
                    base::ToMicros(next.due_at), std::string_view(next.description),
                    absl::ToInt64Microseconds(next.latency), base::ToMicros(next.updated_at)});
  }
  for (const Columns& piece : updated.pieces()) {
    connection_.Queue(kUpdateDeliveries, Params().All(piece));
  }
}

}  // namespace convoy::storage::postgres
