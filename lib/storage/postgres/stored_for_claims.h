// Results of a write that the claims after it need not read: deliveries that were stored as
// claimed, and events of which others wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

#include "convoy/model/traffic.h"
#include "lib/storage/postgres/opener.h"

namespace convoy::storage::postgres {

// Its pointers are to the batches of the write.
struct StoredForClaims {
  struct KeptEvent {
    Event* event;
    bool has_unclaimed = false;  // a delivery of it is to be claimed yet
  };
  struct ClaimedDelivery {
    size_t event;  // its place among the events
    Delivery* delivery;
    int64_t key;  // of its row
    uint64_t lease;
    absl::Time made_at;  // by the steady clock
  };

  void Add(const StoredForClaims& other);
  // Once all of it is committed. Moves from the batches.
  void HandOver(Opener& opener);

  std::vector<KeptEvent> events;
  std::vector<ClaimedDelivery> claims;
};

}  // namespace convoy::storage::postgres
