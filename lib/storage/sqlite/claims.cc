// Claims of due deliveries. Lanes that are awake are visited in the order of their waiting; each
// gives a fair share, so an endpoint with a million deliveries due cannot keep the others waiting.
//
// A claim need not survive a crash: if it is forgotten, the delivery is claimed again.
#include <algorithm>
#include <utility>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/rows.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

bool IsSkipped(const ClaimRequest& request, std::string_view endpoint_id) {
  return std::find(request.skipped_endpoint_ids.begin(), request.skipped_endpoint_ids.end(),
                   endpoint_id) != request.skipped_endpoint_ids.end();
}

// The endpoints whose lanes are awake, longest waiting first.
absl::StatusOr<std::vector<std::string>> FindAwake(Connection& connection,
                                                   const ClaimRequest& request) {
  Statement lane =
      connection.Prepare("SELECT endpoint_id FROM lane WHERE wake_at_us <= ? ORDER BY wake_at_us");
  lane.Int(base::ToMicros(request.now));
  std::vector<std::string> awake;
  while (awake.size() < request.items_max && lane.Next()) {
    if (!IsSkipped(request, lane.TextAt(0))) awake.emplace_back(lane.TextAt(0));
  }
  if (!lane.status().ok()) return lane.status();
  return awake;
}

absl::StatusOr<absl::Time> FindNextWake(Connection& connection, const ClaimRequest& request) {
  Statement lane =
      connection.Prepare("SELECT endpoint_id, wake_at_us FROM lane ORDER BY wake_at_us");
  while (lane.Next()) {
    if (!IsSkipped(request, lane.TextAt(0))) return base::FromMicros(lane.IntAt(1));
  }
  if (!lane.status().ok()) return lane.status();
  return absl::InfiniteFuture();
}

}  // namespace

absl::StatusOr<Claim> Writer::ClaimDue(const ClaimRequest& request) {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(poison_.status());
  // Most calls find nothing: look before taking the write lock.
  CONVOY_ASSIGN_OR_RETURN(const absl::Time next_wake, FindNextWake(*connection_, request));
  Claim claim{.next_due_at = next_wake};
  if (next_wake > request.now || request.items_max == 0) return claim;

  CONVOY_RETURN_IF_ERROR(
      Run([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ClaimAll(request, claim); }));
  transactions_.CheckpointIfLong();
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    claimed_[claimed.delivery.id] = claimed.lease;
  }
  return claim;
}

absl::Status Writer::ClaimAll(const ClaimRequest& request, Claim& claim) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<std::string> awake, FindAwake(*connection_, request));
  if (!awake.empty()) {
    const size_t share =
        std::clamp<size_t>(request.items_max / awake.size(), 1, request.items_per_endpoint_max);
    for (const std::string& endpoint_id : awake) {
      const size_t room = request.items_max - claim.deliveries.size();
      CONVOY_RETURN_IF_ERROR(ClaimLane(request, endpoint_id, std::min(share, room), claim));
    }
  }
  CONVOY_RETURN_IF_ERROR(LoadEvents(claim));
  CONVOY_ASSIGN_OR_RETURN(claim.next_due_at, FindNextWake(*connection_, request));
  return absl::OkStatus();
}

