// Retention of whole slices of time, and the making of those to come; see slices.h. Both belong to
// the walk of retention through all events, which comes about once a minute, in each process.
//
// A slice is dropped when all its events have expired and ended. Attempts that were made after its
// end go first, and then, one by one, events of it that have a delivery in another slice. If there
// is anything else that keeps it, its rows are left to the retention of rows.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/storage/postgres/failure.h"
#include "lib/storage/postgres/slices.h"
#include "lib/storage/postgres/writer.h"

namespace convoy::storage::postgres {
namespace {

// Of events that are in the way of a slice's end: so many pieces are removed for each look, which
// costs a connection.
constexpr uint32_t kCrossingPieces = 4;
// Of attempts that are in the way, so many are removed at once: one row each, by an index.
constexpr uint32_t kAttemptsMax = 2'000;

}  // namespace

int64_t Writer::RowsEndOf(const PruneRequest& request) {
  const int64_t end = RowsEnd(slices_, LeastKeyAt(request.events_before),
                              opener_.clock().Now() - request.events_before);
  return busy_from_.has_value() ? std::min(end, *busy_from_) : end;
}

// Removes events, each with its deliveries and attempts, in transactions of a piece each.
absl::StatusOr<Pruned> Writer::PruneCrossing(const PruneRequest& request,
                                             const std::vector<int64_t>& events) {
  constexpr size_t kRowsOfEvent = 4;  // often less; what is left over comes with the next look
  const size_t piece = std::max<size_t>(request.items_max / kRowsOfEvent, 1);
  Pruned sum{.last_event_id = request.after_event_id, .may_have_more = true};
  for (size_t first = 0; first < events.size(); first += piece) {
    const auto end =
        events.begin() + static_cast<ptrdiff_t>(std::min(first + piece, events.size()));
    CONVOY_ASSIGN_OR_RETURN(
        const Pruned pruned,
        PruneKeys(request, {events.begin() + static_cast<ptrdiff_t>(first), end}));
    sum.events_count += pruned.events_count;
    sum.deliveries_count += pruned.deliveries_count;
    sum.attempts_count += pruned.attempts_count;
  }
  return sum;
}

// Looks for the first of the slices that may be dropped.
absl::StatusOr<std::optional<Pruned>> Writer::FreeSlice(Connection& own,
                                                        const std::vector<Slice>& slices,
                                                        const PruneRequest& request,
                                                        std::optional<Slice>& out_free) {
  for (const Slice& slice : slices) {
    if (slice.end_key > LeastKeyAt(request.events_before)) break;
    const absl::StatusOr<SliceLook> look = LookAt(own, slice, kCrossingPieces * request.items_max);
    if (IsMissingTable(look.status())) continue;  // another process has dropped it
    CONVOY_RETURN_IF_ERROR(look.status());
    if (look->is_held) continue;
    if (look->has_crossing_attempts) {
      const absl::StatusOr<uint64_t> removed = RemoveCrossingAttempts(own, slice, kAttemptsMax);
      if (!removed.ok() && ClassOf(removed.status()) == FailureClass::kRetry) continue;
      CONVOY_RETURN_IF_ERROR(removed.status());
      if (*removed == 0) continue;  // their deliveries are about to be made again
      return Pruned{.attempts_count = *removed,
                    .last_event_id = request.after_event_id,
                    .may_have_more = true};
    }
    if (look->crossing.empty()) {
      out_free = slice;
      return std::nullopt;
    }
    CONVOY_ASSIGN_OR_RETURN(const Pruned pruned, PruneCrossing(request, look->crossing));
    if (pruned.events_count > 0) return pruned;
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<Pruned>> Writer::TendSlices(const PruneRequest& request) {
  const absl::Time now = opener_.clock().Now();
  const absl::Duration retention = now - request.events_before;
  std::vector<Slice> slices;
  {
    absl::MutexLock lock(&mutex_);
    CONVOY_RETURN_IF_ERROR(opener_.CheckHealth());
    CONVOY_ASSIGN_OR_RETURN(Connection * looking, session_.Connect());
    CONVOY_ASSIGN_OR_RETURN(slices, ReadSlices(*looking));
    slices_ = slices;
    busy_from_.reset();
  }
  const bool should_make = !SlicesToMake(slices, now, retention).empty();
  const bool has_expired =
      !slices.empty() && slices.front().end_key <= LeastKeyAt(request.events_before);
  if (!should_make && !has_expired) return std::nullopt;
  // On a connection of its own: counting and waiting take longer than others should wait for, and
  // the statements, which name partitions, are prepared for this once.
  CONVOY_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> own,
                          Connection::Open(opener_.options()));
  std::optional<Slice> free;
  CONVOY_ASSIGN_OR_RETURN(std::optional<Pruned> pruned, FreeSlice(*own, slices, request, free));
  absl::Status status;
  if (should_make) status = MakeSlices(*own, opener_.options().schema, now, retention);
  if (status.ok() && free.has_value()) {
    absl::StatusOr<std::optional<Pruned>> dropped =
        DropSlice(*own, opener_.options().schema, *free);
    status = dropped.status();
    if (dropped.ok()) pruned = *std::move(dropped);
  }
  absl::MutexLock lock(&mutex_);
  if (absl::IsPermissionDenied(status)) {
    slices_.clear();  // it does not own the tables: all rows are removed one by one
    return pruned;
  }
  CONVOY_RETURN_IF_ERROR(status);
  if (free.has_value() && !pruned.has_value()) busy_from_ = free->first_key;
  return pruned;
}

absl::StatusOr<Pruned> Writer::Prune(const PruneRequest& request) {
  // A walk through all events begins.
  if (request.project_id.empty() && request.after_event_id.empty()) {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<Pruned> pruned, TendSlices(request));
    if (pruned.has_value()) return *pruned;
  }
  return PruneRows(request);
}

}  // namespace convoy::storage::postgres
