// Handlers of jobs: batches that make one, their counts beforehand, and the jobs themselves.
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/read_limit.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/prepared_write.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/queries.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/job_room.h"
#include "lib/model/job.h"
#include "lib/storage/flow_counts.h"

namespace convoy::http {
namespace {

using model::Job;
using model::JobKind;
using model::JobState;

// How many parts of a count a request takes, each of kListRowsMax rows at most. A count that has
// not come to its end by then is a lower bound.
constexpr int kCountPartsMax = 20;

void WriteJob(json::Writer& writer, const Job& job) {
  writer.BeginObject()
      .Field("uid", job.id)
      .Field("project_id", job.project_id)
      .Field("kind", model::Name(job.kind))
      .Field("state", model::Name(job.state))
      .FieldIfSet("event_id", job.event_id)
      .FieldIfSet("error", job.error);
  writer.Key("progress").BeginObject();
  if (job.expected_count > 0) writer.Field("expected", job.expected_count);
  writer.Field("seen", job.seen_count)
      .Field("done", job.done_count)
      .Field("skipped", job.skipped_count)
      .EndObject();
  WriteTimeField(writer, "created_at", job.created_at);
  WriteTimeField(writer, "updated_at", job.updated_at);
  writer.EndObject();
}

// Only what has failed or was discarded can be retried: a filter without statuses means these.
absl::StatusOr<DeliveryQuery> ReadRetries(const Context& context) {
  constexpr DeliveryStatus kRetryable[] = {DeliveryStatus::kFailure, DeliveryStatus::kDiscarded};
  if (!ParameterOf(context.request->query, "query").empty()) {
    return absl::InvalidArgumentError("batch retry does not support search filters");
  }
  CONVOY_ASSIGN_OR_RETURN(DeliveryQuery wanted, ReadDeliveryQuery(context));
  std::vector<DeliveryStatus> statuses;
  for (const DeliveryStatus status : kRetryable) {
    const bool is_wanted =
        wanted.statuses.empty() ||
        std::find(wanted.statuses.begin(), wanted.statuses.end(), status) != wanted.statuses.end();
    if (is_wanted) statuses.push_back(status);
  }
  if (statuses.empty()) {
    return FieldError("status", "only deliveries with status Failure or Discarded can be retried");
  }
  wanted.statuses = std::move(statuses);
  return wanted;
}

absl::StatusOr<EventQuery> ReadReplays(const Context& context) {
  for (const std::string_view name : {"query", "body"}) {
    if (ParameterOf(context.request->query, name).empty()) continue;
    return absl::InvalidArgumentError("batch replay does not support search filters");
  }
  return ReadEventQuery(context);
}

// Adds up the parts that `count(cursor)` gives. The store is free between two of them.
template <typename CountFrom>
Reply Count(std::string_view message, CountFrom count) {
  CountPart sum;
  for (int parts_count = 0; parts_count < kCountPartsMax; ++parts_count) {
    if (base::ReadLimit::IsOver()) {
      return FromStatus(absl::DeadlineExceededError("the count takes too long"));
    }
    absl::StatusOr<CountPart> part = count(sum.next_cursor);
    if (!part.ok()) return FromStatus(part.status());
    sum.count += part->count;
    sum.next_cursor = std::move(part->next_cursor);
    if (sum.next_cursor.empty()) break;
  }
  return Success(200, message, ToJson([&](json::Writer& writer) {
                   writer.BeginObject().Field("num", sum.count);
                   if (!sum.next_cursor.empty()) writer.Field("is_lower_bound", true);
                   writer.EndObject();
                 }));
}

// Refuses a batch if the project has one of the kind already, or too many jobs.
absl::Status CheckMayAdd(Storage& storage, uint32_t open_jobs_max, const std::string& project_id,
                         JobKind kind) {
  CONVOY_ASSIGN_OR_RETURN(
      const Page<ConfigRecord> open,
      storage.ListConfig(model::OpenJobsOf(project_id), {.items_max = open_jobs_max}));
  for (const ConfigRecord& record : open.items) {
    CONVOY_ASSIGN_OR_RETURN(const Job job, model::DecodeJob(record));
    if (job.kind != kind) continue;
    return absl::FailedPreconditionError(kind == JobKind::kBatchRetry
                                             ? "an active batch retry already exists"
                                             : "an active batch replay already exists");
  }
  if (open.items.size() < open_jobs_max) return absl::OkStatus();
  return intake::TooManyJobs(open_jobs_max);
}

using AnswerJob = std::function<HttpResponse(const Job& job)>;

// A batch is made only while the project has the jobs that it was judged by.
Reply AddBatch(const Context& context, Job job, AnswerJob answer) {
  job.id = context.parts->ulids->Next();
  job.project_id = context.project->project().id;
  // Objects that are made from now on are not of the batch, so that it ends.
  job.created_at = job.updated_at = context.parts->clock->Now();
  job.deliveries.created_until = std::min(job.deliveries.created_until, job.created_at);
  job.events.created_until = std::min(job.events.created_until, job.created_at);
  return WritePrepared([&storage = *context.parts->storage,
                        open_jobs_max = context.options->open_jobs_max, job = std::move(job),
                        answer = std::move(answer)]() -> absl::StatusOr<Reply> {
    const std::string scope = model::JobScopeOf(job.project_id);
    CONVOY_ASSIGN_OR_RETURN(const uint64_t revision, storage.ConfigRevision(scope));
    CONVOY_RETURN_IF_ERROR(CheckMayAdd(storage, open_jobs_max, job.project_id, job.kind));
    PendingWrite pending;
    pending.batch.config.push_back({.scope = scope, .expected_revision = revision});
    pending.batch.config.push_back(model::NewJobWrite(job));
    pending.finish = [job, answer](const CommitResult&) -> Reply { return answer(job); };
    return Reply(std::move(pending));
  });
}

absl::StatusOr<Job> FindJob(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(const ConfigRecord record,
                          context.parts->storage->GetConfig(
                              ConfigKind::kJob, context.project->project().id, context.capture(1)));
  return model::DecodeJob(record);
}

}  // namespace

Reply BatchRetryDeliveries(const Context& context) {
  absl::StatusOr<DeliveryQuery> wanted = ReadRetries(context);
  if (!wanted.ok()) return FromStatus(wanted.status());
  return AddBatch(context, {.kind = JobKind::kBatchRetry, .deliveries = *std::move(wanted)},
                  [](const Job& job) {
                    return Success(200, "Batch retry processing",
                                   ToJson([&](json::Writer& writer) { WriteJob(writer, job); }));
                  });
}

Reply CountBatchRetry(const Context& context) {
  const absl::StatusOr<DeliveryQuery> wanted = ReadRetries(context);
  if (!wanted.ok()) return FromStatus(wanted.status());
  return Count("event deliveries count successful", [&](std::string_view cursor) {
    return storage::CountDeliveries(*context.parts->storage, *wanted, cursor);
  });
}

Reply BatchReplayEvents(const Context& context) {
  absl::StatusOr<EventQuery> wanted = ReadReplays(context);
  if (!wanted.ok()) return FromStatus(wanted.status());
  // Clients read the data as a text.
  return AddBatch(context, {.kind = JobKind::kBatchReplay, .events = *std::move(wanted)},
                  [](const Job& job) {
                    return Success(200, "Batch replay processing",
                                   ToJson([&](json::Writer& writer) { writer.String(job.id); }));
                  });
}

Reply CountBatchReplay(const Context& context) {
  const absl::StatusOr<EventQuery> wanted = ReadReplays(context);
  if (!wanted.ok()) return FromStatus(wanted.status());
  return Count("events count successful", [&](std::string_view cursor) {
    return storage::CountEvents(*context.parts->storage, *wanted, cursor);
  });
}

Reply ListJobs(const Context& context) {
  const PageRequest request = ParsePage(context.request->query);
  const auto records = context.parts->storage->ListConfig(
      {.kind = ConfigKind::kJob, .project_id = context.project->project().id}, request);
  if (!records.ok()) return FromStatus(records.status());
  std::vector<Job> jobs;
  for (const ConfigRecord& record : records->items) {
    absl::StatusOr<Job> job = model::DecodeJob(record);
    if (!job.ok()) return FromStatus(job.status());
    jobs.push_back(*std::move(job));
  }
  const Page<Job> page{.items = std::move(jobs),
                       .next_cursor = records->next_cursor,
                       .prev_cursor = records->prev_cursor,
                       .has_next = records->has_next,
                       .has_prev = records->has_prev};
  return Success(200, "Jobs fetched successfully", PageToJson(page, request, WriteJob));
}

Reply GetJob(const Context& context) {
  const absl::StatusOr<Job> job = FindJob(context);
  if (!job.ok()) return FromStatus(job.status());
  return Success(200, "Job fetched successfully",
                 ToJson([&](json::Writer& writer) { WriteJob(writer, *job); }));
}

// Its chunks that are written stay so.
Reply CancelJob(const Context& context) {
  return WritePrepared([context]() -> absl::StatusOr<Reply> {
    const std::string scope = model::JobScopeOf(context.project->project().id);
    CONVOY_ASSIGN_OR_RETURN(const uint64_t revision, context.parts->storage->ConfigRevision(scope));
    CONVOY_ASSIGN_OR_RETURN(Job job, FindJob(context));
    if (!job.is_open()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the job has ended already: it is ", model::Name(job.state)));
    }
    job.state = JobState::kCancelled;
    job.updated_at = context.parts->clock->Now();
    PendingWrite pending;
    pending.batch.config.push_back(
        {.scope = scope, .expected_revision = revision, .puts = {model::EncodeJob(job)}});
    pending.finish = [job](const CommitResult&) -> Reply {
      return Success(200, "Job cancelled successfully",
                     ToJson([&](json::Writer& writer) { WriteJob(writer, job); }));
    };
    return Reply(std::move(pending));
  });
}

}  // namespace convoy::http
