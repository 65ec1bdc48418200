// The settings of a gateway. Every field has a safe default; a setting that is accepted is
// enforced.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace convoy {

// Access to GET /metrics, which names projects, sources and their consumers, and counts attempts.
// With kNobody the path belongs to the host.
enum class MetricsAccess : uint8_t {
  kNobody,
  kToken,   // requests with "Authorization: Bearer <metrics_token>"
  kAnyone,  // every client that can reach the host's server
};

struct GatewayOptions {
  // Scheme and authority under which the host serves the gateway, e.g. "https://hooks.example.com".
  // Used for the ingest links that the API shows, and for providers that sign the URL.
  std::string public_url = "http://localhost:5005";

  // Upper bound of any request body; a project cannot raise it. The default is above the largest
  // bodies of providers (GitHub: 25 MB).
  uint64_t body_bytes_max = 32 * 1024 * 1024;

  // Addresses that deliveries may connect to although the guard denies them by default: a CIDR
  // ("127.0.0.0/8"), or a CIDR and a port ("10.0.0.0/8:8443", "[fd00::/8]:443"), which allows only
  // that port and only HTTP. All other private, local and reserved addresses are denied.
  std::vector<std::string> allowed_networks;

  // Deliveries in flight at once: in all, and to one endpoint. An endpoint starts with one, and
  // gets more if it answers quickly. Endpoints that hang or fail have at most half of all together.
  uint32_t in_flight_max = 1024;
  uint32_t in_flight_per_endpoint_max = 16;

  // Bound of the bodies of deliveries in flight, or claimed to be sent next. Beyond it, no more are
  // claimed until some have ended. A single larger body is still delivered, alone.
  uint64_t in_flight_bytes_max = 256 * 1024 * 1024;

  // Connections to endpoints at once, kept ones included; further attempts wait for a connection.
  // 0: as many as in_flight_max.
  uint32_t connections_max = 0;

  // PEM file of certificate authorities for endpoints, instead of the system's: for intranets with
  // an authority of their own. Open fails if it cannot be read.
  std::string ca_file;

  // After this long, a kept connection to an endpoint that is idle, or open, is not used again, and
  // the address of a name is looked up again, so that endpoints may move. Whole seconds.
  absl::Duration connection_idle_max = absl::Seconds(60);
  absl::Duration connection_age_max = absl::Minutes(5);
  absl::Duration name_age_max = absl::Seconds(30);

  // Whether HTTP/2 is spoken with endpoints over TLS that offer it (ALPN). Never without TLS.
  bool has_http2 = true;

  // Proxy between this process and the endpoints: "http://", "https://" or "socks5h://", host and
  // port, with user and password if it requires them. The proxy then resolves names, so it must
  // keep deliveries away from private networks; numeric addresses in URLs are still checked here.
  // Empty: no proxy. The proxy variables of the environment are never used.
  std::string delivery_proxy;

  // The header that carries the trace of an incoming event, and of deliveries of projects that ask
  // for trace headers and name none of their own (ProjectConfig::trace_header). Its value has the
  // form of W3C Trace Context under any name. It must not be a header that HTTP or the gateway
  // itself uses.
  std::string trace_header = "traceparent";

  // Names whose deliveries this host takes (local.h): endpoints may have the URL "local:NAME" for
  // each of them; "*" alone: for every valid name. So managers of projects can send events to this
  // host. Empty: new local endpoints are refused, and deliveries to stored ones wait.
  std::vector<std::string> local_names;

  // Length of the queue of outcomes for the host (host_outcome.h). Outcomes that find it full are
  // dropped and counted. 0: no outcomes.
  uint32_t outcomes_max = 0;

  // Whether completions of HandleAsync and IngestAsync run on the thread that calls Gateway::Poll,
  // instead of one of the library's.
  bool has_polled_completions = false;

  // How long a claim of a delivery lasts; no attempt takes longer.
  absl::Duration lease = absl::Seconds(90);

  // How long an idempotency key is remembered.
  absl::Duration dedupe_window = absl::InfiniteDuration();

  // How long the redelivery id of a broker's message is remembered. It must be longer than the time
  // for which a consumer may be away after a crash.
  absl::Duration redelivery_window = absl::Hours(14 * 24);

  // How long an event is kept, with its deliveries and their attempts. It is kept longer if some of
  // its deliveries have not ended. Infinite: for ever. (Expired idempotency keys are always
  // removed.)
  absl::Duration retention = absl::InfiniteDuration();

  // Dead letters kept of one source; beyond it the oldest are dropped. 0: all are kept.
  uint32_t dead_letters_max = 0;

  // Quarantine of a source: how many of the newest refused requests are kept, and for how long.
  uint32_t quarantine_inputs_max = 1000;
  // When a request is added, as many are kept as fit into this if all were as large as that one.
  uint64_t quarantine_bytes_max = 64 * 1024 * 1024;
  absl::Duration quarantine_age = absl::Hours(7 * 24);
  // Bounds of quarantined requests and dead letters of all sources together (HeldUse). Beyond them,
  // the oldest ones of the source that holds the most bytes are dropped.
  uint32_t held_inputs_max = 100'000;
  uint64_t held_bytes_max = uint64_t{1} << 30;

  // Open jobs of one project (docs/delivery.md, "Large audiences"). Beyond it, a request for
  // another one is answered with 429.
  uint32_t open_jobs_max = 1000;

  // How many gateways an event may have passed, by the header Convoy-Hops of their deliveries. An
  // ingest link refuses an event with more hops with 508, which ends loops of gateways that deliver
  // to their own links.
  uint32_t hops_max = 4;

  // How long an answer of the REST API may take, waiting included; after that it is 503. In
  // threaded mode, answers that may take long are given by separate threads, so that no other work
  // waits.
  absl::Duration answer_timeout = absl::Seconds(10);
  // The number of those threads, at least 2; one of them is reserved for large incoming bodies.
  uint32_t answer_threads = 3;

  // Key of 32 bytes that encrypts the secrets of the configuration in the store. Empty: they are
  // not encrypted. A store that was opened with a key cannot be opened without one;
  // `former_secrets_key` is the key that `secrets_key` replaces. Names, owners, events and
  // deliveries are not encrypted (docs/security.md).
  std::string secrets_key;
  std::string former_secrets_key;

  // Server for e-mails about failing endpoints, "smtp://host:port" or "smtps://host:port", the
  // sender's address, and the server's credentials if it requires them. smtp is upgraded to TLS if
  // the server offers it, and credentials are never sent without TLS.
  // Empty: no e-mail is sent.
  std::string mail_server;
  std::string mail_from;
  std::string mail_user;
  std::string mail_password;

  MetricsAccess metrics_access = MetricsAccess::kNobody;
  std::string metrics_token;  // for kToken only: 16 to 256 visible ASCII characters

  // How many projects and sources are kept in memory.
  uint32_t projects_cached_max = 1024;
  uint32_t sources_cached_max = 16 * 1024;
};

}  // namespace convoy
