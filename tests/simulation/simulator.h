// One simulated run of the pumped core of a gateway: intake, commit queue, a store, dispatcher. See
// FAULTS.md for what may happen and what is checked.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/clock.h"
#include "convoy/gateway.h"
#include "convoy/storage.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/intake/intake.h"
#include "lib/model/job.h"
#include "lib/storage/commit_queue.h"
#include "tests/simulation/faulty_process.h"
#include "tests/simulation/sim_transport.h"
#include "tests/support/sim_clock.h"

namespace convoy::simulation {

// Composition of a run, to see that the runs are meaningful.
struct Figures {
  uint64_t events_accepted = 0;
  uint64_t events_duplicate = 0;
  uint64_t requests_arrived = 0;
  uint64_t processes = 0;
  uint64_t deliveries_succeeded = 0;
  uint64_t deliveries_failed = 0;
  uint64_t events_pruned = 0;
  uint64_t jobs = 0;
  uint64_t chunks = 0;
  uint64_t batches = 0;
  uint64_t breakers_opened = 0;
  uint64_t unknown_outcomes = 0;
  uint64_t endpoints_disabled = 0;
};

// Makes the store of a run, which is empty and lives as long as the clock of the run.
using MakeStore = std::function<std::unique_ptr<Storage>(Clock* clock)>;

class Simulator {
 public:
  // Without `make_store` the store is in memory.
  Simulator(uint64_t seed, Canary canary, const MakeStore& make_store = nullptr);

  ~Simulator();

  // Plays the run. Empty, or what guarantee was broken.
  std::string Run();

  const Figures& figures() const { return figures_; }

 private:
  // Everything that dies with a process.
  struct Process;

  // Knowledge about an event before it is committed.
  struct Expected {
    std::string body;
    std::string idempotency_key;
    absl::Time made_at;
    uint64_t maker = 0;  // the number of the process
    std::set<std::string> delivery_ids;
    std::set<std::string> subscription_ids;
    bool is_deferred = false;  // its deliveries are made by a job
  };

  // A replay of all events that there were.
  struct Replay {
    absl::Time made_at;
    // Events that were acknowledged before it, if it was itself; without those of jobs.
    std::set<std::string> acknowledged;
  };

  void DrawFaults();
  void MakeWorld();
  void MakeSubscription(const Endpoint& endpoint, absl::Time now, ConfigWrite& write);
  void BeginProcess(std::unique_ptr<Process>& process);
  void EndProcess(std::unique_ptr<Process>& process);
  std::unique_ptr<Process>& AnyProcess() { return processes_[random_.Below(processes_.size())]; }
  void PlayStep();
  void Submit(Process& process);
  void Acknowledge(Process& process, const std::string& event_id, const CommitResult& result);
  // In the store; the dispatcher changes it, too.
  EndpointStatus StatusOf(const Endpoint& endpoint);
  void SetStatus(Endpoint endpoint, EndpointStatus status);
  void ToggleEndpoint();
  void ActivateDisabled();
  void AddBatch(Process& process, model::JobKind kind);
  bool AddJob(Process& process, const model::Job& job);
  bool HasOpenJob(model::JobKind kind);
  void OnRequeue(const std::string& delivery_id);
  void Pump(Process& process);
  void Prune(Process& process);
  void AdvanceClock();
  void CommitAll();
  absl::Time NextInstant() const;
  void SetClock();
  void Heal();
  void PlayUntilQuiet();
  bool IsQuiet();
  std::vector<Delivery> ListKeptDeliveries();
  std::vector<Delivery> ListDeliveries(const DeliveryQuery& query);
  std::vector<Delivery> ListOpenDeliveries();
  std::string DescribeOpen();

  void CheckArrival(Process& process, const OutgoingRequest& request, bool is_success);
  void CheckRepeat(Process& process, const std::string& delivery_id);
  void CheckBreaker(Process& process, const Endpoint& endpoint);
  bool HasOrder(const Delivery& delivery);
  void CheckOrder(const Endpoint& endpoint, const std::string& delivery_id);
  void TakeOver(Process& process, const std::string& delivery_id);
  void CheckClaim(Process& process, const Claim& claim);
  void CheckStored(const std::string& event_id);
  void CheckAllAcknowledged();
  void CheckEnd();
  void CheckNothingStays();
  void CheckEvent(const Event& event);
  void CheckAudience(const Event& event, const Expected& expected,
                     const std::vector<Delivery>& deliveries);
  void CheckRetried();
  bool HasOpenJobs();
  void CheckDelivery(const Delivery& delivery);
  std::vector<Event> ListAllEvents();
  std::vector<Delivery> ListDeliveriesOf(const std::string& event_id);

  // Remembers the first broken guarantee.
  void Fail(std::string what);
  void Write(ConfigWrite write);

  const Canary canary_;
  testing::SimClock clock_;
  testing::SeededRandom random_;   // decides what happens
  testing::SeededRandom secrets_;  // what the library draws
  GatewayOptions options_;
  intake::AudienceLimits limits_;
  FaultRates rates_;
  base::UlidGenerator ulids_;
  std::unique_ptr<Storage> store_;
  std::vector<std::unique_ptr<Process>> processes_;
  Project project_;
  absl::Duration breaker_rest_ = absl::ZeroDuration();  // what an open breaker is to rest
  std::vector<Endpoint> endpoints_;                     // as they were made
  std::set<std::string> at_most_once_ids_;              // subscriptions

  std::map<std::string, Expected> expected_;         // by event id
  std::set<std::string> acknowledged_;               // event ids
  std::map<std::string, absl::Time> accepted_keys_;  // idempotency key to when it was last accepted
  std::map<std::string, std::string> event_of_delivery_;
  // By delivery id, of both clocks.
  std::map<std::string, std::pair<absl::Time, absl::Time>> last_arrival_;
  std::map<std::string, size_t> arrivals_count_;  // by delivery id
  // By delivery id, of the latest claim, unless the clock was set since.
  std::map<std::string, absl::Time> lease_ends_at_;
  std::set<std::string> requeued_;  // delivery ids
  std::vector<Replay> replays_;
  // By delivery id: attempts of those that the batch retry of the healed phase is to try again.
  std::map<std::string, size_t> to_retry_;
  std::set<std::string> disabled_since_;  // endpoint ids; since then
  // By endpoint id: when its latest deliveries were handed out, by the steady clock.
  std::map<std::string, std::deque<absl::Time>> handed_out_;
  absl::Time latest_wall_ = absl::InfinitePast();
  bool is_healed_ = false;
  bool was_clock_set_ = false;
  bool was_clock_set_forth_ = false;
  std::set<std::string> answered_with_success_;  // delivery ids
  std::string failure_;
  Figures figures_;
};

}  // namespace convoy::simulation
