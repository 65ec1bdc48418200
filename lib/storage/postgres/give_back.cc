// Ends of claims without an outcome: of this opener when it closes, and of openers that have died.
#include <algorithm>
#include <limits>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/claimer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

// How often dead openers are looked for, at most.
constexpr absl::Duration kLookForDead = absl::Seconds(1);

// The openers that have claims out, each once.
absl::StatusOr<std::vector<int64_t>> OpenersWithClaims(Connection& connection) {
  std::vector<int64_t> openers;
  int64_t least = 1;
  while (true) {
    CONVOY_ASSIGN_OR_RETURN(const Rows row,
                            connection.Run("SELECT lease FROM delivery WHERE lease <> 0 "
                                           "AND lease >= $1::int8 ORDER BY lease LIMIT 1",
                                           Params().Int(least)));
    if (row.count() == 0) return openers;
    openers.push_back(row.IntAt(0, 0) >> kLeaseCounterBits);
    least = static_cast<int64_t>(FirstLeaseOf(openers.back() + 1));
  }
}

// Ends the claims of an opener.
absl::Status GiveBack(Connection& connection, int64_t opener, Lanes& lanes) {
  const auto first = static_cast<int64_t>(FirstLeaseOf(opener));
  const auto end = static_cast<int64_t>(FirstLeaseOf(opener + 1));
  // It may have been sent.
  Params params;
  params.Int(static_cast<int64_t>(DeliveryStatus::kFailure)).Bytes(kUnknownArrival);
  params.Int(first).Int(end).Int(static_cast<int64_t>(DeliveryMode::kAtMostOnce));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows unknown,
      connection.Run("UPDATE delivery SET lease = 0, status = $1::int8, description = $2::bytea "
                     "WHERE lease <> 0 AND lease >= $3::int8 AND lease < $4::int8 "
                     "AND mode = $5::int8 RETURNING endpoint, project",
                     params));
  for (int i = 0; i < unknown.count(); ++i) {
    lanes.NoteChange(unknown.IntAt(i, 0));
    lanes.CountUnfinished(unknown.IntAt(i, 1), -1);
  }
  // Untried deliveries are scheduled (0) again, others wait for their retry (2). Those of a removed
  // project are left to its removal.
  CONVOY_ASSIGN_OR_RETURN(
      const Rows released,
      connection.Run("UPDATE delivery AS d SET lease = 0, wake_at_us = due_at_us, "
                     "status = CASE WHEN attempts_count = 0 THEN 0 ELSE 2 END WHERE lease <> 0 "
                     "AND lease >= $1::int8 AND lease < $2::int8 "
                     "AND EXISTS (SELECT 1 FROM name AS n WHERE n.number = d.project) "
                     "RETURNING endpoint, project, wake_at_us",
                     Params().Int(first).Int(end)));
  for (int i = 0; i < released.count(); ++i) {
    lanes.Wake(released.IntAt(i, 0), released.IntAt(i, 1), released.IntAt(i, 2));
    lanes.NoteChange(released.IntAt(i, 0));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status GiveBackAll(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> openers, OpenersWithClaims(connection));
  Lanes lanes;
  for (const int64_t opener : openers) {
    CONVOY_RETURN_IF_ERROR(GiveBack(connection, opener, lanes));
  }
  lanes.Queue(connection);
  return absl::OkStatus();
}

absl::Status Claimer::ReleaseClaims() {
  absl::MutexLock lock(&mutex_);
  bool has_any = false;
  const auto body = [&](Connection& connection)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    Lanes lanes;
    opener_.early_claims().Take();
    CONVOY_RETURN_IF_ERROR(GiveBack(connection, opener_.number(), lanes));
    has_any = lanes.WakesBy(std::numeric_limits<int64_t>::max());
    lanes.Queue(connection);
    return absl::OkStatus();
  };
  CONVOY_RETURN_IF_ERROR(session_.Run(body));
  // This one may be about to end. Others look now and then all the same.
  if (has_any) opener_.presence().AnnounceNow().IgnoreError();
  return absl::OkStatus();
}

bool Claimer::IsBeating(int64_t opener, const Sign& sign) {
  return sign.beats.has_value() && !silence_.Note(opener, *sign.beats, opener_.clock().SteadyNow());
}

absl::Status Claimer::ReleaseDead() {
  CONVOY_ASSIGN_OR_RETURN(Connection * looking, session_.Connect());
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> openers, OpenersWithClaims(*looking));
  std::vector<int64_t> dead;
  for (const int64_t opener : openers) {
    if (opener == opener_.number()) continue;
    CONVOY_ASSIGN_OR_RETURN(const Sign sign, LookAt(*looking, opener));
    if (sign.is_lock_free && !IsBeating(opener, sign)) dead.push_back(opener);
  }
  silence_.ForgetBefore(opener_.clock().SteadyNow() - absl::Minutes(1));
  if (dead.empty()) return absl::OkStatus();
  return session_.Run([&](Connection& connection) -> absl::Status {
    Lanes lanes;
    // Their rows of opener stay: one that lost its connections may live, and look into its own.
    for (const int64_t opener : dead) {
      CONVOY_RETURN_IF_ERROR(GiveBack(connection, opener, lanes));
      connection.Queue("DELETE FROM opener_beat WHERE number = $1::int8", Params().Int(opener));
    }
    lanes.Queue(connection);
    return absl::OkStatus();
  });
}

absl::Status Claimer::ReleaseDeadNowAndThen(absl::Time now) {
  if (absl::AbsDuration(now - looked_for_dead_at_) < kLookForDead) return absl::OkStatus();
  looked_for_dead_at_ = now;
  // So that this opener itself does not count as dead for others for longer than until now.
  CONVOY_RETURN_IF_ERROR(opener_.presence().KeepHolding());
  CONVOY_RETURN_IF_ERROR(session_.Connect().status());
  if (session_.IsSettled()) return ReleaseDead();
  silence_.Forget();
  return absl::OkStatus();
}

}  // namespace convoy::storage::postgres
