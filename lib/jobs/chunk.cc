// One function for each kind of job: from the job as it is to what its next piece writes.
#include "lib/jobs/chunk.h"

#include <memory>
#include <utility>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/body/body_view.h"
#include "lib/intake/audience.h"
#include "lib/intake/deliveries.h"

namespace convoy::jobs {
namespace {

using intake::AudiencePiece;
using intake::AudiencePlace;
using model::Job;
using model::JobAudience;
using model::JobKind;
using model::JobState;
using Snapshot = std::shared_ptr<const route::ProjectSnapshot>;

// Of the subscriptions that the event was delivered for when it was accepted, those that want it
// now.
absl::StatusOr<AudiencePiece> FindDelivered(const ChunkParts& parts,
                                            const route::ProjectSnapshot& project, const Job& job,
                                            const Event& event,
                                            const route::EventContent& content) {
  CONVOY_ASSIGN_OR_RETURN(
      Page<Delivery> page,
      parts.storage->ListDeliveries(
          {.project_id = job.project_id, .event_id = job.event_id},
          {.cursor = job.cursor, .is_ascending = true, .items_max = kChunkLooksMax}));
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
  const AudiencePlace from{.endpoint_id = job.cursor_endpoint, .subscription_id = job.cursor};
  switch (job.audience) {
    case JobAudience::kMatching:
      return FindMatching(project, event, job.source_id, from, kChunkLooksMax, content);
    case JobAudience::kOwner:
      return FindOfOwner(project, event, job.owner_id, from, kChunkLooksMax, content);
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
  std::erase_if(piece.wanting, [&job](const Subscription* subscription) {
    return subscription->created_at > job.created_at;
  });
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
    case JobKind::kBatchReplay:
      break;
  }
  return absl::UnimplementedError("jobs of this kind are not known");
}

}  // namespace convoy::jobs
