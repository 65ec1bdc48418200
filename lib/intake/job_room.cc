// Room for jobs: a look at the project's list of open ones.
#include "lib/intake/job_room.h"

#include <optional>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/intake/ingest_report.h"
#include "lib/model/job.h"

namespace convoy::intake {

absl::Status TooManyJobs(uint32_t open_jobs_max) {
  return RefuseIngest(absl::StatusCode::kResourceExhausted, ingest_refusal::kTooManyJobs,
                      absl::StrCat("open_jobs_max: the project has ", open_jobs_max,
                                   " open jobs already; try again when some are done"));
}

bool IsTooManyJobs(const absl::Status& status) {
  return IngestReasonOf(status) == ingest_refusal::kTooManyJobs;
}

absl::Status CheckJobRoom(Storage& storage, uint32_t open_jobs_max, const WriteBatch& batch) {
  const std::optional<model::Job> job = model::FindJob(batch);
  if (!job.has_value()) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(
      const Page<ConfigRecord> open,
      storage.ListConfig(model::OpenJobsOf(job->project_id), {.items_max = open_jobs_max}));
  // A batch of more than there may ever be waits until none is open.
  const bool has_room =
      open.items.empty() || open.items.size() + model::CountJobs(batch) <= open_jobs_max;
  return has_room ? absl::OkStatus() : TooManyJobs(open_jobs_max);
}

}  // namespace convoy::intake
