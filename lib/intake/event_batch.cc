// Content, subscriptions and batch of one event.
#include "lib/intake/event_batch.h"

#include <utility>

namespace convoy::intake {

using body::BodyView;
using route::EventContent;
using route::ProjectSnapshot;

EventContent ContentOf(const Event& event, BodyView& body) {
  return {
      .view = &body, .headers = &event.headers, .query = event.url_query, .path = event.url_path};
}

void AddWanting(const ProjectSnapshot& project, const Event& event, const EventContent& content,
                std::string_view endpoint_id, std::vector<const Subscription*>& out_wanting) {
  for (const Subscription* subscription : project.SubscriptionsOfEndpoint(endpoint_id)) {
    if (project.Wants(*subscription, event.event_type, content)) {
      out_wanting.push_back(subscription);
    }
  }
}

WriteBatch BatchOf(Submission submission, std::optional<DedupeKey> dedupe) {
  submission.dedupe = std::move(dedupe);
  WriteBatch batch;
  batch.submissions.push_back(std::move(submission));
  return batch;
}

}  // namespace convoy::intake
