// Chunks of jobs: the next piece of one, as a batch that has its effect and its progress in one
// transaction. Reads the store and the configuration, writes nothing.
#pragma once

#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "convoy/storage.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/intake/intake.h"
#include "lib/model/job.h"

namespace convoy::jobs {

// Must outlive their users.
struct ChunkParts {
  Storage* storage;
  config::ConfigCache* configuration;
  const intake::Intake* intake;
  Clock* clock;
  base::UlidGenerator* ulids;
  uint32_t open_jobs_max = UINT32_MAX;  // of a project
};

struct Chunk {
  WriteBatch batch;  // without the write of the job
  model::Job next;   // the job once the batch is written
  // The job has no object: its project or its event is gone, or the event was a duplicate. It is to
  // be removed.
  bool is_void = false;
  // It can go on when other jobs of its project have ended: there is nothing to write.
  bool is_stalled = false;
};

// A fan-out while its project changes: what counts is how a subscription is when its turn comes.
// One that has gone or does not want the event any more gets nothing, one that was made meanwhile
// gets the event. Instants would not tell which these are: clocks are set, and differ.
absl::StatusOr<Chunk> PlanChunk(const ChunkParts& parts, const model::Job& job);

}  // namespace convoy::jobs
