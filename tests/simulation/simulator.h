// One simulated run of the pumped core of a gateway: intake, commit queue, a memory store,
// dispatcher. See FAULTS.md for what may happen and what is checked.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/gateway.h"
#include "convoy/storage.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/intake/intake.h"
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
};

class Simulator {
 public:
  Simulator(uint64_t seed, Canary canary);

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
    std::set<std::string> delivery_ids;
    // Its deliveries are made by a job: for these subscriptions.
    bool is_deferred = false;
    std::set<std::string> subscription_ids;
  };

  void DrawFaults();
  void MakeWorld();
  void BeginProcess();
  void EndProcess();
  void PlayStep();
  void Submit();
  void Acknowledge(const std::string& event_id, const CommitResult& result);
  void ToggleEndpoint();
  void Pump();
  void Prune();
  void AdvanceClock();
  void SetClock();
  void Heal();
  void PlayUntilQuiet();
  bool IsQuiet();
  std::vector<Delivery> ListOpenDeliveries();
  std::string DescribeOpen();

  void CheckArrival(const OutgoingRequest& request, bool is_success);
  void CheckOrder(const Endpoint& endpoint, const std::string& delivery_id);
  void CheckClaim(const Claim& claim);
  void CheckStored(const std::string& event_id);
  void CheckAllAcknowledged();
  void CheckEnd();
  void CheckNothingStays();
  void CheckEvent(const Event& event);
  void CheckDeferred(const Event& event, const Expected& expected,
                     const std::vector<Delivery>& deliveries);
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
  std::unique_ptr<Process> process_;
  Project project_;
  std::vector<Endpoint> endpoints_;
  absl::Time next_step_ = absl::InfinitePast();

  std::map<std::string, Expected> expected_;         // by event id
  std::set<std::string> acknowledged_;               // event ids
  std::map<std::string, absl::Time> accepted_keys_;  // idempotency key to when it was last accepted
  std::map<std::string, std::string> event_of_delivery_;
  // By delivery id, of both clocks.
  std::map<std::string, std::pair<absl::Time, absl::Time>> last_arrival_;
  // By endpoint id: when its latest deliveries were handed out, by the steady clock.
  std::map<std::string, std::deque<absl::Time>> handed_out_;
  // By endpoint id: claims that handed out something of it while it was paused, as this process
  // had not learnt yet.
  std::map<std::string, int> unaware_claims_;
  absl::Time latest_wall_ = absl::InfinitePast();
  bool was_clock_set_ = false;
  bool was_clock_set_forth_ = false;
  std::set<std::string> answered_with_success_;  // delivery ids
  std::set<std::string> told_success_;           // those the process has learnt of
  std::string failure_;
  Figures figures_;
};

}  // namespace convoy::simulation
