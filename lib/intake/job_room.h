// Bound on the open jobs of a project: work that it has asked for and that is not done yet.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

#include "convoy/storage.h"

namespace convoy::intake {

// kResourceExhausted if the batch brings jobs and with them their project, which is one, would have
// more open ones than it may have. Requests at the same instant do not see each other's jobs, so
// there may be a few more. Reads the store only for a batch with a job.
absl::Status CheckJobRoom(Storage& storage, uint32_t open_jobs_max, const WriteBatch& batch);

// The refusal itself: it names the setting.
absl::Status TooManyJobs(uint32_t open_jobs_max);
// Whether a status is such a refusal, whose message is meant for the caller.
bool IsTooManyJobs(const absl::Status& status);

}  // namespace convoy::intake
