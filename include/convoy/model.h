// The things a gateway knows: projects, sources, endpoints, subscriptions, API keys, and what flows
// through them: events, deliveries, attempts. Plain values without behaviour; every instant has
// microsecond resolution; every id is an upper-case ULID unless said otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

#include "convoy/access.h"
#include "convoy/http.h"

namespace convoy {

// Configuration.

enum class ProjectType : uint8_t { kIncoming, kOutgoing };

enum class RetryStrategy : uint8_t { kLinear, kExponential };

// How a failed delivery is tried again. Linear waits `interval` each time; exponential doubles it.
struct RetryPolicy {
  RetryStrategy strategy = RetryStrategy::kLinear;
  absl::Duration interval = absl::Seconds(100);
  uint32_t attempts_max = 10;

  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// At most `count` requests in each `window`. A count of 0 means unlimited.
struct RateLimit {
  uint32_t count = 1000;
  absl::Duration window = absl::Seconds(60);

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

enum class Hash : uint8_t { kSha256, kSha512 };
enum class Encoding : uint8_t { kHex, kBase64 };

// One entry of the outgoing signature: the advanced form carries one value per version and secret.
struct SignatureVersion {
  std::string id;
  Hash hash = Hash::kSha256;
  Encoding encoding = Encoding::kHex;
  absl::Time created_at;

  friend bool operator==(const SignatureVersion&, const SignatureVersion&) = default;
};

// Signatures of Standard Webhooks, beside Convoy's own: HMAC-SHA256 or Ed25519.
enum class StandardSignature : uint8_t { kNone, kV1, kV1a };

struct SignatureConfig {
  std::string header = "X-Convoy-Signature";
  std::vector<SignatureVersion> versions;                 // never empty in a stored project
  StandardSignature standard = StandardSignature::kNone;  // of endpoints that choose none
  std::string
      signing_key;  // "whsk_…", a secret: signs v1a for endpoints without a key of their own

  friend bool operator==(const SignatureConfig&, const SignatureConfig&) = default;
};

// When an endpoint is left alone for a while, because too many of its attempts fail.
struct CircuitBreaker {
  absl::Duration sample_interval = absl::Seconds(30);  // "sample_rate": how often it is judged
  absl::Duration error_timeout = absl::Seconds(30);    // how long it stays open
  uint32_t failure_threshold = 70;                     // percent of failures that open it
  uint32_t success_threshold = 5;                      // percent of probes that close it
  absl::Duration window = absl::Minutes(5);            // "observability_window"
  uint32_t requests_min = 10;                          // "minimum_request_count" within the window
  // "consecutive_failure_threshold": opened so often in a row, the endpoint becomes inactive.
  uint32_t consecutive_failures_max = 10;

  friend bool operator==(const CircuitBreaker&, const CircuitBreaker&) = default;
};

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
  // "trace_header": the header of the project's traces; empty: GatewayOptions::trace_header.
  std::string trace_header;
  // "disable_endpoint": when a delivery has exhausted its tries.
  bool should_disable_endpoint = false;
  bool may_share_endpoint = false;                // "multiple_endpoint_subscriptions"
  bool is_https_required = false;                 // "ssl.enforce_secure_endpoints"
  std::optional<CircuitBreaker> circuit_breaker;  // of each endpoint; nullopt: none
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

// How the gateway authenticates itself to an endpoint, beside the signature.
struct ApiKeyAuth {
  std::string header_name;
  std::string header_value;

  friend bool operator==(const ApiKeyAuth&, const ApiKeyAuth&) = default;
};
struct BasicAuth {
  std::string username;
  std::string password;

  friend bool operator==(const BasicAuth&, const BasicAuth&) = default;
};

enum class OAuth2Client : uint8_t {
  kSharedSecret,     // "shared_secret": client_id and client_secret in the request's body
  kClientAssertion,  // "client_assertion": a signed JWT in the place of the secret (RFC 7523)
};
enum class OAuth2Algorithm : uint8_t { kRs256, kEs256 };
enum class ExpiryUnit : uint8_t { kSeconds, kMilliseconds, kMinutes, kHours };

// A private key as the members of a JWK (RFC 7517), base64url: "EC" has crv, x, y and d, "RSA" has
// n, e, d and the five of the Chinese remainder theorem.
struct SigningJwk {
  std::string kty, kid;
  std::string crv, x, y;
  std::string n, e, p, q, dp, dq, qi;
  std::string d;

