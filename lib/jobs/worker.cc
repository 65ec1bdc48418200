// One chunk at a time, of one project after the other. The list of open jobs is read when one was
// written here, when another worker was faster, and now and then where the store is shared.
#include "lib/jobs/worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"

namespace convoy::jobs {
namespace {

using model::Job;
using model::JobState;

// A chunk takes some milliseconds of the store's time.
constexpr int kPauseRatio = 2;
constexpr absl::Duration kPauseMin = absl::Milliseconds(2);
constexpr absl::Duration kPauseMax = absl::Seconds(1);
constexpr absl::Duration kFailurePause = absl::Seconds(1);
// Workers that met are unlikely to meet again.
constexpr int64_t kOvertakenPauseMaxMs = 64;
constexpr absl::Duration kLookInterval = absl::Seconds(2);
constexpr uint32_t kOpenMax = 1000;

// So many ended jobs of a project stay to be looked at; the oldest of the others go with the end of
// each further one.
constexpr uint32_t kEndedKept = 100;
constexpr uint32_t kEndedRemovedMax = 32;

// Whether a job cannot go on, now or later.
bool IsFinal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ||
         absl::IsUnimplemented(status) || absl::IsFailedPrecondition(status);
}

}  // namespace

Worker::Worker(WorkerParts parts) : parts_(std::move(parts)) {}

void Worker::set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

void Worker::OnWritten(std::span<const ConfigWrite> writes) {
  for (const ConfigWrite& write : writes) {
    // That of a chunk is guarded; a new job is not.
    const bool has_job =
        write.is_unconditional &&
        std::any_of(write.puts.begin(), write.puts.end(),
                    [](const ConfigRecord& put) { return put.kind == ConfigKind::kJob; });
    if (!has_job) continue;
    should_look_ = true;
    if (wake_) wake_();
    return;
  }
}

absl::Time Worker::Step() {
  const absl::Time now = parts_.chunk.clock->Now();
  // A clock that was set back does not stop it.
  next_at_ = std::min(next_at_, now + kFailurePause);
  next_look_at_ = std::min(next_look_at_, now + kLookInterval);
  if (flight_.has_value()) {
    std::optional<absl::Status> landed;
    {
      absl::MutexLock lock(&mutex_);
      std::swap(landed, landed_);
    }
    if (!landed.has_value()) return absl::InfiniteFuture();
    Settle(*landed, now);
  }
  if (now < next_at_) return next_at_;
  const bool is_shared = parts_.chunk.storage->may_be_shared();
  if (should_look_.exchange(false) || (is_shared && now >= next_look_at_)) {
    if (const absl::Status status = Look(now); !status.ok()) {
      should_look_ = true;
      Fail(status, now);
      return next_at_;
    }
  }
  while (const Open* const open = Choose()) {
    const std::string id = open->id;
    bool is_stalled = false;
    const absl::Status status = Begin(*open, now, &is_stalled);
    if (flight_.has_value()) return absl::InfiniteFuture();
    if (!status.ok()) {
      Fail(status, now);
      return next_at_;
    }
    if (is_stalled) {
      Stall(id);
    } else {
      Forget(id);
    }
  }
  if (is_cut_) {  // there were more open jobs than one look shows
    should_look_ = true;
    return next_at_ = now + kPauseMin;
  }
  return is_shared ? next_look_at_ : absl::InfiniteFuture();
}

absl::Status Worker::Look(absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const Page<ConfigRecord> page,
                          parts_.chunk.storage->ListConfig(
                              model::OpenJobs(), {.is_ascending = true, .items_max = kOpenMax}));
  open_.clear();
  is_cut_ = page.has_next;
  has_looked_ = true;
  for (const ConfigRecord& record : page.items) {
    const absl::StatusOr<Job> job = model::DecodeJob(record);
    open_.push_back({.id = record.id,
                     .project_id = record.project_id,
                     .created_at = job.ok() ? job->created_at : now});
  }
  next_look_at_ = now + kLookInterval;
  Publish();
  return absl::OkStatus();
}

const Worker::Open* Worker::Choose() const {
  const Open* next = nullptr;   // of the least project behind the last one
  const Open* first = nullptr;  // of the least project
  for (const Open& open : open_) {
    if (open.is_stalled) continue;
    if (first == nullptr || open.project_id < first->project_id) first = &open;
    if (open.project_id <= last_project_id_) continue;
    if (next == nullptr || open.project_id < next->project_id) next = &open;
  }
  return next == nullptr ? first : next;
}

absl::Status Worker::Begin(const Open& open, absl::Time now, bool* out_is_stalled) {
  last_project_id_ = open.project_id;
  Storage& storage = *parts_.chunk.storage;
  // First the revision: if the job changes after it was read, the chunk is refused.
  CONVOY_ASSIGN_OR_RETURN(const uint64_t revision,
                          storage.ConfigRevision(model::JobScopeOf(open.project_id)));
  const absl::StatusOr<ConfigRecord> record =
      storage.GetConfig(ConfigKind::kJob, open.project_id, open.id);
  if (absl::IsNotFound(record.status())) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(record.status());
  const absl::StatusOr<Job> read = model::DecodeJob(*record);
  if (!read.ok()) {
    TellOfDamage(read.status());
    return absl::OkStatus();
  }
  const Job& job = *read;
  if (!job.is_open()) return absl::OkStatus();
  absl::StatusOr<Chunk> chunk = PlanChunk(parts_.chunk, job);
  if (IsFinal(chunk.status())) {
    const std::string error(chunk.status().message());
    chunk = Chunk{.next = job};
    chunk->next.state = JobState::kFailed;
    chunk->next.error = error;
  }
  CONVOY_RETURN_IF_ERROR(chunk.status());
  *out_is_stalled = chunk->is_stalled;
  if (chunk->is_stalled) return absl::OkStatus();
  chunk->next.updated_at = now;
  CONVOY_RETURN_IF_ERROR(AddJob(*chunk, revision));
  flight_ = Flight{.before = job, .after = chunk->next, .is_void = chunk->is_void, .began_at = now};
  parts_.commits->CommitAsync(std::move(chunk->batch), [this](const CommitResult& result) {
    {
      absl::MutexLock lock(&mutex_);
      landed_ = result.status;
    }
    if (wake_) wake_();
  });
  return absl::OkStatus();
}

