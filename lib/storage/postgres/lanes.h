// Rows of lanes: when a claim should look at an endpoint, and how much of its rate is used. The
// rules are those of lib/storage/sqlite/lanes.cc.
//
// A writer of a waiting delivery writes its lane in the same transaction, and so holds the lane's
// row: a claim, which locks the row first, sees all deliveries of the lane or none of a writer that
// is under way, and never sets a lane to sleep past one that it did not see.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>

#include "absl/status/status.h"
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
  // Deliveries were sent late.
  void NoteLateness(int64_t endpoint, absl::Duration by, absl::Time as_of);

  // Whether a lane is woken by then.
  bool WakesBy(int64_t time_us) const;

  // Queues the writes.
  void Queue(Connection& connection) const;

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
};

// Opens the lanes of the endpoints among the records that were changed.
absl::Status OpenLanes(Connection& connection, std::span<const ConfigWrite> writes);

}  // namespace convoy::storage::postgres
