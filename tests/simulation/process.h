// A simulated process: the parts of a gateway, on a store that outlives them and that another
// process may share.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "convoy/observer.h"
#include "lib/jobs/worker.h"
#include "lib/storage/pruner.h"
#include "tests/simulation/simulator.h"

namespace convoy::simulation {

// Circuit breakers of a process, as it tells of them in its log.
class BreakerLog final : public Observer {
 public:
  explicit BreakerLog(testing::SimClock* clock) : clock_(*clock) {}

  void Log(LogLevel, std::string_view event, std::span<const LogField> fields) override {
    std::string endpoint_id;
    for (const LogField& field : fields) {
      if (field.key == "endpoint_id") endpoint_id = field.value;
    }
    if (event == "circuit breaker opened") {
      ++opened_count_;
      opened_at_[endpoint_id] = clock_.SteadyNow();
    }
    // One that opened too often begins anew, whether its endpoint could be disabled or not.
    if (event == "circuit breaker closed" || event == "endpoint was not disabled") {
      Forget(endpoint_id);
    }
  }

  void Forget(const std::string& endpoint_id) { opened_at_.erase(endpoint_id); }
  // On the steady clock; InfinitePast if it is closed.
  absl::Time opened_at(const std::string& endpoint_id) const {
    const auto found = opened_at_.find(endpoint_id);
    return found == opened_at_.end() ? absl::InfinitePast() : found->second;
  }
  uint64_t opened_count() const { return opened_count_; }

 private:
  testing::SimClock& clock_;
  std::map<std::string, absl::Time> opened_at_;
  uint64_t opened_count_ = 0;
};

struct Simulator::Process {
  Process(Simulator* simulator, Canary canary)
      : observer(&simulator->clock_),
        store(
            simulator->store_.get(), simulator->rates_, &simulator->random_,
            [this, simulator](const Claim& claim) { simulator->CheckClaim(*this, claim); },
            [simulator](const std::string& id) { simulator->OnRequeue(id); }),
        transport(&simulator->clock_, &simulator->random_, simulator->rates_,
                  [this, simulator](const OutgoingRequest& request, bool is_success) {
                    simulator->CheckArrival(*this, request, is_success);
                  }),
        ulids(&simulator->clock_, &simulator->secrets_),
        configuration(&store, {}),
        commits(&store),
        intake(simulator->options_, &simulator->clock_, &ulids, &observer, simulator->limits_),
        dispatcher(simulator->options_, {.storage = &store,
                                         .commits = &commits,
                                         .configuration = &configuration,
                                         .transport = &transport,
                                         .clock = &simulator->clock_,
                                         .random = &simulator->secrets_,
                                         .ulids = &ulids,
                                         .observer = &observer}),
        pruner(simulator->options_.retention, &store, &simulator->clock_, &observer),
        worker({.chunk = {.storage = &store,
                          .configuration = &configuration,
                          .intake = &intake,
                          .clock = &simulator->clock_,
                          .ulids = &ulids},
                .commits = &commits,
                .random = &simulator->secrets_,
                .observer = &observer,
                .notify = [this] { dispatcher.Notify(); }}) {
    store.set_canary(canary);
    commits.set_config_listener(
        [this](std::span<const ConfigWrite> writes) { worker.OnWritten(writes); });
  }

  BreakerLog observer;
  FaultyStorage store;
  SimTransport transport;
  base::UlidGenerator ulids;
  config::ConfigCache configuration;
  storage::CommitQueue commits;
  intake::Intake intake;
  dispatch::Dispatcher dispatcher;
  storage::Pruner pruner;
  jobs::Worker worker;

  uint64_t number = 0;
  absl::Time next_step = absl::InfinitePast();
  absl::Time next_prune = absl::InfinitePast();
  std::set<std::string> told_success;  // deliveries whose success it has learnt of
  // Deliveries that another process has claimed since, when their lease had ended, or that an
  // operator has sent for again: what this process learns of its own attempt is void.
  std::set<std::string> taken_over;
  // By endpoint id: claims that handed out something of it while it was not active, as this process
  // had not learnt yet.
  std::map<std::string, int> unaware_claims;
};

}  // namespace convoy::simulation