absl::Status Writer::ClaimLane(const ClaimRequest& request, const std::string& endpoint_id,
                               size_t items_max, Claim& claim) {
  if (items_max == 0) return absl::OkStatus();
  static const std::string* const kSelect = new std::string(
      "SELECT " + std::string(kDeliveryColumns) +
      " FROM delivery INDEXED BY delivery_by_wake WHERE endpoint_id = ? AND status < 3 "
      "AND wake_at_us <= ? ORDER BY wake_at_us LIMIT ?");
  const size_t first = claim.deliveries.size();
  {
    Statement row = connection_->Prepare(*kSelect);
    row.Text(endpoint_id).Int(base::ToMicros(request.now)).Int(static_cast<int64_t>(items_max));
    while (row.Next()) {
      claim.deliveries.push_back({.lease = next_lease_++, .delivery = ReadDelivery(row)});
    }
    CONVOY_RETURN_IF_ERROR(row.status());
  }
  for (size_t i = first; i < claim.deliveries.size(); ++i) {
    ClaimedDelivery& claimed = claim.deliveries[i];
    claimed.delivery.status = DeliveryStatus::kProcessing;
    CONVOY_RETURN_IF_ERROR(
        connection_
            ->Prepare("UPDATE delivery SET status = ?, lease = ?, wake_at_us = ? WHERE id = ?")
            .Int(static_cast<int64_t>(DeliveryStatus::kProcessing))
            .Int(static_cast<int64_t>(claimed.lease))
            .Int(base::ToMicros(request.now + request.lease))
            .Text(claimed.delivery.id)
            .Run());
  }
  return RefreshLane(endpoint_id);
}

// Makes the lane's bound exact again: what was due is claimed now, and may have been the last.
absl::Status Writer::RefreshLane(const std::string& endpoint_id) {
  int64_t wake_at_us = 0;
  {
    Statement next = connection_->Prepare(
        "SELECT min(wake_at_us) FROM delivery INDEXED BY delivery_by_wake "
        "WHERE endpoint_id = ? AND status < 3");
    next.Text(endpoint_id);
    const bool has_row = next.Next();
    CONVOY_RETURN_IF_ERROR(next.status());
    if (!has_row || next.IsNullAt(0)) {
      return connection_->Prepare("DELETE FROM lane WHERE endpoint_id = ?").Text(endpoint_id).Run();
    }
    wake_at_us = next.IntAt(0);
  }
  return connection_->Prepare("UPDATE lane SET wake_at_us = ? WHERE endpoint_id = ?")
      .Int(wake_at_us)
      .Text(endpoint_id)
      .Run();
}

absl::Status Writer::LoadEvents(Claim& claim) {
  static const std::string* const kSelect =
      new std::string("SELECT " + std::string(kEventColumns) + " FROM event WHERE id = ?");
  absl::flat_hash_map<std::string, std::shared_ptr<const Event>> loaded;
  for (ClaimedDelivery& claimed : claim.deliveries) {
    std::shared_ptr<const Event>& event = loaded[claimed.delivery.event_id];
    if (event == nullptr) {
      Statement row = connection_->Prepare(*kSelect);
      row.Text(claimed.delivery.event_id);
      if (!row.Next()) {
        CONVOY_RETURN_IF_ERROR(row.status());
        return absl::DataLossError("a delivery without its event");
      }
      CONVOY_ASSIGN_OR_RETURN(Event read, ReadEvent(row));
      event = std::make_shared<const Event>(std::move(read));
    }
    claimed.event = event;
  }
  return absl::OkStatus();
}

absl::Status Writer::ReleaseClaims() {
  absl::MutexLock lock(&mutex_);
  if (claimed_.empty()) return absl::OkStatus();
  const auto release_all = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    Lanes lanes;
    for (const auto& [id, lease] : claimed_) {
      // Untried deliveries are scheduled (0) again, others wait for their retry (2).
      Statement released = connection_->Prepare(
          "UPDATE delivery SET lease = 0, wake_at_us = due_at_us, "
          "status = iif(attempts_count = 0, 0, 2) WHERE id = ? AND lease = ? "
          "RETURNING endpoint_id, wake_at_us");
      released.Text(id).Int(static_cast<int64_t>(lease));
      while (released.Next()) {
        const int64_t wake_at_us = released.IntAt(1);
        int64_t& lane =
            lanes.try_emplace(std::string(released.TextAt(0)), wake_at_us).first->second;
        lane = std::min(lane, wake_at_us);
      }
      CONVOY_RETURN_IF_ERROR(released.status());
    }
    return WriteLanes(lanes);
  };
  CONVOY_RETURN_IF_ERROR(Run(release_all));
  claimed_.clear();
  return absl::OkStatus();
}

}  // namespace convoy::storage
