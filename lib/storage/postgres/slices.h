// Slices of time: event, delivery and attempt are partitioned by their keys, which ascend with the
// age of a row, and all three at the same bounds. What has expired goes with its slice, at the cost
// of three files, and not row by row.
//
// The table slice has a row for each, without a gap between them. The first one holds all that was
// there before there were slices (its partitions are called event_past and so on). Rows of no slice
// are in event_rest and so on: those of the minutes before the first slice is made, and those of
// clocks that are wrong by far. The retention of rows holds for all of them.
//
// Slices are as long as an eighth of the retention, so there are about ten at any time: a statement
// locks all partitions of its tables, and looks into each if it has no key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

struct Slice {
  int64_t first_key = 0;
  int64_t end_key = 0;

  friend bool operator==(const Slice&, const Slice&) = default;
};

// How long new slices are. `retention` is longer than any event is old if events are kept for ever;
// then `span`, the time from the first slice until now, counts.
absl::Duration SliceLength(absl::Duration retention, absl::Duration span);

// The slices that are missing so that the present one and the one after it are there. `slices` are
// all that there are, in their order; without any, none can be made.
std::vector<Slice> SlicesToMake(const std::vector<Slice>& slices, absl::Time now,
                                absl::Duration retention);

// Up to which key rows of expired events are removed one by one: those of a slice that has expired
// in part are left to its end, if that is not long after.
int64_t RowsEnd(const std::vector<Slice>& slices, int64_t expired_end_key,
                absl::Duration retention);

// SQL that makes partitioned tables of event, delivery and attempt as they were before, with their
// rows, and the table slice. The rows are read once.
std::string PartitionTables();
// SQL that makes the triggers of delivery, for PartitionTables; schema.cc.
extern const char* const kDeliveryTriggers;

absl::StatusOr<std::vector<Slice>> ReadSlices(Connection& connection);

// Makes those that are missing, in a transaction of its own. OK, too, if it cannot be done now,
// since others use the tables. kPermissionDenied if the role does not own them; so does DropSlice.
absl::Status MakeSlices(Connection& connection, const std::string& schema, absl::Time now,
                        absl::Duration retention);

// Why a slice whose events have all expired cannot be dropped, if so.
struct SliceLook {
  // Deliveries that have not ended, or rows that belong to events of other slices.
  bool is_held = false;
  // Attempts in other slices, of its deliveries. They must go first,
  bool has_crossing_attempts = false;
  // and so must events with deliveries in other slices, `items_max` of them at most.
  std::vector<int64_t> crossing;
};
absl::StatusOr<SliceLook> LookAt(Connection& connection, const Slice& slice, uint32_t items_max);

// Removes the crossing attempts of a slice without unexpired events, in a transaction of its own:
// those whose deliveries have ended, at most `items_max`. Returns how many were removed.
absl::StatusOr<uint64_t> RemoveCrossingAttempts(Connection& connection, const Slice& slice,
                                                uint32_t items_max);

// Drops a slice with all its rows, in a transaction of its own. nullopt if it cannot be done now.
absl::StatusOr<std::optional<Pruned>> DropSlice(Connection& connection, const std::string& schema,
                                                const Slice& slice);

}  // namespace convoy::storage::postgres
