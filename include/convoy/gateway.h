// The gateway, as one object. Open it on a store, mount Handle in your server, and drive its
// deliveries in one of two ways:
//
//   threaded   Start(); the gateway runs threads of its own: a committer, a dispatcher, and readers
//              of message brokers
//   pumped     call Step() when wake_fd() is readable or the instant it returned has come; no
//              thread is created, except by libcurl while it looks up a host name
//
// Durability: a 2xx of Handle is given after the commit that holds the event, its idempotency key
// and its deliveries. An acknowledged event survives the death of the process.
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
  // Adapters that pub_sub sources may use (broker.h). Only a started gateway reads from brokers; a
  // pumped one says so in the status of such a source's consumers.
  std::vector<std::shared_ptr<Broker>> brokers;
  // The engine of payload functions (scripting.h). Null: new functions are refused, and stored ones
  // fail.
  std::unique_ptr<Scripting> scripting;
  // Takes the spans of events and deliveries (span.h). Null: the observer gets them as log lines.
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

// An event that the host creates, as with the REST API but without a request and an API key.
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
  // The answer to a request whose body is larger than InspectHead allows. It names the limit and
  // its setting; the refusal is counted and logged. Close the connection after it.
  virtual HttpResponse RefuseTooLarge(const HttpRequest& head) = 0;
  // The answer, 503, of a host that has no memory or connection for a request.
  static HttpResponse OverloadedResponse();

  // Answers a request; blocks until its effects are durable. nullopt: the path is not the
  // gateway's.
  virtual std::optional<HttpResponse> Handle(const HttpRequest& request) = 0;

  // The same without blocking. Returns false if the path is not the gateway's; `done` is then never
  // called. Otherwise it runs exactly once: before this returns, on the thread that commits, on a
  // thread of Scripting, or, once the gateway has been started, on one of its answering threads.
  virtual bool HandleAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) = 0;

  // Call it instead of HandleAsync if the host has no memory for the request. `head.body` is
  // ignored. `done` gets 503 if the path is the gateway's, unless the head alone is refused
  // otherwise.
  virtual bool RefuseOverloadedAsync(const HttpRequest& head,
                                     std::function<void(HttpResponse)> done) = 0;

  // Answers a request of the REST API ("/api/v1/…") as the instance's administrator, without a key;
  // blocks until its effects are durable. nullopt: the path is not of the REST API.
  virtual std::optional<HttpResponse> Call(const HttpRequest& request) = 0;

  // The same without blocking, like HandleAsync. False: the path is not of the REST API.
  virtual bool CallAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) = 0;

  // Takes an event; blocks until it is durable. kInvalidArgument names the field; kNotFound: there
  // is no such project.
  virtual absl::StatusOr<Receipt> Ingest(HostEvent event) = 0;

  // The same without blocking. `done` runs exactly once: before this returns, or on the thread that
  // commits.
  virtual void IngestAsync(HostEvent event, std::function<void(absl::StatusOr<Receipt>)> done) = 0;

  // Deliveries to this host (local.h). From any thread, concurrently.

  // Takes waiting deliveries to "local:`name`", at most `items_max`, the oldest first. If there are
  // none, waits for them, at most `patience`; meanwhile another thread must step a pumped gateway.
  // The result may be empty. kInvalidArgument: the name is not in GatewayOptions::local_names;
  // kFailedPrecondition: the gateway closes.
  virtual absl::StatusOr<std::vector<LocalDelivery>> TakeLocal(std::string_view name,
                                                               size_t items_max,
                                                               absl::Duration patience) = 0;

  // Finishes a delivery. OK: its outcome will be recorded; after a crash before that the delivery
  // comes again. kNotFound: it was finished before, or its deadline has passed and it comes again.
  virtual absl::Status FinishLocal(uint64_t ticket, LocalOutcome outcome) = 0;

  // For the host, from any thread.

  // Takes the oldest waiting outcome (GatewayOptions::outcomes_max); nullopt: there is none.
  virtual std::optional<HostOutcome> NextOutcome() = 0;
  // How many outcomes were dropped since the gateway was opened.
  virtual uint64_t dropped_outcomes_count() const = 0;

  // Runs waiting completions (GatewayOptions::has_polled_completions) on this thread, at most
  // `completions_max`, and returns their number. It does nothing else, so it does not wait.
  // Completions that still wait when the gateway is destroyed run then.
  virtual size_t Poll(size_t completions_max) = 0;

  // Driving.

  // Does all due work: commits, deliveries. Returns the latest instant for the next call. One
  // thread at a time; kFailedPrecondition after Start.
  virtual absl::StatusOr<absl::Time> Step() = 0;

  // A file descriptor for poll, select or epoll, owned by the gateway. It is readable while a
  // delivery, an outcome or a completion waits for the host, when the gateway closes, and, until
  // Start, when Step has work.
  virtual int wake_fd() const = 0;

  // Starts the threads.
  virtual absl::Status Start() = 0;

  // Finishes deliveries in flight, returns the others to the store and stops, within `patience`.
  // May be repeated. From its beginning, requests are answered with 503.
  virtual absl::Status Close(absl::Duration patience) = 0;
};

// How far the rows of an older version of the library have been brought into the present form.
struct MigrationProgress {
  uint64_t rows_done = 0;  // since the file was opened
  uint64_t rows_count = 0;
};

struct SqliteStorageOptions {
  std::string path;
  // A file of an older version is migrated before it is opened, in pieces, which takes minutes for
  // millions of events. This is called after each piece, on the thread that opens. False stops the
  // migration (kCancelled); the next time that the file is opened, it goes on from there.
  std::function<bool(const MigrationProgress&)> on_migration;
  std::shared_ptr<Observer> observer;  // is told of a migration, too; may be null
};

// A store in one SQLite file, created if missing. kDataLoss for a file that is damaged,
// kFailedPrecondition for one written by a newer library; neither is touched.
absl::StatusOr<std::unique_ptr<Storage>> OpenSqliteStorage(SqliteStorageOptions options);
absl::StatusOr<std::unique_ptr<Storage>> OpenSqliteStorage(std::string_view path);

// A store in memory, which ends with the process: for tests and trials.
std::unique_ptr<Storage> NewMemoryStorage();

struct CurlTransportOptions {
  std::vector<std::string> allowed_networks;  // as in GatewayOptions
  uint32_t connections_max = 256;
  // PEM file of certificate authorities for receivers, instead of the system's: for intranets with
  // an authority of their own. kInvalidArgument if it cannot be read.
  std::string ca_file;
  // After this long, a kept connection that is idle, or open, is not used again, and the address of
  // a name is looked up again, so that receivers may move. Whole seconds.
  absl::Duration connection_idle_max = absl::Seconds(60);
  absl::Duration connection_age_max = absl::Minutes(5);
  absl::Duration name_age_max = absl::Seconds(30);
  std::string proxy;      // as in GatewayOptions::delivery_proxy
  bool has_http2 = true;  // as in GatewayOptions::has_http2
};
absl::StatusOr<std::unique_ptr<Transport>> NewCurlTransport(const CurlTransportOptions& options);

}  // namespace convoy
