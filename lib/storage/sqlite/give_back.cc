// Ends of claims without an outcome: of this opener when it closes, and of openers that have died.
#include <algorithm>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// Leases of one opener: its number, then a counter.
constexpr int kLeaseCounterBits = 40;
// How often dead openers are looked for, at most.
constexpr absl::Duration kLookForDead = absl::Seconds(1);

// The openers that have claims out, each once.
absl::StatusOr<std::vector<int64_t>> OpenersWithClaims(Connection& connection) {
  std::vector<int64_t> openers;
  int64_t least = 1;
  while (true) {
    Statement row = connection.Prepare(
        "SELECT lease FROM delivery INDEXED BY delivery_by_lease "
        "WHERE lease <> 0 AND lease >= ? ORDER BY lease LIMIT 1");
    const bool has_row = row.Int(least).Next();
    if (!row.status().ok()) return row.status();
    if (!has_row) return openers;
    openers.push_back(row.IntAt(0) >> kLeaseCounterBits);
    least = (openers.back() + 1) << kLeaseCounterBits;
  }
}

}  // namespace

absl::Status Writer::Register() {
  CONVOY_ASSIGN_OR_RETURN(openers_, OpenerLocks::Open(std::string(connection_->path())));
  CONVOY_RETURN_IF_ERROR(Run([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    // A number that is held is one of a database that this one was copied from, or restored to.
    for (bool is_ours = false; !is_ours;) {
      CONVOY_RETURN_IF_ERROR(connection_->Execute("UPDATE opener SET count = count + 1"));
      CONVOY_ASSIGN_OR_RETURN(opener_, connection_->QueryInt("SELECT count FROM opener"));
      CONVOY_ASSIGN_OR_RETURN(is_ours, openers_->TryLock(opener_));
    }
    return absl::OkStatus();
  }));
  if (openers_->IsClosed()) return absl::FailedPreconditionError("the database is being copied");
  next_lease_ = (static_cast<uint64_t>(opener_) << kLeaseCounterBits) + 1;
  return absl::OkStatus();
}

absl::Status Writer::GiveBack(int64_t opener, Lanes& lanes) {
  const int64_t first = opener << kLeaseCounterBits;
  const int64_t end = (opener + 1) << kLeaseCounterBits;
  // It may have been sent.
  Statement unknown = connection_->Prepare(
      "UPDATE delivery INDEXED BY delivery_by_lease SET lease = 0, status = ?, description = ? "
      "WHERE lease <> 0 AND lease >= ? AND lease < ? AND mode = ? RETURNING endpoint, project");
  unknown.Int(static_cast<int64_t>(DeliveryStatus::kFailure)).Text(kUnknownArrival);
  unknown.Int(first).Int(end).Int(static_cast<int64_t>(DeliveryMode::kAtMostOnce));
  while (unknown.Next()) {
    lanes.changed.insert(unknown.IntAt(0));
    --lanes.backlogs[unknown.IntAt(1)];
  }
  CONVOY_RETURN_IF_ERROR(unknown.status());
  // Untried deliveries are scheduled (0) again, others wait for their retry (2). Those of a removed
  // project are left to its removal.
  Statement released = connection_->Prepare(
      "UPDATE delivery INDEXED BY delivery_by_lease SET lease = 0, wake_at_us = due_at_us, "
      "status = iif(attempts_count = 0, 0, 2) WHERE lease <> 0 AND lease >= ? AND lease < ? "
      "AND (project = 0 OR EXISTS (SELECT 1 FROM name WHERE number = delivery.project)) "
      "RETURNING endpoint, project, wake_at_us");
  released.Int(first).Int(end);
  while (released.Next()) {
    Wake(lanes, {.project = released.IntAt(1), .endpoint = released.IntAt(0)}, released.IntAt(2));
    lanes.changed.insert(released.IntAt(0));
  }
  return released.status();
}

absl::Status Writer::ReleaseClaims() {
  absl::MutexLock lock(&mutex_);
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> openers, OpenersWithClaims(*connection_));
  if (std::find(openers.begin(), openers.end(), opener_) == openers.end()) return absl::OkStatus();
  return Run([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    Lanes lanes;
    CONVOY_RETURN_IF_ERROR(GiveBack(opener_, lanes));
    return WriteLanes(lanes);
  });
}

absl::Status Writer::ReleaseDead() {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> openers, OpenersWithClaims(*connection_));
  std::vector<int64_t> dead;
  for (const int64_t opener : openers) {
    if (opener != opener_ && !openers_->IsHeldByOther(opener)) dead.push_back(opener);
  }
  if (dead.empty()) return absl::OkStatus();
  return Run([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    Lanes lanes;
    for (const int64_t opener : dead) CONVOY_RETURN_IF_ERROR(GiveBack(opener, lanes));
    return WriteLanes(lanes);
  });
}

absl::Status Writer::ReleaseDeadNowAndThen(absl::Time now) {
  if (absl::AbsDuration(now - looked_for_dead_at_) < kLookForDead) return absl::OkStatus();
  looked_for_dead_at_ = now;
  return ReleaseDead();
}

}  // namespace convoy::storage
