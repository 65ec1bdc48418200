// Writer of batches. One transaction holds a whole group of batches; one that is refused is undone
// by a savepoint and does not affect its neighbours.
//
// Transactions that change configuration or release held inputs take turns in all of the database,
// under an advisory lock: what they read before they write stays true until they end. So do, under
// a lock of their own that comes next, those with which held inputs come or go.
#include "lib/storage/postgres/writer.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/config_rows.h"
#include "lib/storage/postgres/failure.h"
#include "lib/storage/postgres/group.h"
#include "lib/storage/postgres/held_totals.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

bool IsRefusal(const absl::Status& status) {
  if (ClassOf(status) != FailureClass::kNone) return false;
  return absl::IsAborted(status) || absl::IsAlreadyExists(status) || absl::IsNotFound(status) ||
         absl::IsInvalidArgument(status);
}

bool IsRefusable(const WriteBatch& batch) {
  return !batch.config.empty() || !batch.releases.empty();
}

// Whether held inputs come or go, perhaps with their source.
bool ConcernsHeld(const WriteBatch& batch) {
  return !batch.holds.empty() || !batch.releases.empty() ||
         std::any_of(batch.config.begin(), batch.config.end(),
                     [](const ConfigWrite& write) { return !write.removes.empty(); });
}

absl::Status ApplyRequeue(Connection& connection, const DeliveryRequeue& requeue,
                          CommitResult& result, Lanes& lanes) {
  CONVOY_ASSIGN_OR_RETURN(const std::optional<DeliveryRow> row,
                          LockDelivery(connection, requeue.project_id, requeue.delivery_id));
  const bool is_eligible = row.has_value() && std::find(requeue.from.begin(), requeue.from.end(),
                                                        row->status) != requeue.from.end();
  result.requeues_applied.push_back(is_eligible);
  if (!is_eligible) return absl::OkStatus();
  const int64_t due_at_us = base::ToMicros(requeue.due_at);
  lanes.Wake(row->endpoint, row->project, due_at_us);
  lanes.NoteChange(row->endpoint);
  if (IsFinal(row->status)) lanes.CountUnfinished(row->project, 1);
  connection.Queue(
      "UPDATE delivery SET status = 0, attempts_count = 0, description = '', "
      "due_at_us = $1::int8, wake_at_us = $1::int8, lease = 0 WHERE key = $2::int8",
      Params().Int(due_at_us).Int(row->key));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(Opener* opener) {
  auto writer = absl::WrapUnique(new Writer(opener));
  absl::MutexLock lock(&writer->mutex_);
  CONVOY_RETURN_IF_ERROR(writer->session_.Register());
  return writer;
}

absl::Status Writer::Write(std::span<WriteBatch* const> batches, std::span<CommitResult> results) {
  absl::MutexLock lock(&mutex_);
  int tries_count = 0;
  Lanes lanes;
  StoredForClaims stored;
  const auto body = [&](Connection& connection)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    const bool was_unforeseen = foresight_.BeginTry(/*is_first=*/++tries_count == 1);
    is_careful_ = tries_count > 1 && !was_unforeseen;
    std::fill(results.begin(), results.end(), CommitResult());
    lanes = Lanes();
    opener_.early_claims().GiveUp();  // what the try before had
    stored = StoredForClaims();
    return ApplyAll(connection, batches, results, lanes, stored);
  };
  const absl::Status status = session_.Run(body);
  if (!status.ok()) {
    opener_.early_claims().GiveUp();
    return status;
  }
  stored.HandOver(opener_);
  AnnounceIfDue(lanes);
  return absl::OkStatus();
}

void Writer::AnnounceIfDue(const Lanes& lanes) {
  const absl::Time soon = opener_.clock().Now() + kAnnouncedAhead;
  if (lanes.WakesBy(base::ToMicros(soon))) opener_.presence().Announce();
}

absl::Status Writer::ApplyAll(Connection& connection, std::span<WriteBatch* const> batches,
                              std::span<CommitResult> results, Lanes& lanes,
                              StoredForClaims& out_stored) {
  const bool has_refusable = std::any_of(
      batches.begin(), batches.end(), [](const WriteBatch* batch) { return IsRefusable(*batch); });
  if (has_refusable) {
    connection.Queue("SELECT pg_advisory_xact_lock('opener'::regclass::oid::int4, 0)");
  }
  const bool has_held = std::any_of(batches.begin(), batches.end(),
                                    [](const WriteBatch* batch) { return ConcernsHeld(*batch); });
  if (has_held) LockHeldTotals(connection);
  Group group(&connection, &opener_, &lanes, &out_stored, &foresight_, is_careful_);
  bool has_changed_config = false;
  for (size_t i = 0; i < batches.size(); ++i) {
    WriteBatch& batch = *batches[i];
    CommitResult& result = results[i];
    result.status = CheckIds(batch);
    if (!result.status.ok()) continue;
    if (IsRefusable(batch)) {
      CONVOY_RETURN_IF_ERROR(group.Write());
      CONVOY_RETURN_IF_ERROR(ApplyRefusable(connection, batch, result));
      if (!result.status.ok()) continue;
      has_changed_config = has_changed_config || !batch.config.empty();
    }
    CONVOY_RETURN_IF_ERROR(group.Add(batch, &result));
    if (batch.requeues.empty() && batch.holds.empty()) continue;
    CONVOY_RETURN_IF_ERROR(group.Write());
    for (const DeliveryRequeue& requeue : batch.requeues) {
      CONVOY_RETURN_IF_ERROR(ApplyRequeue(connection, requeue, result, lanes));
    }
    for (const HeldInputWrite& hold : batch.holds) {
      CONVOY_RETURN_IF_ERROR(WriteHeldInput(connection, hold, is_careful_, result));
    }
  }
  CONVOY_RETURN_IF_ERROR(group.Write());
  lanes.Queue(connection);
  if (has_changed_config) {
    connection.Queue("SELECT pg_notify(convert_from($1::bytea, 'UTF8'), '')",
                     Params().Bytes(ChannelOf(opener_.options())));
  }
  return absl::OkStatus();
}

// Releases and configuration come first in a batch and are all that can be refused, so the
// savepoint ends here.
absl::Status Writer::ApplyRefusable(Connection& connection, const WriteBatch& batch,
                                    CommitResult& result) {
  CONVOY_RETURN_IF_ERROR(connection.Run("SAVEPOINT batch").status());
  absl::Status status = ApplyReleases(connection, batch);
  ConfigRows rows(connection);
  if (status.ok()) status = ApplyConfig(rows, batch.config);
  if (status.ok() && !batch.config.empty()) status = OpenLanes(connection, batch.config);
  if (!status.ok() && !IsRefusal(status)) return status;
  if (!status.ok()) {
    result.status = status;
    connection.Queue("ROLLBACK TO SAVEPOINT batch");
    connection.names().ForgetNumbers();
  }
  connection.Queue("RELEASE SAVEPOINT batch");
  return absl::OkStatus();
}

absl::Status Writer::CheckWritable() {
  absl::MutexLock lock(&mutex_);
  // Waited for before the commit, so that a lost connection leaves no question open.
  return session_.Run([](Connection& connection) { return connection.Flush().status(); });
}

}  // namespace convoy::storage::postgres
