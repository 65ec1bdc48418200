// The settings of a gateway. Every field has a safe default; a setting that is accepted is
// enforced.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace convoy {

// Access to GET /metrics, which names projects, sources and their consumers, and counts attempts.
// With kNobody the path is not the gateway's but the host's.
enum class MetricsAccess : uint8_t {
  kNobody,
  kToken,   // requests with "Authorization: Bearer <metrics_token>"
  kAnyone,  // every client that can reach the host's server
};

struct GatewayOptions {
  // Scheme and authority under which the host serves the gateway, e.g. "https://hooks.example.com".
  // Used for the ingest links that the API shows, and for providers that sign the URL.
  std::string public_url = "http://localhost:5005";

  // Upper bound of any request body, whatever a project says. The default is beyond what providers
  // send (GitHub: 25 MB).
  uint64_t body_bytes_max = 32 * 1024 * 1024;

  // Addresses that deliveries may connect to although the guard denies them by default, as CIDR
  // ("127.0.0.0/8"), or as CIDR and port ("10.0.0.0/8:8443", "[fd00::/8]:443"): then that port
  // alone, over HTTP. Everything private, local or reserved is denied otherwise.
  std::vector<std::string> allowed_networks;

  // Deliveries in flight at once: in all, and to one endpoint. An endpoint starts with one and
  // earns more by answering quickly; those that hang or fail hold half of all at most.
  uint32_t in_flight_max = 1024;
  uint32_t in_flight_per_endpoint_max = 16;

  // Bodies of deliveries that are in flight, or claimed to be next. Beyond it nothing more is
  // claimed until some have ended. A body of any size is delivered: with others where it fits, else
  // alone.
  uint64_t in_flight_bytes_max = 256 * 1024 * 1024;

  // Connections to endpoints at once, kept ones included; more attempts wait for one. 0: as many as
  // in_flight_max.
  uint32_t connections_max = 0;

  // PEM file of the certificate authorities that endpoints are trusted by, in place of the
  // system's: for intranets with an authority of their own. Open fails if it cannot be read.
  std::string ca_file;

  // A kept connection to an endpoint is not used again once it has been idle, or open, for so long;
  // an address of a name is asked for again. So an endpoint that moves is followed. Whole seconds.
  absl::Duration connection_idle_max = absl::Seconds(60);
  absl::Duration connection_age_max = absl::Minutes(5);
  absl::Duration name_age_max = absl::Seconds(30);

  // Whether HTTP/2 is spoken with endpoints over TLS that offer it (ALPN). Never without TLS.
  bool has_http2 = true;

  // Proxy between this process and the endpoints: "http://", "https://" or "socks5h://", host and
  // port, with user and password where it wants them. Names are then resolved by the proxy, so it
  // has to keep deliveries from private networks; addresses that stand in a URL are still refused
  // here. Empty: none. The proxy variables of the environment are never used.
  std::string delivery_proxy;

  // The header in which the trace of an event comes in, and in which it goes on to endpoints of
  // projects that ask for trace headers and name none of their own (ProjectConfig::trace_header).
  // Its value is that of W3C Trace Context, whatever it is called. Not one that HTTP or the gateway
  // itself uses.
  std::string trace_header = "traceparent";

  // Names whose deliveries this host takes (local.h): endpoints may have the URL "local:NAME" for
  // each of them; "*" alone: for every valid name. Managers of projects may then send events
  // to those names. Empty: local endpoints are refused, and those that a store has wait.
  std::vector<std::string> local_names;

  // How many outcomes wait for the host (host_outcome.h); what comes while so many do is dropped
  // and counted. 0: none are kept.
  uint32_t outcomes_max = 0;

  // Whether completions of HandleAsync and IngestAsync run on the thread that calls Gateway::Poll,
  // instead of one of the library's.
  bool has_polled_completions = false;

  // How long a claimed delivery is ours; a longer attempt is impossible.
  absl::Duration lease = absl::Seconds(90);

  // How long an idempotency key is remembered.
  absl::Duration dedupe_window = absl::InfiniteDuration();

  // How long the position of a broker's message is remembered, so that it is known when it comes
  // again. Longer than a consumer is ever away after a crash.
  absl::Duration redelivery_window = absl::Hours(14 * 24);

  // How long an event is kept, with its deliveries and their attempts; until all of its deliveries
  // have ended at least. Infinite: for ever. (Expired idempotency keys are always removed.)
  absl::Duration retention = absl::InfiniteDuration();

  // Dead letters kept of one source; beyond it the oldest are dropped. 0: all are kept.
  uint32_t dead_letters_max = 0;

  // Quarantine of a source: the newest so many refused requests, each kept for so long.
  uint32_t quarantine_inputs_max = 1000;
  // With every input that is added, only as many are kept as would fit into this if all were as
  // large.
  uint64_t quarantine_bytes_max = 64 * 1024 * 1024;
  absl::Duration quarantine_age = absl::Hours(7 * 24);
  // Of all sources together, quarantined requests and dead letters (HeldUse). Beyond it the source
  // that holds the most bytes gives up its oldest.
  uint32_t held_inputs_max = 100'000;
  uint64_t held_bytes_max = uint64_t{1} << 30;

  // Open jobs of one project (docs/delivery.md, "Large audiences"), beyond which it may not bring
  // another one: 429.
  uint32_t open_jobs_max = 1000;

  // How many gateways an event may have passed, by the header Convoy-Hops of their deliveries,
  // before an ingest link refuses it with 508: what a gateway delivers to its own link goes in
  // circles.
  uint32_t hops_max = 4;

  // How long an answer of the REST API may take, waiting included; then it is 503. In threaded mode
  // these are given by threads of their own, so that nothing else waits for them.
  absl::Duration answer_timeout = absl::Seconds(10);
  // How many such threads there are; one is kept for large bodies that come in. At least 2.
  uint32_t answer_threads = 3;

  // Key of 32 bytes under which the secrets in the configuration are kept encrypted in the store.
  // Empty: they are not. Once a store has been opened with a key it cannot be opened without;
  // `former_secrets_key` is the one that `secrets_key` replaces. Names, owners, and what flows are
  // not encrypted (docs/security.md).
  std::string secrets_key;
  std::string former_secrets_key;

  // Server that e-mails about endpoints in trouble are sent by, "smtp://host:port" or
  // "smtps://host:port", the sender's address, and the server's credentials where it wants them.
  // smtp is upgraded to TLS if the server offers that, and credentials are never sent without TLS.
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
