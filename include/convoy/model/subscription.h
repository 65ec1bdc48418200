// A subscription: which events of a project go to an endpoint, and how they are delivered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "convoy/model/policy.h"

namespace convoy {

enum class DeliveryMode : uint8_t { kAtLeastOnce, kAtMostOnce };

// Conditions on the content of an event, each the JSON text of an object as the client sent it, or
// empty for "anything". filter.h describes the language.
struct ContentFilter {
  std::string headers;
  std::string body;
  std::string query;
  std::string path;

  friend bool operator==(const ContentFilter&, const ContentFilter&) = default;
};

// The filter for one event type of a subscription, instead of the subscription's own.
struct TypeFilter {
  std::string id;
  std::string event_type;  // one of the subscription's patterns, or a type that they match
  ContentFilter content;
  std::optional<absl::Time> enabled_at;  // nullopt: it is disabled

  friend bool operator==(const TypeFilter&, const TypeFilter&) = default;
};

// The condition for an alert about a subscription: `count` failed attempts within `window`.
struct AlertConfig {
  uint32_t count = 4;
  absl::Duration window = absl::Hours(1);

  friend bool operator==(const AlertConfig&, const AlertConfig&) = default;
};

struct Subscription {
  std::string id;
  std::string project_id;
  std::string name;
  std::string source_id;  // empty in outgoing projects
  std::string endpoint_id;
  std::vector<std::string> event_types{"*"};  // exact, "*", or "prefix.*"
  ContentFilter filter;
  std::vector<TypeFilter> type_filters;  // no two of one event type
  std::optional<RetryPolicy> retry;      // otherwise the project's
  DeliveryMode delivery_mode = DeliveryMode::kAtLeastOnce;
  std::string function;  // payload function (scripting.h) that changes deliveries, or empty
  // "rate_limit_config": limit of all traffic of its endpoint. Of several limits of one endpoint,
  // the lowest applies.
  std::optional<RateLimit> rate_limit;
  std::optional<AlertConfig> alert;  // "alert_config"
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Subscription&, const Subscription&) = default;
};

}  // namespace convoy
