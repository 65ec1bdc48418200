// Jobs: work on many objects that a request asks for and that is done afterwards, piece by piece. A
// job is a record of the configuration; each piece is one transaction with the job's next record,
// so that progress and effect are the same thing, whatever process does it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"

namespace convoy::model {

// The spellings below are stored: they are permanent.
enum class JobKind : uint8_t {
  kFanout,       // "fanout": the deliveries of an event that was just accepted
  kReplay,       // "replay": new deliveries of one event
  kBatchRetry,   // "batch_retry": deliveries that failed are scheduled again
  kBatchReplay,  // "batch_replay": new deliveries of many events
};

enum class JobState : uint8_t {
  kOpen,       // "open"
  kDone,       // "done"
  kCancelled,  // "cancelled"
  kFailed,     // "failed": `error` says why it cannot go on
};

// The endpoints of an event.
enum class JobAudience : uint8_t {
  kMatching,   // "matching": whatever subscription matches it, of `source_id` unless that is empty
  kOwner,      // "owner": the endpoints of `owner_id`
  kDelivered,  // "delivered": those that it was delivered to when it was accepted
};

struct Job {
  std::string id;
  std::string project_id;
  JobKind kind = JobKind::kFanout;
  JobState state = JobState::kOpen;
  std::string error;

  // Of a fan-out or a replay.
  std::string event_id;
  JobAudience audience = JobAudience::kMatching;
  std::string source_id;
  std::string owner_id;
  absl::Time deliveries_at;  // when its deliveries count as made

  // The filter of a batch.
  DeliveryQuery deliveries;
  EventQuery events;

  // How far it has come: where the next piece begins, as its kind understands it.
  std::string cursor;
  std::string cursor_endpoint;
  uint64_t expected_count = 0;  // of objects to look at, as it was estimated at the beginning
  uint64_t seen_count = 0;      // objects that were looked at
  uint64_t done_count = 0;      // deliveries that were made or scheduled again
  uint64_t skipped_count = 0;   // objects that could not be, e.g. because the endpoint is paused

  absl::Time created_at;
  absl::Time updated_at;

  bool is_open() const { return state == JobState::kOpen; }
};

std::string_view Name(JobKind kind);
std::string_view Name(JobState state);

// The scope whose revision guards the jobs of a project.
std::string JobScopeOf(std::string_view project_id);

ConfigRecord EncodeJob(const Job& job);
// kDataLoss if the record is damaged.
absl::StatusOr<Job> DecodeJob(const ConfigRecord& record);

// Open jobs of all projects, or of one: queries of Storage::ListConfig.
ConfigQuery OpenJobs();
ConfigQuery OpenJobsOf(std::string_view project_id);
ConfigQuery EndedJobsOf(std::string_view project_id);

// The write that brings a new job. It conflicts with no other one.
ConfigWrite NewJobWrite(const Job& job);
// The first job that a batch brings, if any.
std::optional<Job> FindJob(const WriteBatch& batch);
size_t CountJobs(const WriteBatch& batch);

}  // namespace convoy::model
