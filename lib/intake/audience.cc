// Audiences, piece by piece. A piece is bounded by what is looked at, not by what it finds.
#include "lib/intake/audience.h"

#include <algorithm>
#include <utility>

namespace convoy::intake {

using route::EventContent;
using route::ProjectSnapshot;

AudiencePiece FindMatching(const ProjectSnapshot& project, const Event& event,
                           std::string_view source_id, const AudiencePlace& from, size_t looks_max,
                           const EventContent& content) {
  ProjectSnapshot::Piece piece =
      project.MatchPiece(event.event_type, source_id, content, from.subscription_id, looks_max);
  return {.wanting = std::move(piece.matches),
          .looks_count = piece.candidates_count,
          .end = {.subscription_id = std::move(piece.last_id)},
          .has_more = piece.has_more};
}

AudiencePiece FindOfOwner(const ProjectSnapshot& project, const Event& event,
                          std::string_view owner_id, const AudiencePlace& from, size_t looks_max,
                          const EventContent& content) {
  AudiencePiece piece{.end = from};
  // One more than can be looked at tells whether there is more; the first may be known already.
  const std::vector<const Endpoint*> endpoints =
      project.EndpointsOfOwner(owner_id, from.endpoint_id, looks_max + 2);
  for (const Endpoint* const endpoint : endpoints) {
    if (piece.looks_count >= looks_max) {
      piece.has_more = true;
      return piece;
    }
    if (endpoint->id != piece.end.endpoint_id) {
      piece.end = {.endpoint_id = endpoint->id};
      ++piece.looks_count;
    }
    const size_t left = std::max<size_t>(looks_max - piece.looks_count, 1);
    const std::vector<const Subscription*> subscriptions =
        project.SubscriptionsOfEndpoint(endpoint->id, piece.end.subscription_id, left);
    for (const Subscription* const subscription : subscriptions) {
      if (!project.Wants(*subscription, event.event_type, content)) continue;
      piece.wanting.push_back(subscription);
    }
    piece.looks_count += subscriptions.size();
    if (!subscriptions.empty()) piece.end.subscription_id = subscriptions.back()->id;
    if (subscriptions.size() < left) continue;
    piece.has_more = true;  // there may be, of this endpoint
    return piece;
  }
  return piece;
}

}  // namespace convoy::intake
