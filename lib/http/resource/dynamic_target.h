// Target of a dynamic event: a URL, whose endpoint and subscription are made with the event if they
// are not there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/http/request/context.h"

namespace convoy::http {

struct DynamicTarget {
  std::string url;
  std::string secret;                    // of a new endpoint; made if it is empty
  std::vector<std::string> event_types;  // of its subscription; empty: all
};

// The members "url", "secret" and "event_types" of an event's JSON object; the others are left to
// the reader of events.
absl::StatusOr<DynamicTarget> ReadDynamicTarget(std::string_view body);

struct PlannedTarget {
  std::string endpoint_id;
  Snapshot project;                  // as it is once `write` is done
  std::optional<ConfigWrite> write;  // nullopt: everything is there
};

// Finds the endpoint with exactly this URL and a subscription of it for the event type, or plans
// them. kInvalidArgument if the endpoint has another secret than the one that is given.
absl::StatusOr<PlannedTarget> PlanTarget(const ApiParts& parts, const Snapshot& project,
                                         const DynamicTarget& target, std::string_view event_type);

}  // namespace convoy::http