  friend bool operator==(const SigningJwk&, const SigningJwk&) = default;
};

// An access token of the OAuth 2.0 client credentials grant (RFC 6749, section 4.4).
struct OAuth2Auth {
  std::string url;  // of the token endpoint
  std::string client_id;
  std::string scope;     // may be empty
  std::string audience;  // may be empty; of an assertion: its "aud", otherwise the URL
  OAuth2Client client = OAuth2Client::kSharedSecret;
  std::string client_secret;  // of kSharedSecret
  SigningJwk signing_key;     // of kClientAssertion, like the next three
  OAuth2Algorithm algorithm = OAuth2Algorithm::kRs256;
  std::string issuer, subject;  // the assertion's "iss" and "sub"
  ExpiryUnit expiry_unit = ExpiryUnit::kSeconds;
  // Members of the answer, where they are not named as in RFC 6749; empty: as there.
  std::string token_field, type_field, expiry_field;

  friend bool operator==(const OAuth2Auth&, const OAuth2Auth&) = default;
};
using EndpointAuth = std::variant<std::monostate, ApiKeyAuth, BasicAuth, OAuth2Auth>;

// TLS with one endpoint, as PEM. The client certificate comes with its key or not at all.
struct EndpointTls {
  std::string ca_bundle;           // authorities in the place of the instance's; may be empty
  std::string client_certificate;  // and the chain above it; may be empty
  std::string client_key;          // a secret

  bool empty() const { return ca_bundle.empty() && client_certificate.empty(); }

  friend bool operator==(const EndpointTls&, const EndpointTls&) = default;
};

struct Endpoint {
  std::string id;
  std::string project_id;
  std::string owner_id;  // may be empty
  std::string name;
  std::string url;
  std::string description;
  // Where trouble with the endpoint is told: an address of e-mail, and URLs that a message for
  // people is posted to. Each may be empty.
  std::string support_email;
  std::string slack_webhook_url;
  std::string teams_webhook_url;
  EndpointStatus status = EndpointStatus::kActive;
  // Oldest first; the last one without expiry is the newest. Those that are private Ed25519 keys
  // ("whsk_…") sign v1a of Standard Webhooks, the others everything else.
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

enum class SourceType : uint8_t { kHttp, kRestApi, kPubSub, kDbChangeStream };
enum class Provider : uint8_t { kNone, kGithub, kShopify, kTwitter };

struct HmacVerifierConfig {
  std::string header;
  Hash hash = Hash::kSha256;
  Encoding encoding = Encoding::kHex;
  std::string secret;

  friend bool operator==(const HmacVerifierConfig&, const HmacVerifierConfig&) = default;
};
// A preset of the catalogue, or a scheme of one's own (verifier.h, docs/verification.md).
struct SchemeVerifierConfig {
  std::string preset;                             // its name, or empty:
  std::string definition;                         // a scheme or preset as JSON
  std::string scheme;                             // of several schemes only this one; may be empty
  std::vector<std::string> secrets;               // all live, the newest one last
  std::map<std::string, std::string> parameters;  // what the scheme calls {config:NAME}

