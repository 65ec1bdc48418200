// Claims that are made with the deliveries themselves: a claim that has left room lets the writer
// of this opener store what is due at once as claimed, and the next claim hands it out from memory.
// That saves reading, claiming and waking what the same process has just stored.
//
// Only lanes take part that held nothing back when the last claim looked, and only for as much room
// as it has left of each endpoint. Nothing that has waited for longer than kOvertakenMax is
// overtaken: while there is some, no room is left. The next claim gives back what it may not hand
// out, and what has waited for more than a second; of a process that stands still the lease ends.
// Deliveries of the mode at_most_once wait for a claim: of one that is lost with this process it
// would not be known that it was not sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/storage.h"

namespace convoy::storage::postgres {

// A delivery that was stored as claimed.
struct EarlyClaim {
  int64_t key = 0;     // of its row
  absl::Time made_at;  // by the steady clock
  ClaimedDelivery claimed;
  bool is_over = false;  // it could not be given back, and is not to be handed out
};

// Whether the request's policy of a lane holds nothing back.
bool IsOpen(const ClaimRequest& request, std::string_view project_id, std::string_view endpoint_id);

// How long others may be due while deliveries are claimed early. Where several processes store what
// comes in, something is due at almost any time, and is claimed by one of them a moment later.
inline constexpr absl::Duration kOvertakenMax = absl::Milliseconds(100);

// How long one may wait for the claim that hands it out.
inline constexpr absl::Duration kEarlyClaimMax = absl::Seconds(1);

// Safe to use from any thread.
class EarlyClaims {
 public:
  // A place that the writer has got.
  struct Place {
    absl::Time made_at;  // by the steady clock
    absl::Time lease_ends_at;
  };

  // The clock must outlive it.
  explicit EarlyClaims(Clock* clock) : clock_(*clock) {}

  // A claim has found out whether the endpoint's lane holds anything back.
  void Learn(std::string_view project_id, std::string_view endpoint_id, bool is_open);
  // The room that a claim has left, if it has left nothing that has been due for long; replaces
  // that of the claim before.
  void Offer(const ClaimRequest& request, const Claim& claim);
  void Withdraw();

  // A place for a delivery that is about to be stored, with an event of so many bytes. For one
  // writer, whose transaction ends with Add or GiveUp.
  std::optional<Place> Reserve(const Delivery& delivery, size_t event_bytes);
  // Of the places that were reserved since the last call of either: all are taken; or none is, as
  // nothing was stored.
  void Add(std::vector<EarlyClaim> claims);
  void GiveUp();

  std::vector<EarlyClaim> Take();
  // Of those that were taken and could not be given back.
  void PutBack(std::vector<EarlyClaim> claims);

 private:
  struct Amount {
    uint64_t items = 0;
    uint64_t bytes = 0;
    absl::flat_hash_map<std::string, uint32_t> of_endpoint;
  };
  struct Room : Amount {
    absl::Time now;         // as the claim was told
    absl::Time offered_at;  // by the steady clock
    absl::Duration lease;
  };

  Clock& clock_;
  absl::Mutex mutex_;
  // Of endpoints, with their projects.
  absl::flat_hash_map<std::string, std::string> open_ ABSL_GUARDED_BY(mutex_);
  std::optional<Room> room_ ABSL_GUARDED_BY(mutex_);
  Amount reserved_ ABSL_GUARDED_BY(mutex_);  // of the room that there is
  std::vector<EarlyClaim> claims_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::storage::postgres