absl::Status Worker::AddJob(Chunk& chunk, uint64_t revision) {
  const Job& next = chunk.next;
  // Before the writes of new jobs, which raise the revision.
  ConfigWrite& write = *chunk.batch.config.emplace(chunk.batch.config.begin());
  write.scope = model::JobScopeOf(next.project_id);
  write.expected_revision = revision;
  if (chunk.is_void) {
    write.removes.push_back({.kind = ConfigKind::kJob, .id = next.id});
    return absl::OkStatus();
  }
  write.puts.push_back(model::EncodeJob(next));
  if (next.is_open()) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const Page<ConfigRecord> ended,
                          parts_.chunk.storage->ListConfig(
                              model::EndedJobsOf(next.project_id),
                              {.is_ascending = true, .items_max = kEndedKept + kEndedRemovedMax}));
  for (size_t i = 0; i + kEndedKept <= ended.items.size(); ++i) {
    write.removes.push_back({.kind = ConfigKind::kJob, .id = ended.items[i].id});
  }
  return absl::OkStatus();
}

void Worker::Settle(const absl::Status& status, absl::Time now) {
  const Flight flight = *std::exchange(flight_, std::nullopt);
  if (absl::IsAborted(status)) {
    overtaken_.Add(1);
    should_look_ = true;
    uint8_t byte = 0;
    parts_.random->Fill({&byte, 1});
    next_at_ = now + absl::Milliseconds(byte % kOvertakenPauseMaxMs);
    return;
  }
  if (!status.ok()) return Fail(status, now);
  is_failing_ = false;
  chunks_.Add(1);
  const uint64_t made = flight.after.done_count - flight.before.done_count;
  deliveries_.Add(static_cast<int64_t>(made));
  TellOf(flight);
  if (flight.is_void || !flight.after.is_open()) Forget(flight.after.id);
  if (made > 0 && parts_.notify) parts_.notify();
  next_at_ = now + std::clamp(kPauseRatio * (now - flight.began_at), kPauseMin, kPauseMax);
}

void Worker::Stall(const std::string& id) {
  for (Open& open : open_) open.is_stalled |= open.id == id;
}

void Worker::Forget(const std::string& id) {
  std::erase_if(open_, [&id](const Open& open) { return open.id == id; });
  for (Open& open : open_) open.is_stalled = false;
  Publish();
}

// At its beginning and at its end.
void Worker::TellOf(const Flight& flight) {
  const Job& job = flight.after;
  const bool is_first = flight.before.cursor.empty() && flight.before.cursor_endpoint.empty();
  if (flight.is_void || (job.is_open() && !is_first)) return;
  const std::string expected = absl::StrCat(job.expected_count),
                    done = absl::StrCat(job.done_count), skipped = absl::StrCat(job.skipped_count);
  const LogField fields[] = {{"job_id", job.id},
                             {"project_id", job.project_id},
                             {"kind", model::Name(job.kind)},
                             {"expected", expected},
                             {"done", done},
                             {"skipped", skipped},
                             {"error", job.error}};
  const bool is_failed = job.state == JobState::kFailed;
  parts_.observer->Log(is_failed ? LogLevel::kError : LogLevel::kInfo,
                       job.is_open() ? "job began"
                       : is_failed   ? "job failed"
                                     : "job ended",
                       fields);
}

// It must not keep the others waiting.
void Worker::TellOfDamage(const absl::Status& status) {
  failures_.Add(1);
  if (std::exchange(has_told_of_damage_, true)) return;
  const LogField fields[] = {{"error", status.message()}};
  parts_.observer->Log(LogLevel::kError, "a job cannot be read and is left alone", fields);
}

void Worker::Fail(const absl::Status& status, absl::Time now) {
  failures_.Add(1);
  next_at_ = now + kFailurePause;
  if (std::exchange(is_failing_, true)) return;  // told already
  const LogField fields[] = {{"error", status.message()}};
  parts_.observer->Log(LogLevel::kError, "cannot work on jobs", fields);
}

void Worker::Publish() {
  absl::MutexLock lock(&mutex_);
  open_count_ = open_.size();
  oldest_at_ = absl::InfiniteFuture();
  for (const Open& open : open_) oldest_at_ = std::min(oldest_at_, open.created_at);
}

// A job is made with its event, by a clock that may be set in between.
absl::Time Worker::events_needed_from() const {
  constexpr absl::Duration kMargin = absl::Hours(1);
  if (!has_looked_) return absl::InfinitePast();
  absl::Time oldest_at = absl::InfiniteFuture();
  for (const Open& open : open_) oldest_at = std::min(oldest_at, open.created_at);
  return oldest_at - kMargin;
}

JobCounts Worker::counts() const {
  JobCounts counts{.chunks = chunks_.value(),
                   .overtaken = overtaken_.value(),
                   .failures = failures_.value(),
                   .deliveries = deliveries_.value()};
  absl::MutexLock lock(&mutex_);
  counts.open = open_count_;
  counts.oldest_at = oldest_at_;
  return counts;
}

}  // namespace convoy::jobs