  friend bool operator==(const SchemeVerifierConfig&, const SchemeVerifierConfig&) = default;
};
// monostate is "noop": everything is accepted.
using VerifierConfig =
    std::variant<std::monostate, HmacVerifierConfig, BasicAuth, ApiKeyAuth, SchemeVerifierConfig>;

// Treatment of a request that its verifier refuses.
enum class VerifyMode : uint8_t {
  kEnforce,     // it is refused
  kObserve,     // it is accepted, and the refusal is reported to the observer: for migrations
  kQuarantine,  // it is refused and kept (HeldInput), to be verified again once the secret is right
};

// Where a source of a message broker reads. Passwords and keys are secrets: never shown, never
// logged.

// Form that another service gives to the messages of a queue.
enum class MessageWrapper : uint8_t {
  kNone,
  kSns,          // a notification of Amazon SNS without raw message delivery
  kEventBridge,  // an event of Amazon EventBridge
};

struct SqsConfig {
  std::string queue_name;  // or the queue's URL
  std::string region;
  std::string access_key_id;
  std::string secret_key;
  std::string session_token;                       // of temporary credentials; otherwise empty
  std::string endpoint;                            // empty: Amazon's own for the region
  MessageWrapper wrapper = MessageWrapper::kNone;  // taken off before a message is read

  friend bool operator==(const SqsConfig&, const SqsConfig&) = default;
};

struct GooglePubSubConfig {
  std::string project_id;
  std::string subscription_id;
  std::string service_account;  // the JSON of its key file; may be empty for an emulator
  std::string endpoint;         // empty: https://pubsub.googleapis.com

  friend bool operator==(const GooglePubSubConfig&, const GooglePubSubConfig&) = default;
};

enum class SaslMechanism : uint8_t { kNone, kPlain, kScramSha256, kScramSha512 };

struct KafkaConfig {
  std::vector<std::string> brokers;  // "host:port"
  std::string topic;
  std::string consumer_group_id;
  SaslMechanism mechanism = SaslMechanism::kNone;
  std::string username;
  std::string password;
  bool has_tls = false;

  friend bool operator==(const KafkaConfig&, const KafkaConfig&) = default;
};

struct AmqpConfig {
  std::string schema = "amqp";  // or "amqps"
  std::string host;
  uint16_t port = 5672;
  std::string vhost = "/";
  std::string username;
  std::string password;
  std::string queue;
  std::string exchange;  // bound to the queue with `routing_key`; empty: nothing is bound
  std::string routing_key;
  std::string dead_letter_exchange;  // unusable messages are published there too; may be empty

  friend bool operator==(const AmqpConfig&, const AmqpConfig&) = default;
};

// A table that the host's own transactions insert events into (outbox.h).
struct OutboxConfig {
  std::string name;  // one of those that the host has named

  friend bool operator==(const OutboxConfig&, const OutboxConfig&) = default;
};

// monostate: the source has no broker.
using BrokerConfig = std::variant<std::monostate, SqsConfig, GooglePubSubConfig, KafkaConfig,
                                  AmqpConfig, OutboxConfig>;

// Format of a broker's messages.
enum class MessageFormat : uint8_t {
  kEnvelope,  // a JSON object that says what the event is, and whom it is for
  kRaw,       // anything: the body as it is becomes the event's
};

// Where raw messages hold what an envelope has fields for: "message.header.NAME",
// "message.body.a.b", "message.key", "message.id" (docs/brokers.md). Empty: nowhere.
struct MessageLocations {
  std::string event_type;
  std::string idempotency_key;
  std::string endpoint_id;  // at most one of these two
  std::string owner_id;

  friend bool operator==(const MessageLocations&, const MessageLocations&) = default;
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
  // Of raw messages: the type of events whose message has none at its location, and the locations.
  std::string raw_event_type;
  MessageLocations message_locations;
  std::string body_function, header_function;  // payload functions (scripting.h), or empty
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Source&, const Source&) = default;
};

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

// The filter of one event type of a subscription, in the place of the subscription's own.
struct TypeFilter {
  std::string id;
  std::string event_type;  // one of the subscription's patterns, or a type that they match
  ContentFilter content;
  std::optional<absl::Time> enabled_at;  // nullopt: it is disabled

