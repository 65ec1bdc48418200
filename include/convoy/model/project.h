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

// "meta_event": events about a project, sent to a URL. They and their deliveries belong to a hidden
// project, which is made with the first URL and which no request can name.
struct MetaEventConfig {
  bool is_enabled = false;
  std::string url;
  std::string secret;
  std::vector<std::string> event_types;  // empty: all
  std::string project_id;  // the hidden project, with one endpoint and one subscription
  std::string endpoint_id;
  std::string subscription_id;

  friend bool operator==(const MetaEventConfig&, const MetaEventConfig&) = default;
};

struct ProjectConfig {
  // "max_payload_read_size": bound of ingested bodies and of stored response bodies.
  uint64_t body_bytes_max = 51'200;
  RetryPolicy retry;
  // "ratelimit": stored and shown. Only its window has an effect: it is the window of endpoints
  // that set a count without one.
  RateLimit rate_limit;
  SignatureConfig signature;
  std::string request_id_header = "X-Convoy-Idempotency-Key";
  bool has_trace_headers = false;  // "add_event_id_trace_headers"
  // "trace_header": the header of the project's traces; empty: GatewayOptions::trace_header.
  std::string trace_header;
  // "disable_endpoint": whether an endpoint is disabled when a delivery has used up its attempts.
  bool should_disable_endpoint = false;
  bool has_multiple_endpoint_subscriptions = false;  // "multiple_endpoint_subscriptions"
  bool is_https_required = false;                    // "ssl.enforce_secure_endpoints"
  std::optional<CircuitBreaker> circuit_breaker;     // of each endpoint; nullopt: none
  std::optional<MetaEventConfig> meta_events;
  // "verify_dynamic_events": shown as it was set, without effect: the answer to a dynamic event
  // always waits until its endpoint is stored.
  bool has_verified_dynamic_events = false;
  // "replay_attacks_prevention_enabled": every delivery's signature covers the time of sending,
  // also for endpoints that otherwise have simple signatures.
  bool has_replay_prevention = false;
  // "retention_policy": how long the project's events are kept, if `is_retention_enabled`. The
  // gateway's own retention may remove them earlier. nullopt: never set.
  std::optional<absl::Duration> retention;
  bool is_retention_enabled = false;
  // "search_policy": how far back a search in events looks, as the client wrote it; empty: no
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
  std::string parent_id;  // of a hidden project: the project of its meta events; otherwise empty
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Project&, const Project&) = default;
};

// A type of events that a project declares. Events of other types are accepted, too.
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
