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
  // Of the bodies in the answer, each event counted once: no further delivery is handed out that
  // would exceed it, but the first one is, whatever its size.
  uint64_t bytes_max = std::numeric_limits<uint64_t>::max();
  // For these endpoints another number in its place, at least 1.
  std::unordered_map<std::string, uint32_t> items_max_of_endpoint;
  std::vector<std::string> skipped_endpoint_ids;  // those that this dispatcher has no room for
  // The policy of a lane (lane.h), nullopt if it is not known at present. Empty: no lane has any.
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
  // Whether they may be sent only after a Sync that begins later. A store says false where it knows
  // that they, and what made them due, are durable but for what this opener itself has written
  // since its last Sync, and that the claim need not be.
  bool needs_sync = true;
  absl::Time next_due_at = absl::InfiniteFuture();  // when more work of unskipped endpoints is due
  // Lanes with work that was left alone because their policy is not known: the caller is to learn
  // it and to claim again.
  std::vector<LaneName> unknown_lanes;
  std::vector<ThrottledLane> throttled_lanes;  // of those that this claim came to
  // Lanes with work that was left alone because their policy says that it is unserved. Until they
  // are among the `skipped_endpoint_ids` of a request, the work counts as due.
  std::vector<LaneName> unserved_lanes;
};

// Deliveries of a project that have not ended, whatever they wait for.
struct Backlog {
  std::string project_id;
  uint64_t count = 0;
  // When the one that is waiting longest was due. Claimed ones are due when their lease ends.
  absl::Time oldest_due_at = absl::InfiniteFuture();
};

// How many projects a list of backlogs looks at, and how many lanes, those first that were to be
// looked at earliest: what is behind them does not count for `oldest_due_at`.
inline constexpr uint32_t kBacklogsMax = 10'000;
inline constexpr uint32_t kBacklogLanesMax = 4'096;

}  // namespace convoy