  friend bool operator==(const TypeFilter&, const TypeFilter&) = default;
};

// When people are told that deliveries of a subscription fail: after `count` failed attempts within
// `window`.
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
  std::string function;  // that changes what is delivered (scripting.h), or empty
  // "rate_limit_config": of its endpoint's traffic; of an endpoint that has several limits the
  // lowest one counts.
  std::optional<RateLimit> rate_limit;
  std::optional<AlertConfig> alert;  // "alert_config"
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Subscription&, const Subscription&) = default;
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

// Traffic.

// Why an input is held.
enum class HeldKind : uint8_t {
  kQuarantine,  // a request that its source's verifier refused
  kDeadLetter,  // no event could be made of it: a broker's message; a request whose function failed
};

// An input that a source could not use, kept whole until it is released, discarded or expired.
struct HeldInput {
  std::string id;
  std::string project_id;
  std::string source_id;
  HeldKind kind = HeldKind::kQuarantine;
  std::string reason;  // stable, for programs: "signature_mismatch", "malformed"
  std::string detail;  // one sentence for the operator
  // As it came in. Of a broker's message `headers` are its attributes, and method, path and query
  // are empty.
  std::string method;
  std::string path;
  std::string query;
  Headers headers;
  std::string body;
  std::string position;  // where it stood in the broker: "orders/3/1207"; empty for requests
  absl::Time received_at;
  absl::Time expires_at = absl::InfiniteFuture();  // from then on it is gone

  friend bool operator==(const HeldInput&, const HeldInput&) = default;
};

enum class EventStatus : uint8_t { kPending, kProcessing, kSuccess, kFailure, kRetry };

struct Event {
  std::string id;
  std::string project_id;
  std::string source_id;  // empty for events of the REST API
  std::string event_type;
  std::vector<std::string> endpoint_ids;  // whom it is delivered to
  Headers headers;                        // as received, or the custom headers of a REST call
  std::string body;                       // raw bytes, exactly as they came in
  std::string content_type;               // as received; may be empty
  std::string url_query;                  // raw query string of the ingest request
  std::string url_path;
  std::string idempotency_key;
  bool is_duplicate = false;
  EventStatus status = EventStatus::kPending;
  std::string failure_reason;
  absl::Time created_at;
  absl::Time acknowledged_at;

  friend bool operator==(const Event&, const Event&) = default;
};

enum class DeliveryStatus : uint8_t {
  kScheduled,
  kProcessing,
  kRetry,
  kSuccess,
  kFailure,
  kDiscarded,
};

// One event on its way to one endpoint.
struct Delivery {
  std::string id;
  std::string project_id;
  std::string event_id;
  std::string endpoint_id;
  std::string subscription_id;
  std::string event_type;
  std::string idempotency_key;
  DeliveryStatus status = DeliveryStatus::kScheduled;
  DeliveryMode mode = DeliveryMode::kAtLeastOnce;
  RetryPolicy retry;
  uint32_t attempts_count = 0;
  absl::Time due_at;        // when the next attempt may start; meaningless in a final status
  std::string description;  // why it failed or was discarded
  absl::Duration latency = absl::ZeroDuration();  // from creation to the final outcome
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const Delivery&, const Delivery&) = default;
};

// How long each phase of an exchange took. 0: the phase was not needed, as on a kept connection, or
// did not come to its end.
struct PhaseTimings {
  absl::Duration name_lookup = absl::ZeroDuration();
  absl::Duration connect = absl::ZeroDuration();
  absl::Duration tls = absl::ZeroDuration();         // the handshake
  absl::Duration first_byte = absl::ZeroDuration();  // from the request to the answer's first byte

  friend bool operator==(const PhaseTimings&, const PhaseTimings&) = default;
};

// One try of one delivery, and what came of it.
struct Attempt {
  std::string id;
  std::string project_id;
  std::string delivery_id;
  std::string endpoint_id;
  std::string url;
  std::string method = "POST";
  Headers request_headers;
  int http_status = 0;  // 0: no response arrived
  Headers response_headers;
  std::string response_body;  // capped; raw bytes
  std::string remote_ip;
  std::string error;  // empty on success
  bool is_success = false;
  absl::Time requested_at;
  absl::Time responded_at;
  PhaseTimings phases;
  absl::Duration elapsed = absl::ZeroDuration();  // of the whole exchange; 0: not known

  friend bool operator==(const Attempt&, const Attempt&) = default;
};

}  // namespace convoy
