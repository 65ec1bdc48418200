// Dispatcher: takes due deliveries out of the store and sends them to their endpoints. A state
// machine without threads: its driver calls Step.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/host_outcome.h"
#include "convoy/local.h"
#include "convoy/observer.h"
#include "convoy/options.h"
#include "convoy/scripting.h"
#include "convoy/span.h"
#include "convoy/storage.h"
#include "convoy/transport.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/dispatch/health.h"
#include "lib/dispatch/latency.h"
#include "lib/dispatch/outcome.h"
#include "lib/storage/commit_queue.h"

namespace convoy::dispatch {

// Called on the thread that learns it; quick.
using TellOutcome = std::function<void(HostOutcome)>;

// All must outlive the dispatcher.
struct DispatcherParts {
  Storage* storage;
  storage::CommitQueue* commits;
  config::ConfigCache* configuration;
  Transport* transport;
  Clock* clock;
  Random* random;
  base::UlidGenerator* ulids;
  Observer* observer;
  LocalTransport* local = nullptr;  // null: deliveries to local endpoints wait
  Scripting* scripting = nullptr;   // null: payload functions fail
  TellOutcome tell = nullptr;       // empty: the host does not want to know
  SpanSink* spans = nullptr;        // null: spans are logged alone
};

// Counters of a dispatcher since its construction, and its current load.
struct DispatcherStatus {
  std::array<uint64_t, kOutcomesCount> attempts = {};  // that have ended, by Outcome
  // From acceptance to the final outcome.
  LatencyCounts delivered_latency, failed_latency, discarded_latency;
  uint64_t failed_claims = 0;  // the store could not be asked for work
  uint64_t in_flight = 0;      // attempts on their way
  uint64_t throttled = 0;      // endpoints held back by their rate limit
  uint64_t waiting = 0;        // due, but their lane is full
  // When this process last lacked a descriptor, a port or memory for an attempt.
  absl::Time last_local_failure_at = absl::InfinitePast();
  uint64_t unwritten = 0;  // outcomes that the store refused, kept
};

class Dispatcher {
 public:
  Dispatcher(const GatewayOptions& options, DispatcherParts parts);
  // Only when idle() or after Abandon(), and when no call of Scripting's is under way.
  ~Dispatcher();

  // Claims what is due and there is room for, runs the transport, records outcomes (queued on the
  // commit queue; their completions arrive by themselves). Never waits. Returns when to call again
  // at the latest. One thread at a time.
  absl::Time Step();

  // There is new work in the store, or an outcome was committed: Step soon. From any thread. `wake`
  // is called when the dispatcher learns something on a foreign thread; it must make the driver
  // step.
  void Notify();
  void set_wake(std::function<void()> wake);

  // From now on nothing is claimed. Attempts in flight go on.
  void Drain();
  bool idle() const;  // nothing in flight, nothing awaiting its commit

  // From any thread.
  DispatcherStatus status() const;
  // nullopt if there is nothing to tell of the endpoint.
  std::optional<EndpointHealth> HealthOf(const std::string& endpoint_id) const;

  // Cancels what is in flight and puts those deliveries back as they were.
  void Abandon();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace convoy::dispatch
