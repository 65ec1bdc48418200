// Rows of lanes: when a claim should look at an endpoint, and how much of its rate is used. The
// rules are those of lib/storage/sqlite/lanes.cc. With them goes the count of unfinished
// deliveries.
//
// A claim must not let a lane sleep past a delivery that it did not see. A writer of a waiting
// delivery therefore holds a shared lock of the lane, an advisory one, from before it looks at the
// lane's row until it has committed; where the row is awake early enough, that is all it does. A
// claim that would let the lane sleep needs the same lock for itself, does not wait for it, and
// looks for deliveries once more when it has it. A writer of many lanes takes none of these locks,
// which are few in a server: it writes the rows, and so holds those, which a claim locks first.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

// The lanes that a transaction has to do with, by the endpoint's number.
class Lanes {
 public:
  // An unfinished delivery that wakes then.
  void Wake(int64_t endpoint, int64_t project, int64_t wake_at_us);
  // One whose head may have got another state.
  void NoteChange(int64_t endpoint) { changed_.insert(endpoint); }
  // So many more unfinished deliveries of a project; fewer if it is negative.
  void CountUnfinished(int64_t project, int64_t by) { backlogs_[project] += by; }
  // Deliveries were sent late.
  void NoteLateness(int64_t endpoint, absl::Duration by, absl::Time as_of);

  // All that `other` has to do with, too.
  void Add(const Lanes& other);

  // Whether a lane is woken by then.
  bool WakesBy(int64_t time_us) const;

  // Queues the writes.
  void Queue(Connection& connection) const;

  // Keeps writers away from lanes until the transaction ends: the number of each lane, from 1 on,
  // and 0 where a writer is at it.
  static absl::StatusOr<Rows> TryShutOut(Connection& connection,
                                         const std::vector<int64_t>& endpoints);

 private:
  struct Woken {
    int64_t project = 0;
    int64_t wake_at_us = 0;
  };
  struct Late {
    absl::Duration by = absl::ZeroDuration();
    absl::Time as_of = absl::InfinitePast();
  };

  std::map<int64_t, Woken> woken_;
  std::set<int64_t> changed_;
  std::map<int64_t, Late> late_;
  std::map<int64_t, int64_t> backlogs_;
};

// Opens the lanes of the endpoints among the records that were changed.
absl::Status OpenLanes(Connection& connection, std::span<const ConfigWrite> writes);

}  // namespace convoy::storage::postgres
