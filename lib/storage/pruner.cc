// A walk goes through all events that are old enough, piece by piece, and passes those that have
// not ended; the next one, after a rest, begins with the oldest again. Between two rests come a
// walk through all events and one for each project that keeps its events for a shorter time.
#include "lib/storage/pruner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"

namespace convoy::storage {
namespace {

// A piece is a few milliseconds of the store's time; for three times as long, it is left to others.
constexpr uint32_t kRowsInPiece = 256;
constexpr uint32_t kProjectsInPiece = 100;
constexpr absl::Duration kPauseMin = absl::Milliseconds(5);
constexpr int kPauseRatio = 3;

constexpr absl::Duration kRestMin = absl::Seconds(1);
constexpr absl::Duration kRestMax = absl::Minutes(1);

}  // namespace

Pruner::Pruner(absl::Duration retention, Storage* storage, Clock* clock, Observer* observer)
    : retention_(retention),
      storage_(*storage),
      clock_(*clock),
      observer_(*observer),
      walk_({.retention = retention}),
      retention_least_(retention) {}

absl::Time Pruner::Step(absl::Time kept_from) {
  const absl::Time now = clock_.Now();
  next_at_ = std::min(next_at_, now + kRestMax);  // a clock that was set back does not stop it
  if (now >= next_at_) Prune(now, kept_from);
  return next_at_;
}

void Pruner::Prune(absl::Time now, absl::Time kept_from) {
  absl::StatusOr<Pruned> pruned =
      storage_.Prune({.events_before = std::min(now - walk_.retention, kept_from),
                      .project_id = walk_.project_id,
                      .after_event_id = last_event_id_,
                      .keys_expired_by = now - kExpiredKeyGrace,
                      .items_max = kRowsInPiece});
  absl::StatusOr<bool> is_going_on = pruned.ok() && pruned->may_have_more;
  if (pruned.ok()) {
    events_.Add(static_cast<int64_t>(pruned->events_count));
    deliveries_.Add(static_cast<int64_t>(pruned->deliveries_count));
    attempts_.Add(static_cast<int64_t>(pruned->attempts_count));
    keys_.Add(static_cast<int64_t>(pruned->keys_count));
    last_event_id_ = pruned->may_have_more ? std::move(pruned->last_event_id) : "";
    if (!pruned->may_have_more) is_going_on = NextWalk();
  }
  const absl::Time end = clock_.Now();
  const absl::Status& failure = pruned.ok() ? is_going_on.status() : pruned.status();
  if (!failure.ok()) {
    const LogField fields[] = {{"error", failure.message()}};
    observer_.Log(LogLevel::kError, "cannot prune", fields);
    failures_.Add(1);
    return Rest(end);
  }
  if (!*is_going_on) return Rest(end);
  next_at_ = end + std::max(kPauseMin, kPauseRatio * (end - now));
}

absl::StatusOr<bool> Pruner::NextWalk() {
  while (waiting_.empty() && !are_all_loaded_) CONVOY_RETURN_IF_ERROR(LoadWalks());
  if (waiting_.empty()) return false;
  walk_ = std::move(waiting_.back());
  waiting_.pop_back();
  retention_least_ = std::min(retention_least_, walk_.retention);
  return true;
}

// A page of projects, so that they need not be in memory at once.
absl::Status Pruner::LoadWalks() {
  CONVOY_ASSIGN_OR_RETURN(
      const Page<Project> page,
      ListConfig<Project>(storage_, {.conditions = {{.field = "retention", .values = {"own"}}}},
                          {.cursor = projects_cursor_, .items_max = kProjectsInPiece}));
  for (const Project& project : page.items) {
    const std::optional<absl::Duration>& retention = project.config.retention;
    // Events that the walk through all has left are not older than the gateway's retention.
    if (!retention.has_value() || *retention >= retention_) continue;
    waiting_.push_back({.project_id = project.id, .retention = *retention});
    const auto& meta = project.config.meta_events;
    if (meta.has_value() && !meta->project_id.empty()) {
      waiting_.push_back({.project_id = meta->project_id, .retention = *retention});
    }
  }
  projects_cursor_ = page.next_cursor;
  are_all_loaded_ = !page.has_next;
  return absl::OkStatus();
}

// Then it begins with the walk through all again, and from the oldest event on.
void Pruner::Rest(absl::Time end) {
  if (!walk_.project_id.empty()) last_event_id_.clear();
  next_at_ = end + std::clamp(retention_least_ / 10, kRestMin, kRestMax);
  walk_ = {.retention = retention_};
  waiting_.clear();
  projects_cursor_.clear();
  are_all_loaded_ = false;
  retention_least_ = retention_;
}

PruneCounters Pruner::counters() const {
  return {.events = events_.value(),
          .deliveries = deliveries_.value(),
          .attempts = attempts_.value(),
          .keys = keys_.value(),
          .failures = failures_.value()};
}

}  // namespace convoy::storage
