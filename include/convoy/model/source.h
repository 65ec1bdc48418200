// A source: a way for events into a project, and the verification of its requests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

#include "convoy/model/broker_config.h"
#include "convoy/model/endpoint_auth.h"
#include "convoy/model/signature.h"

namespace convoy {

enum class SourceType : uint8_t { kHttp, kRestApi, kPubSub, kDbChangeStream };
enum class Provider : uint8_t { kNone, kGithub, kShopify, kTwitter };

struct HmacVerifierConfig {
  std::string header;
  Hash hash = Hash::kSha256;
  Encoding encoding = Encoding::kHex;
  std::string secret;

  friend bool operator==(const HmacVerifierConfig&, const HmacVerifierConfig&) = default;
};
// A preset of the catalogue, or a user's own scheme (verifier.h, docs/verification.md).
struct SchemeVerifierConfig {
  std::string preset;                // its name, or empty:
  std::string definition;            // a scheme or preset as JSON
  std::string scheme;                // the only scheme to use, of several; may be empty
  std::vector<std::string> secrets;  // all live, the newest one last
  std::map<std::string, std::string> parameters;  // values for {config:NAME}

  friend bool operator==(const SchemeVerifierConfig&, const SchemeVerifierConfig&) = default;
};
// monostate is "noop": everything is accepted.
using VerifierConfig =
    std::variant<std::monostate, HmacVerifierConfig, BasicAuth, ApiKeyAuth, SchemeVerifierConfig>;

// Treatment of a request that its verifier refuses.
enum class VerifyMode : uint8_t {
  kEnforce,     // it is refused
  kObserve,     // it is accepted, and the refusal is reported to the observer: for migrations
  kQuarantine,  // it is refused and held (HeldInput), to be verified again with the right secret
};

struct CustomResponse {
  std::string body;
  std::string content_type;

  friend bool operator==(const CustomResponse&, const CustomResponse&) = default;
};

struct Source {
  std::string id;
  std::string project_id;
  std::string mask_id;  // 16 alphanumerics: the unguessable part of the ingest link
  std::string name;
  SourceType type = SourceType::kHttp;
  Provider provider = Provider::kNone;
  bool is_disabled = false;
  VerifierConfig verifier;
  VerifyMode verify_mode = VerifyMode::kEnforce;
  CustomResponse custom_response;
  std::vector<std::string> idempotency_keys;  // locations: "request.header.X-Id", "request.body.a"
  std::string event_type_location;            // the same kind of location, or empty
  std::vector<std::string> forward_headers;   // names of request headers that are sent to endpoints
  BrokerConfig broker;                        // of a kPubSub source: never monostate
  uint32_t workers_count = 1;                 // how many consumers read from the broker at once
  MessageFormat message_format = MessageFormat::kEnvelope;
  // For raw messages: the event type if a message has none at its location, and the locations.
  std::string raw_event_type;
  MessageLocations message_locations;
  std::string body_function, header_function;  // payload functions (scripting.h), or empty
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Source&, const Source&) = default;
};

}  // namespace convoy
