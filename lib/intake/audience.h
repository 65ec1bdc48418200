// Audiences of events: which subscriptions want one, found piece by piece, so that an event for
// very many endpoints is accepted at once and its deliveries are made by a job.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "convoy/model.h"
#include "lib/route/snapshot.h"

namespace convoy::intake {

struct AudienceLimits {
  // Beyond so many deliveries, or so many objects to look at for them, an event's deliveries are
  // made by a job.
  size_t deliveries_max = 256;
  size_t looks_max = 4096;
  // So many objects are looked at for one chunk of a job: what is accepted meanwhile waits for the
  // writing of one.
  uint32_t chunk_looks = 64;
};

// A place in an audience, behind which its next piece begins. Those of all matching subscriptions
// are ordered by their ids; those of an owner by their endpoints' ids, and within one by theirs.
struct AudiencePlace {
  std::string endpoint_id;
  std::string subscription_id;
};

struct AudiencePiece {
  std::vector<const Subscription*> wanting;
  size_t looks_count = 0;
  AudiencePlace end;
  bool has_more = false;  // there may be
};

// Looks at about `looks_max` objects behind `from`. The pointers live as long as the snapshot.
AudiencePiece FindMatching(const route::ProjectSnapshot& project, const Event& event,
                           std::string_view source_id, const AudiencePlace& from, size_t looks_max,
                           const route::EventContent& content);
AudiencePiece FindOfOwner(const route::ProjectSnapshot& project, const Event& event,
                          std::string_view owner_id, const AudiencePlace& from, size_t looks_max,
                          const route::EventContent& content);

// The beginning of an audience: all of it (`has_more` is false), or enough to know that it is for a
// job. `find` is one of the above from a place on.
template <typename Find>
AudiencePiece FindBeginning(const AudienceLimits& limits, Find find) {
  AudiencePiece all;
  do {
    AudiencePiece piece = find(all.end, limits.deliveries_max);
    all.wanting.insert(all.wanting.end(), piece.wanting.begin(), piece.wanting.end());
    all.looks_count += piece.looks_count;
    all.end = std::move(piece.end);
    all.has_more = piece.has_more;
  } while (all.has_more && all.wanting.size() <= limits.deliveries_max &&
           all.looks_count < limits.looks_max);
  all.has_more |= all.wanting.size() > limits.deliveries_max;
  return all;
}

}  // namespace convoy::intake
