// Claims: the deliveries that a store hands out to be sent, under leases, and its backlogs.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"

#include "convoy/lane.h"
#include "convoy/model.h"

namespace convoy {

struct ClaimRequest {
  absl::Time now;
  absl::Duration lease = absl::Seconds(60);  // must exceed the longest attempt
  uint32_t items_max = 64;
  uint32_t items_per_endpoint_max = 16;
  // Bound of the bodies in the answer, each event counted once. The first delivery is handed out
  // even if its body exceeds it.
  uint64_t bytes_max = std::numeric_limits<uint64_t>::max();
  // Replaces items_per_endpoint_max for these endpoints; at least 1.
  std::unordered_map<std::string, uint32_t> items_max_of_endpoint;
  std::vector<std::string> skipped_endpoint_ids;  // nothing of these is handed out
  // The policy of a lane (lane.h); nullopt if it is not known at present. Empty: no lane has one.
  // Called within ClaimDue, perhaps under a lock of the store: it must be quick, safe to call from
  // any thread, and must not call the store.
  std::function<std::optional<LanePolicy>(std::string_view project_id,
                                          std::string_view endpoint_id)>
      policy_of;
};

// A claimed delivery. `lease` must accompany its update.
struct ClaimedDelivery {
  uint64_t lease = 0;
  Delivery delivery;
  std::shared_ptr<const Event> event;  // shared by all claims of the event in one answer
  bool sets_pace = false;              // the first in this answer of a lane with a rate limit
};

struct LaneName {
  std::string project_id;
  std::string endpoint_id;
};

// A lane whose rate limit holds back deliveries that are due.
struct ThrottledLane {
  LaneName lane;
  absl::Time until;
};

struct Claim {
  std::vector<ClaimedDelivery> deliveries;
  // Whether the deliveries may be sent only after a Sync that begins after the claim. A store may
  // say false if the claim need not be durable, and the deliveries and the writes that made them
  // due are durable, apart from writes of this opener since its last Sync.
  bool needs_sync = true;
  absl::Time next_due_at = absl::InfiniteFuture();  // of the next work of endpoints not skipped
  // Lanes with work that was not handed out because their policy is not known. The caller should
  // load the policy and claim again.
  std::vector<LaneName> unknown_lanes;
  std::vector<ThrottledLane> throttled_lanes;  // among the lanes that this claim looked at
  // Lanes with work that was not handed out because their policy is is_unserved. The work counts as
  // due until a request has their endpoints among its `skipped_endpoint_ids`.
  std::vector<LaneName> unserved_lanes;
};

// Deliveries of a project that have not ended, for any reason.
struct Backlog {
  std::string project_id;
  uint64_t count = 0;
  // The instant at which the oldest of them was due. Claimed ones are due when their lease ends.
  absl::Time oldest_due_at = absl::InfiniteFuture();
};

// The number of projects, and of lanes, that a list of backlogs looks at. Lanes that were due for a
// visit earliest come first; the lanes beyond the bound do not count for `oldest_due_at`.
inline constexpr uint32_t kBacklogsMax = 10'000;
inline constexpr uint32_t kBacklogLanesMax = 4'096;

}  // namespace convoy
