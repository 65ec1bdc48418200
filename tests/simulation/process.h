// A simulated process: the parts of a gateway, on a store that outlives them.
#pragma once

#include <functional>

#include "convoy/observer.h"
#include "lib/jobs/worker.h"
#include "lib/storage/pruner.h"
#include "tests/simulation/simulator.h"

namespace convoy::simulation {

struct Simulator::Process {
  Process(const GatewayOptions& options, const intake::AudienceLimits& limits, Storage* target,
          testing::SimClock* clock, testing::SeededRandom* random, testing::SeededRandom* secrets,
          const FaultRates& rates, SimTransport::OnArrival on_arrival, OnClaim on_claim)
      : store(target, rates, random, std::move(on_claim)),
        transport(clock, random, rates, std::move(on_arrival)),
        ulids(clock, secrets),
        configuration(&store, {}),
        commits(&store),
        intake(options, clock, &ulids, &observer, limits),
        dispatcher(options, {.storage = &store,
                             .commits = &commits,
                             .configuration = &configuration,
                             .transport = &transport,
                             .clock = clock,
                             .random = secrets,
                             .ulids = &ulids,
                             .observer = &observer}),
        pruner(options.retention, &store, clock, &observer),
        worker({.chunk = {.storage = &store,
                          .configuration = &configuration,
                          .intake = &intake,
                          .clock = clock,
                          .ulids = &ulids},
                .commits = &commits,
                .random = secrets,
                .observer = &observer,
                .notify = [this] { dispatcher.Notify(); }}) {
    commits.set_config_listener(
        [this](std::span<const ConfigWrite> writes) { worker.OnWritten(writes); });
  }

  Observer observer;  // silence
  FaultyStorage store;
  SimTransport transport;
  base::UlidGenerator ulids;
  config::ConfigCache configuration;
  storage::CommitQueue commits;
  intake::Intake intake;
  dispatch::Dispatcher dispatcher;
  storage::Pruner pruner;
  jobs::Worker worker;
};

}  // namespace convoy::simulation
