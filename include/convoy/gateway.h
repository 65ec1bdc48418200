// The gateway: everything behind one object. Open it on a store, mount Handle in your server, and
// drive its deliveries in one of two ways:
//
//   threaded   Start(); the gateway runs threads of its own: a committer, a dispatcher, and what
//              reads from message brokers
//   pumped     call Step() when wake_fd() is readable or the instant it returned has come; no
//              thread is created, except by libcurl while it looks up a host name
//
// Durability: a 2xx of Handle is given after the commit that holds the event, its idempotency key
// and its deliveries. What was acknowledged survives the death of the process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/broker.h"
#include "convoy/clock.h"
#include "convoy/host_outcome.h"
#include "convoy/http.h"
#include "convoy/local.h"
#include "convoy/observer.h"
#include "convoy/options.h"
#include "convoy/scripting.h"
#include "convoy/span.h"
#include "convoy/storage.h"
#include "convoy/transport.h"

namespace convoy {

// Dependencies of a gateway. Null members get the default: SystemClock, SystemRandom, libcurl,
// silence. Storage has no default: see OpenSqliteStorage and NewMemoryStorage.
struct GatewayParts {
  std::unique_ptr<Storage> storage;
  std::unique_ptr<Transport> transport;
  std::shared_ptr<Clock> clock;
  std::shared_ptr<Random> random;
  std::shared_ptr<Observer> observer;
  // Adapters that pub_sub sources may use (broker.h). Only a started gateway reads: a pumped one
  // reports that in the status of such a source's consumers.
  std::vector<std::shared_ptr<Broker>> brokers;
  // The engine of payload functions (scripting.h). Null: they are refused, and a function that is
  // stored already fails.
  std::unique_ptr<Scripting> scripting;
  // Takes the spans of events and deliveries (span.h). Null: they are log lines of the observer
  // alone.
  std::shared_ptr<SpanSink> spans;
};

// Decision about a request whose head the host has read, but not its body.
struct HeadDecision {
  // The answer, if the body need not be read: write it and close the connection.
  std::optional<HttpResponse> refusal;
  // Otherwise: stop reading beyond this many bytes and answer with RefuseTooLarge().
  uint64_t body_bytes_max = 0;
  // The path is not the gateway's: the host answers, and should not read a body for it.
  bool is_declined = false;
};

// An event of the host's own. What the REST API takes, without a request and without an API key.
struct HostEvent {
  enum class Audience : uint8_t {
    kEndpoint,  // the endpoint called `recipient`
    kOwner,     // all endpoints of the owner called `recipient`
    kEveryone,  // every endpoint with a subscription that wants it; `recipient` is empty
  };

  std::string project_id;
  Audience audience = Audience::kEndpoint;
  std::string recipient;
  std::string event_type;
  std::string data;  // one JSON value; sent byte for byte
  Headers custom_headers;
  std::string idempotency_key;  // may be empty: then nothing is deduplicated
};

// An event that is stored, with its deliveries.
struct Receipt {
  std::string event_id;
  bool is_duplicate = false;  // an earlier event has the idempotency key: nothing will be sent
};

class Gateway {
 public:
  static absl::StatusOr<std::unique_ptr<Gateway>> Open(GatewayOptions options, GatewayParts parts);

  // Closes with no patience. Call Close first for a clean end.
  virtual ~Gateway() = default;

  // Creates the first instance-admin key and returns it; kAlreadyExists if there is one. The key is
  // shown this once.
  virtual absl::StatusOr<std::string> Bootstrap() = 0;

  // Requests: from any thread, concurrently.

  // Looks at a request without its body (`head.body` is ignored).
  virtual HeadDecision InspectHead(const HttpRequest& head) = 0;
  // The answer to a request whose body turned out larger than InspectHead allows: names the limit
  // and what sets it, is counted and logged. Close the connection behind it.
  virtual HttpResponse RefuseTooLarge(const HttpRequest& head) = 0;
  // For a host that cannot take a request now, for want of memory or connections: 503.
  static HttpResponse OverloadedResponse();

  // Answers a request; blocks until what it did is durable. nullopt: the path is not the gateway's.
  virtual std::optional<HttpResponse> Handle(const HttpRequest& request) = 0;

  // The same without blocking. Returns false if the path is not the gateway's; `done` is then never
  // called. Otherwise it runs exactly once: before this returns, on the thread that commits, on one
  // of Scripting's, or, once the gateway has been started, on one that answers what may take long.
  virtual bool HandleAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) = 0;

  // In place of HandleAsync, where the host has no memory for the request: `done` gets the answer
  // that its head deserves (`head.body` is ignored), which is 503 if the path is the gateway's.
  virtual bool RefuseOverloadedAsync(const HttpRequest& head,
                                     std::function<void(HttpResponse)> done) = 0;

