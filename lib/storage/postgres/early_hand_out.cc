// Early claims on their way to the dispatcher: what a claim has room for, and what is given back.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/claimer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

// Those of a removed project are left to its removal.
constexpr std::string_view kGiveBack =
    "UPDATE delivery AS d SET lease = 0, status = 0, wake_at_us = d.due_at_us FROM "
    "unnest($1::int8[], $2::int8[]) AS w(key, lease) WHERE d.key = w.key AND d.lease = w.lease "
    "AND EXISTS (SELECT 1 FROM name AS n WHERE n.number = d.project) "
    "RETURNING d.endpoint, d.project, d.wake_at_us";

}  // namespace

size_t Claimer::RoomOf(const ClaimRequest& request, const std::string& endpoint_id) const {
  const size_t items_max = ItemsMaxOf(request, endpoint_id);
  const auto handed = handed_.find(endpoint_id);
  return handed == handed_.end() ? items_max : items_max - std::min(items_max, handed->second);
}

size_t Claimer::EarlyRoomOf(const ClaimRequest& request, const Delivery& delivery) const {
  if (!IsOpen(request, delivery.project_id, delivery.endpoint_id)) {
    opener_.early_claims().Learn(delivery.project_id, delivery.endpoint_id, false);
    return 0;
  }
  const auto& skipped = request.skipped_endpoint_ids;
  const bool is_skipped =
      std::find(skipped.begin(), skipped.end(), delivery.endpoint_id) != skipped.end();
  return is_skipped ? 0 : ItemsMaxOf(request, delivery.endpoint_id);
}

std::vector<ClaimedDelivery> Claimer::TakeEarly(const ClaimRequest& request) {
  handed_.clear();
  handed_count_ = 0;
  handed_bytes_ = 0;
  std::vector<ClaimedDelivery> early;
  std::vector<EarlyClaim> claims = opener_.early_claims().Take();
  if (claims.empty()) return early;
  early.reserve(claims.size());
  absl::flat_hash_map<std::string, size_t> rooms;  // by the endpoint: what it has room for in all
  const absl::Time now = opener_.clock().SteadyNow();
  std::vector<EarlyClaim> left;
  for (EarlyClaim& claim : claims) {
    const Delivery& delivery = claim.claimed.delivery;
    const uint64_t bytes = claim.claimed.event->body.size();
    const auto [room, is_new] = rooms.try_emplace(delivery.endpoint_id);
    if (is_new) room->second = EarlyRoomOf(request, delivery);
    size_t& handed = handed_[delivery.endpoint_id];
    const bool has_room = handed < room->second && handed_count_ < request.items_max &&
                          handed_bytes_ + bytes <= request.bytes_max;
    const bool is_fresh = !claim.is_over && now <= claim.made_at + kEarlyClaimMax;
    if (!has_room || !is_fresh) {
      left.push_back(std::move(claim));
      continue;
    }
    ++handed;
    ++handed_count_;
    handed_bytes_ += bytes;
    early.push_back(std::move(claim.claimed));
  }
  if (!left.empty() && !GiveBackEarly(left).ok()) {
    // When the next claim comes; some may have been given back all the same.
    for (EarlyClaim& claim : left) claim.is_over = true;
    opener_.early_claims().PutBack(std::move(left));
  }
  return early;
}

absl::Status Claimer::GiveBackEarly(const std::vector<EarlyClaim>& claims) {
  Columns rows;
  for (const EarlyClaim& claim : claims) {
    rows.AddRow({claim.key, static_cast<int64_t>(claim.claimed.lease)});
  }
  Lanes lanes;
  const bool may_be_lost = true;  // their leases end
  CONVOY_RETURN_IF_ERROR(session_.Run(
      [&](Connection& connection) -> absl::Status {
        lanes = Lanes();
        CONVOY_ASSIGN_OR_RETURN(const Rows released, connection.Run(kGiveBack, Params().All(rows)));
        for (int i = 0; i < released.count(); ++i) {
          lanes.Wake(released.IntAt(i, 0), released.IntAt(i, 1), released.IntAt(i, 2));
        }
        lanes.Queue(connection);
        return absl::OkStatus();
      },
      &may_be_lost));
  const absl::Time soon = opener_.clock().Now() + kAnnouncedAhead;
  if (lanes.WakesBy(base::ToMicros(soon))) opener_.presence().Announce();
  return absl::OkStatus();
}

}  // namespace convoy::storage::postgres
