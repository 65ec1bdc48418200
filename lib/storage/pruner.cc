// A walk goes through all events that are old enough, piece by piece, and passes those that have
// not ended; the next one, after a rest, begins with the oldest again.
#include "lib/storage/pruner.h"

#include <algorithm>
#include <utility>

namespace convoy::storage {
namespace {

// A piece is a few milliseconds of the store's time; for three times as long, it is left to others.
constexpr uint32_t kRowsInPiece = 256;
constexpr absl::Duration kPauseMin = absl::Milliseconds(5);
constexpr int kPauseRatio = 3;

constexpr absl::Duration kRestMin = absl::Seconds(1);
constexpr absl::Duration kRestMax = absl::Minutes(1);

}  // namespace

Pruner::Pruner(absl::Duration retention, Storage* storage, Clock* clock, Observer* observer)
    : retention_(retention),
      rest_(std::clamp(retention / 10, kRestMin, kRestMax)),
      storage_(*storage),
      clock_(*clock),
      observer_(*observer) {}

absl::Time Pruner::Step(absl::Time kept_from) {
  const absl::Time now = clock_.Now();
  next_at_ = std::min(next_at_, now + rest_);  // a clock that was set back does not stop it
  if (now >= next_at_) Prune(now, kept_from);
  return next_at_;
}

void Pruner::Prune(absl::Time now, absl::Time kept_from) {
  absl::StatusOr<Pruned> pruned =
      storage_.Prune({.events_before = std::min(now - retention_, kept_from),
                      .after_event_id = last_event_id_,
                      .keys_expired_by = now - kExpiredKeyGrace,
                      .items_max = kRowsInPiece});
  const absl::Time end = clock_.Now();
  if (!pruned.ok()) {
    const LogField fields[] = {{"error", pruned.status().message()}};
    observer_.Log(LogLevel::kError, "cannot prune", fields);
    failures_.Add(1);
    next_at_ = end + rest_;
    return;
  }
  events_.Add(static_cast<int64_t>(pruned->events_count));
  deliveries_.Add(static_cast<int64_t>(pruned->deliveries_count));
  attempts_.Add(static_cast<int64_t>(pruned->attempts_count));
  keys_.Add(static_cast<int64_t>(pruned->keys_count));
  if (pruned->may_have_more) {
    last_event_id_ = std::move(pruned->last_event_id);
    next_at_ = end + std::max(kPauseMin, kPauseRatio * (end - now));
  } else {
    last_event_id_.clear();
    next_at_ = end + rest_;
  }
}

PruneCounters Pruner::counters() const {
  return {.events = events_.value(),
          .deliveries = deliveries_.value(),
          .attempts = attempts_.value(),
          .keys = keys_.value(),
          .failures = failures_.value()};
}

}  // namespace convoy::storage
