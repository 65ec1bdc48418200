// A project with its settings, and the types of events that it declares.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "convoy/model/policy.h"
#include "convoy/model/signature.h"

namespace convoy {

enum class ProjectType : uint8_t { kIncoming, kOutgoing };

// "meta_event": what happens in a project, told to a URL. The events and their deliveries are those
// of a project of its own, which is made with the first URL and which no request can name.
struct MetaEventConfig {
  bool is_enabled = false;
  std::string url;
  std::string secret;
  std::vector<std::string> event_types;  // empty: all
  std::string project_id;  // that carries them, with one endpoint and one subscription
  std::string endpoint_id;
  std::string subscription_id;

  friend bool operator==(const MetaEventConfig&, const MetaEventConfig&) = default;
};

struct ProjectConfig {
  // "max_payload_read_size": of ingested bodies and of stored response bodies.
  uint64_t body_bytes_max = 51'200;
  RetryPolicy retry;
  // "ratelimit": kept and shown. It limits nothing by itself; its window is that of endpoints which
  // set a count without a window.
  RateLimit rate_limit;
  SignatureConfig signature;
  std::string request_id_header = "X-Convoy-Idempotency-Key";
  bool has_trace_headers = false;  // "add_event_id_trace_headers"
  // "disable_endpoint": when a delivery has exhausted its tries.
  bool should_disable_endpoint = false;
  bool has_multiple_endpoint_subscriptions = false;  // "multiple_endpoint_subscriptions"
  bool is_https_required = false;                    // "ssl.enforce_secure_endpoints"
  std::optional<CircuitBreaker> circuit_breaker;     // of each endpoint; nullopt: none
  std::optional<MetaEventConfig> meta_events;
  // "verify_dynamic_events": shown as it was set; the answer to a dynamic event always waits until
  // its endpoint is there.
  bool has_verified_dynamic_events = false;
  // "replay_attacks_prevention_enabled": every delivery's signature covers the time at which it was
  // sent, also to endpoints that have simple signatures otherwise.
  bool has_replay_prevention = false;
  // "retention_policy": how long the project's events are kept, if `is_retention_enabled`; what the
  // gateway's own retention removes earlier is removed then. nullopt: never given.
  std::optional<absl::Duration> retention;
  bool is_retention_enabled = false;
  // "search_policy": the duration that a search in events looks back, as it was given; empty: no
  // limit.
  std::string search_policy;

  friend bool operator==(const ProjectConfig&, const ProjectConfig&) = default;
};

struct Project {
  std::string id;
  std::string name;
  ProjectType type = ProjectType::kOutgoing;
  std::string logo_url;
  ProjectConfig config;
  std::string parent_id;  // of one that carries another project's meta events; otherwise empty
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Project&, const Project&) = default;
};

// A type of events that a project declares. Events of other types are accepted all the same.
struct EventType {
  std::string id;
  std::string project_id;
  std::string name;
  std::string category;
  std::string description;
  std::string json_schema;  // the JSON text of an object, or empty; kept and shown
  std::optional<absl::Time> deprecated_at;
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const EventType&, const EventType&) = default;
};

}  // namespace convoy