  // Answers a request of the REST API ("/api/v1/…") as the instance's administrator, without a key;
  // blocks until what it did is durable. nullopt: a path of something else.
  virtual std::optional<HttpResponse> Call(const HttpRequest& request) = 0;

  // The same without blocking, like HandleAsync. False: a path of something else.
  virtual bool CallAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) = 0;

  // Takes an event; blocks until it is durable. kInvalidArgument names the field, kNotFound: no
  // such project.
  virtual absl::StatusOr<Receipt> Ingest(HostEvent event) = 0;

  // The same without blocking. `done` runs exactly once: before this returns, or on the thread that
  // commits.
  virtual void IngestAsync(HostEvent event, std::function<void(absl::StatusOr<Receipt>)> done) = 0;

  // Deliveries to this host (local.h). From any thread, concurrently.

  // Takes deliveries to "local:`name`" that wait, at most `items_max`, the oldest first. If there
  // are none, waits for them for `patience`; a pumped gateway is stepped by another thread then.
  // May be empty. kInvalidArgument: the options do not serve the name; kFailedPrecondition once the
  // gateway closes.
  virtual absl::StatusOr<std::vector<LocalDelivery>> TakeLocal(std::string_view name,
                                                               size_t items_max,
                                                               absl::Duration patience) = 0;

  // Says what became of a delivery. OK: its outcome will be recorded; a crash before that makes it
  // come again. kNotFound: it is finished, or its deadline has passed and it comes again.
  virtual absl::Status FinishLocal(uint64_t ticket, LocalOutcome outcome) = 0;

  // For the host, from any thread.

  // The oldest outcome that waits (GatewayOptions::outcomes_max); nullopt: there is none.
  virtual std::optional<HostOutcome> NextOutcome() = 0;
  // How many outcomes were dropped since the gateway was opened.
  virtual uint64_t dropped_outcomes_count() const = 0;

  // Runs completions that wait (GatewayOptions::has_polled_completions), at most `completions_max`,
  // on this thread; returns how many. Does not wait for anything else. What still waits when the
  // gateway goes runs then.
  virtual size_t Poll(size_t completions_max) = 0;

  // Driving.

  // Does what can be done without waiting: commits, deliveries. Returns when to call again at the
  // latest. One thread at a time; kFailedPrecondition after Start.
  virtual absl::StatusOr<absl::Time> Step() = 0;

  // Readable when there is something for the host: a delivery to take, an outcome, a completion
  // to run, or that the gateway closes; and, until Start, when Step has something to do. Owned by
  // the gateway. For poll, select, epoll.
  virtual int wake_fd() const = 0;

  // Starts the threads.
  virtual absl::Status Start() = 0;

  // Finishes what is in flight, gives the rest back to the store and stops, at the latest at
  // `patience` from now. Repeatable. Requests are answered with 503 from its beginning.
  virtual absl::Status Close(absl::Duration patience) = 0;
};

// How far the rows of an older version of the library have been brought into the present form.
struct MigrationProgress {
  uint64_t rows_done = 0;  // since the file was opened
  uint64_t rows_count = 0;
};

struct SqliteStorageOptions {
  std::string path;
  // A file of an older version is migrated before it is opened, in pieces: minutes for millions of
  // events. This is called after each piece, on the thread that opens; false stops, and the next
  // time the file is opened goes on from there (kCancelled now).
  std::function<bool(const MigrationProgress&)> on_migration;
  std::shared_ptr<Observer> observer;  // is told of a migration, too; may be null
};

// A store in one SQLite file, created if missing. kDataLoss for a file that is damaged,
// kFailedPrecondition for one written by a newer library; neither is touched.
absl::StatusOr<std::unique_ptr<Storage>> OpenSqliteStorage(SqliteStorageOptions options);
absl::StatusOr<std::unique_ptr<Storage>> OpenSqliteStorage(std::string_view path);

// A store that forgets everything with the process: for tests and trials.
std::unique_ptr<Storage> NewMemoryStorage();

struct CurlTransportOptions {
  std::vector<std::string> allowed_networks;  // as in GatewayOptions
  uint32_t connections_max = 256;
  // PEM file of the certificate authorities that receivers are trusted by, instead of the system's:
  // for intranets with an authority of their own. kInvalidArgument if it cannot be read.
  std::string ca_file;
  // A kept connection is not used again once it has been idle, or open, for so long; an address of
  // a name is asked for again. So a receiver that moves is followed. Whole seconds.
  absl::Duration connection_idle_max = absl::Seconds(60);
  absl::Duration connection_age_max = absl::Minutes(5);
  absl::Duration name_age_max = absl::Seconds(30);
  std::string proxy;      // as in GatewayOptions::delivery_proxy
  bool has_http2 = true;  // as in GatewayOptions::has_http2
};
absl::StatusOr<std::unique_ptr<Transport>> NewCurlTransport(const CurlTransportOptions& options);

}  // namespace convoy
