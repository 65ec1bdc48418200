// An opener of the store: what its sessions share, which is who it is, what it has just stored, and
// whether writes may go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/early_claims.h"
#include "lib/storage/postgres/presence.h"
#include "lib/storage/postgres/recent_events.h"

namespace convoy::storage::postgres {

class Opener {
 public:
  // Creates the tables if need be, and makes itself known as alive. The clock must outlive it.
  static absl::StatusOr<std::unique_ptr<Opener>> Open(const ConnectionOptions& options,
                                                      Clock* clock);

  const ConnectionOptions& options() const { return options_; }
  Clock& clock() const { return clock_; }
  int64_t number() const { return presence_->opener(); }
  Presence& presence() const { return *presence_; }
  RecentEvents& recent_events() { return recent_events_; }
  EarlyClaims& early_claims() { return early_claims_; }
  // Of a claim, another one each time.
  uint64_t NextLease() { return next_lease_++; }
  // Other openers may have been cut off when this one came: the server has been a standby.
  bool may_be_early() const { return may_be_early_; }

  // kDataLoss once it cannot be learned whether a transaction was committed: writes fail until the
  // store is opened again.
  absl::Status CheckHealth() const;
  void Poison() { is_poisoned_ = true; }

 private:
  Opener(ConnectionOptions options, Clock* clock)
      : options_(std::move(options)), clock_(*clock), early_claims_(clock) {}

  const ConnectionOptions options_;
  Clock& clock_;
  std::unique_ptr<Presence> presence_;
  RecentEvents recent_events_;
  EarlyClaims early_claims_;
  std::atomic<uint64_t> next_lease_ = 0;
  bool may_be_early_ = false;
  std::atomic<bool> is_poisoned_ = false;
};

// Leases of one opener: its number, then a counter.
inline constexpr int kLeaseCounterBits = 40;
inline uint64_t FirstLeaseOf(int64_t opener) {
  return static_cast<uint64_t>(opener) << kLeaseCounterBits;
}

}  // namespace convoy::storage::postgres
