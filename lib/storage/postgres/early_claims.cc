// Room for early claims, and those that were made; see early_claims.h.
#include "lib/storage/postgres/early_claims.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace convoy::storage::postgres {
namespace {

// Beyond it all are learned anew.
constexpr size_t kOpenMax = 16 * 1024;
constexpr size_t kEventBytesMax = 64 * 1024;

}  // namespace

bool IsOpen(const ClaimRequest& request, std::string_view project_id,
            std::string_view endpoint_id) {
  if (request.policy_of == nullptr) return true;
  const auto policy = request.policy_of(project_id, endpoint_id);
  return policy.has_value() && !policy->holds_back() && !policy->is_unserved;
}

void EarlyClaims::Learn(std::string_view project_id, std::string_view endpoint_id, bool is_open) {
  absl::MutexLock lock(&mutex_);
  if (!is_open) {
    open_.erase(endpoint_id);
    return;
  }
  if (open_.size() >= kOpenMax) open_.clear();
  open_.insert_or_assign(std::string(endpoint_id), std::string(project_id));
}

void EarlyClaims::Offer(const ClaimRequest& request, const Claim& claim) {
  Room room{{.items = request.items_max, .bytes = request.bytes_max},
            request.now,
            clock_.SteadyNow(),
            request.lease};
  const auto take = [](uint64_t& left, uint64_t by) { left -= std::min(left, by); };
  take(room.items, claim.deliveries.size());
  for (const ClaimedDelivery& taken : claim.deliveries) take(room.bytes, taken.event->body.size());
  absl::MutexLock lock(&mutex_);
  room_.reset();
  reserved_ = {};
  if (room.items == 0 || claim.next_due_at <= request.now - kOvertakenMax) return;
  for (const auto& [endpoint_id, items] : request.items_max_of_endpoint) {
    const auto open = open_.find(endpoint_id);
    if (open == open_.end() || !IsOpen(request, open->second, endpoint_id)) continue;
    room.of_endpoint.emplace(endpoint_id, items);
  }
  for (const ClaimedDelivery& taken : claim.deliveries) {
    const auto found = room.of_endpoint.find(taken.delivery.endpoint_id);
    if (found != room.of_endpoint.end() && found->second > 0) --found->second;
  }
  if (!room.of_endpoint.empty()) room_ = std::move(room);
}

void EarlyClaims::Withdraw() {
  absl::MutexLock lock(&mutex_);
  room_.reset();
  reserved_ = {};
}

std::optional<EarlyClaims::Place> EarlyClaims::Reserve(const Delivery& delivery,
                                                       size_t event_bytes) {
  absl::MutexLock lock(&mutex_);
  if (!room_.has_value() || room_->items == 0 || event_bytes > room_->bytes) return std::nullopt;
  if (event_bytes > kEventBytesMax || delivery.mode == DeliveryMode::kAtMostOnce) {
    return std::nullopt;
  }
  const absl::Time steady_now = clock_.SteadyNow();
  const absl::Duration age = steady_now - room_->offered_at;
  const absl::Time now = std::max(room_->now + age, delivery.created_at);
  const bool is_due = delivery.status == DeliveryStatus::kScheduled && delivery.due_at <= now;
  if (!is_due || age > kEarlyClaimMax) return std::nullopt;
  const auto found = room_->of_endpoint.find(delivery.endpoint_id);
  if (found == room_->of_endpoint.end() || found->second == 0) return std::nullopt;
  --found->second;
  --room_->items;
  room_->bytes -= event_bytes;
  ++reserved_.items;
  reserved_.bytes += event_bytes;
  ++reserved_.of_endpoint[delivery.endpoint_id];
  return Place{.made_at = steady_now, .lease_ends_at = now + room_->lease + kEarlyClaimMax};
}

void EarlyClaims::Add(std::vector<EarlyClaim> claims) {
  absl::MutexLock lock(&mutex_);
  reserved_ = {};
  std::move(claims.begin(), claims.end(), std::back_inserter(claims_));
}

void EarlyClaims::GiveUp() {
  absl::MutexLock lock(&mutex_);
  const Amount given_up = std::exchange(reserved_, {});
  if (!room_.has_value()) return;
  room_->items += given_up.items;
  room_->bytes += given_up.bytes;
  for (const auto& [endpoint_id, count] : given_up.of_endpoint) {
    room_->of_endpoint[endpoint_id] += count;
  }
}

std::vector<EarlyClaim> EarlyClaims::Take() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(claims_, {});
}

void EarlyClaims::PutBack(std::vector<EarlyClaim> claims) {
  absl::MutexLock lock(&mutex_);
  std::move(claims.begin(), claims.end(), std::back_inserter(claims_));
}

}  // namespace convoy::storage::postgres
