// New deliveries for events that are stored.
#include <algorithm>
#include <utility>
#include <vector>

#include "lib/body/body_view.h"
#include "lib/intake/audience.h"
#include "lib/intake/deliveries.h"
#include "lib/intake/event_batch.h"
#include "lib/intake/intake.h"

namespace convoy::intake {

using body::BodyView;
using route::EventContent;
using route::ProjectSnapshot;

absl::StatusOr<WriteBatch> Intake::PrepareReplay(const ProjectSnapshot& project,
                                                 const Event& event) const {
  BodyView body(event.content_type, event.headers, event.body);
  const EventContent content = ContentOf(event, body);
  const bool is_of_link = !event.source_id.empty() && !event.url_path.empty();
  // The endpoints of an event are not listed with it if a job made its deliveries.
  const bool is_deferred =
      event.endpoint_ids.empty() && event.status == EventStatus::kSuccess && !event.is_duplicate;
  std::vector<const Subscription*> wanting;
  bool has_more = is_deferred;
  if (is_of_link) {
    AudiencePiece audience =
        FindBeginning(limits_, [&](const AudiencePlace& from, size_t looks_max) {
          return FindMatching(project, event, event.source_id, from, looks_max, content);
        });
    wanting = std::move(audience.wanting);
    has_more = audience.has_more;
  } else {
    for (const std::string& endpoint_id : event.endpoint_ids) {
      AddWanting(project, event, content, endpoint_id, wanting);
      has_more = wanting.size() > limits_.deliveries_max;
      if (has_more) break;
    }
  }
  if (has_more) return DeferReplay(project, event, is_of_link);
  WriteBatch batch;
  batch.extra_deliveries = MakeDeliveries(project, event, wanting, ReplayInstant(event), *ulids_);
  return batch;
}

// The deliveries that were made with an event are known by their instant, which those of a replay
// do not share.
absl::Time Intake::ReplayInstant(const Event& event) const {
  return std::max(clock_->Now(), event.created_at + absl::Microseconds(1));
}

WriteBatch Intake::DeferReplay(const ProjectSnapshot& project, const Event& event,
                               bool is_of_link) const {
  const absl::Time now = ReplayInstant(event);
  model::Job job{.id = ulids_->Next(),
                 .project_id = event.project_id,
                 .kind = model::JobKind::kReplay,
                 .event_id = event.id,
                 .deliveries_at = now,
                 .created_at = now,
                 .updated_at = now};
  if (is_of_link) {
    job.source_id = event.source_id;
    job.expected_count = project.EstimateEndpoints(event.event_type, event.source_id);
  } else {
    job.audience = model::JobAudience::kDelivered;
    job.expected_count = event.endpoint_ids.size();
  }
  WriteBatch batch;
  batch.config.push_back(model::NewJobWrite(job));
  return batch;
}

}  // namespace convoy::intake
