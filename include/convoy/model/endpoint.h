// An endpoint: a receiver of deliveries, with its signing secrets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "convoy/model/endpoint_auth.h"
#include "convoy/model/policy.h"
#include "convoy/model/signature.h"

namespace convoy {

enum class EndpointStatus : uint8_t { kActive, kInactive, kPaused };

// A signing secret. Without `expires_at` it signs until it is rotated.
struct Secret {
  std::string id;
  std::string value;
  std::optional<absl::Time> expires_at;
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Secret&, const Secret&) = default;
};

struct Endpoint {
  std::string id;
  std::string project_id;
  std::string owner_id;  // may be empty
  std::string name;
  std::string url;
  std::string description;
  // Receivers of messages about failures of the endpoint: an e-mail address, and URLs that a text
  // for people is posted to. Each may be empty.
  std::string support_email;
  std::string slack_webhook_url;
  std::string teams_webhook_url;
  EndpointStatus status = EndpointStatus::kActive;
  // Oldest first; the last one without expiry is the newest. Private Ed25519 keys ("whsk_…") sign
  // v1a of Standard Webhooks; the others sign everything else.
  std::vector<Secret> secrets;
  bool has_advanced_signatures = true;
  std::optional<StandardSignature> standard_signature;  // nullopt: the project's
  absl::Duration timeout = absl::ZeroDuration();        // 0: the library's default of 10 s
  RateLimit rate_limit{.count = 0, .window = absl::ZeroDuration()};  // count 0: no limit
  std::string content_type = "application/json";  // or application/x-www-form-urlencoded
  EndpointAuth auth;
  EndpointTls tls;
  absl::Time created_at;
  absl::Time updated_at;
  // One delivery at a time, in the order of acceptance; the others wait for its final outcome.
  bool is_fifo = false;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace convoy
