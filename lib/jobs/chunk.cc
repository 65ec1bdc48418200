// One function for each kind of job: from the job as it is to what its next piece writes.
#include "lib/jobs/chunk.h"

#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/body/body_view.h"
#include "lib/intake/audience.h"
#include "lib/intake/deliveries.h"
#include "lib/intake/job_room.h"

namespace convoy::jobs {
namespace {

using intake::AudiencePiece;
using intake::AudiencePlace;
using model::Job;
using model::JobAudience;
using model::JobKind;
using model::JobState;
using Snapshot = std::shared_ptr<const route::ProjectSnapshot>;

constexpr int kChunkEventsMax = 16;

// Of the subscriptions that the event was delivered for when it was accepted, those that want it
// now.
absl::StatusOr<AudiencePiece> FindDelivered(const ChunkParts& parts,
                                            const route::ProjectSnapshot& project, const Job& job,
                                            const Event& event,
                                            const route::EventContent& content) {
  CONVOY_ASSIGN_OR_RETURN(
      Page<Delivery> page,
      parts.storage->ListDeliveries({.project_id = job.project_id, .event_id = job.event_id},
                                    {.cursor = job.cursor,
                                     .is_ascending = true,
                                     .items_max = parts.intake->limits().chunk_looks}));
  AudiencePiece piece{.looks_count = page.items.size(),
                      .end = {.subscription_id = std::move(page.next_cursor)},
                      .has_more = page.has_next};
  for (const Delivery& delivery : page.items) {
    if (delivery.created_at != event.created_at) continue;  // of another replay
    const Subscription* const subscription = project.FindSubscription(delivery.subscription_id);
    if (subscription == nullptr || !project.Wants(*subscription, event.event_type, content)) {
      continue;
    }
    piece.wanting.push_back(subscription);
  }
  return piece;
}

absl::StatusOr<AudiencePiece> FindPiece(const ChunkParts& parts,
                                        const route::ProjectSnapshot& project, const Job& job,
                                        const Event& event) {
  body::BodyView body(event.content_type, event.headers, event.body);
  const route::EventContent content{
      .view = &body, .headers = &event.headers, .query = event.url_query, .path = event.url_path};
  const size_t looks_max = parts.intake->limits().chunk_looks;
  const AudiencePlace from{.endpoint_id = job.cursor_endpoint, .subscription_id = job.cursor};
  switch (job.audience) {
    case JobAudience::kMatching:
      return FindMatching(project, event, job.source_id, from, looks_max, content);
    case JobAudience::kOwner:
      return FindOfOwner(project, event, job.owner_id, from, looks_max, content);
    case JobAudience::kDelivered:
      break;
  }
  return FindDelivered(parts, project, job, event, content);
}

// Of a fan-out or a replay.
absl::StatusOr<Chunk> PlanDeliveries(const ChunkParts& parts, const Snapshot& project,
                                     const Job& job) {
  const absl::StatusOr<Event> event = parts.storage->GetEvent(job.project_id, job.event_id);
  if (absl::IsNotFound(event.status()) || (event.ok() && event->is_duplicate)) {
    return Chunk{.next = job, .is_void = true};
  }
  CONVOY_RETURN_IF_ERROR(event.status());
  CONVOY_ASSIGN_OR_RETURN(AudiencePiece piece, FindPiece(parts, *project, job, *event));
  Chunk chunk{.next = job};
  chunk.batch.extra_deliveries =
      intake::MakeDeliveries(*project, *event, piece.wanting, job.deliveries_at, *parts.ulids);
  chunk.next.cursor = std::move(piece.end.subscription_id);
  chunk.next.cursor_endpoint = std::move(piece.end.endpoint_id);
  chunk.next.seen_count += piece.looks_count;
  chunk.next.done_count += chunk.batch.extra_deliveries.size();
  if (!piece.has_more) chunk.next.state = JobState::kDone;
  return chunk;
}

// Whether another try of a delivery to this endpoint is of use.
bool IsActive(const route::ProjectSnapshot& project, const std::string& endpoint_id) {
  const Endpoint* const endpoint = project.FindEndpoint(endpoint_id);
  return endpoint != nullptr && endpoint->status == EndpointStatus::kActive;
}

absl::StatusOr<Chunk> PlanRetries(const ChunkParts& parts, const Snapshot& project,
                                  const Job& job) {
  CONVOY_ASSIGN_OR_RETURN(Page<Delivery> page,
                          parts.storage->ListDeliveries(
                              job.deliveries, {.cursor = job.cursor,
                                               .is_ascending = true,
                                               .items_max = parts.intake->limits().chunk_looks}));
  const absl::Time now = parts.clock->Now();
  Chunk chunk{.next = job};
  for (const Delivery& delivery : page.items) {
    if (!IsActive(*project, delivery.endpoint_id)) {
      ++chunk.next.skipped_count;
      continue;
    }
    chunk.batch.requeues.push_back({.project_id = job.project_id,
                                    .delivery_id = delivery.id,
                                    .from = {DeliveryStatus::kFailure, DeliveryStatus::kDiscarded},
                                    .due_at = now});
  }
  chunk.next.seen_count += page.items.size();
  chunk.next.done_count += chunk.batch.requeues.size();
  chunk.next.cursor = std::move(page.next_cursor);
  if (!page.has_next) chunk.next.state = JobState::kDone;
  return chunk;
}

// One event after the other, since each may have many deliveries. Those of very many become jobs of
// their own.
absl::StatusOr<Chunk> PlanReplays(const ChunkParts& parts, const Snapshot& project,
                                  const Job& job) {
  Chunk chunk{.next = job};
  Job& next = chunk.next;
  for (int i = 0; i < kChunkEventsMax && next.is_open(); ++i) {
    if (chunk.batch.extra_deliveries.size() >= parts.intake->limits().deliveries_max) break;
    CONVOY_ASSIGN_OR_RETURN(
        Page<Event> page,
        parts.storage->ListEvents(job.events,
                                  {.cursor = next.cursor, .is_ascending = true, .items_max = 1}));
    for (const Event& event : page.items) {
      ++next.seen_count;
      if (event.is_duplicate) {
        ++next.skipped_count;
        continue;
      }
      CONVOY_ASSIGN_OR_RETURN(WriteBatch replay, parts.intake->PrepareReplay(*project, event));
      if (!replay.config.empty()) {
        // One in a chunk, so that those before it are counted.
        const absl::Status room =
            chunk.batch.config.empty()
                ? intake::CheckJobRoom(*parts.storage, parts.open_jobs_max, replay)
                : intake::TooManyJobs(parts.open_jobs_max);
        if (intake::IsTooManyJobs(room)) {
          --next.seen_count;
          chunk.is_stalled = next.seen_count == job.seen_count;
          return chunk;
        }
        CONVOY_RETURN_IF_ERROR(room);
      }
      next.done_count += replay.extra_deliveries.size();
      std::move(replay.extra_deliveries.begin(), replay.extra_deliveries.end(),
                std::back_inserter(chunk.batch.extra_deliveries));
      std::move(replay.config.begin(), replay.config.end(), std::back_inserter(chunk.batch.config));
    }
    next.cursor = std::move(page.next_cursor);
    if (!page.has_next) next.state = JobState::kDone;
  }
  return chunk;
}

}  // namespace

absl::StatusOr<Chunk> PlanChunk(const ChunkParts& parts, const Job& job) {
  const absl::StatusOr<Snapshot> project = parts.configuration->FindProject(job.project_id);
  if (absl::IsNotFound(project.status())) return Chunk{.next = job, .is_void = true};
  CONVOY_RETURN_IF_ERROR(project.status());
  switch (job.kind) {
    case JobKind::kFanout:
    case JobKind::kReplay:
      return PlanDeliveries(parts, *project, job);
    case JobKind::kBatchRetry:
      return PlanRetries(parts, *project, job);
    case JobKind::kBatchReplay:
      return PlanReplays(parts, *project, job);
  }
  return absl::UnimplementedError("jobs of this kind are not known");
}

}  // namespace convoy::jobs
