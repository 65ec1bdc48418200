// A simulated process: the parts of a gateway, on a store that outlives them.
#pragma once

#include <functional>

#include "convoy/observer.h"
#include "lib/storage/pruner.h"
#include "tests/simulation/simulator.h"

namespace convoy::simulation {

struct Simulator::Process {
  Process(const GatewayOptions& options, Storage* target, testing::SimClock* clock,
          testing::SeededRandom* random, testing::SeededRandom* secrets, const FaultRates& rates,
          SimTransport::OnArrival on_arrival, OnClaim on_claim)
      : store(target, rates, random, std::move(on_claim)),
        transport(clock, random, rates, std::move(on_arrival)),
        ulids(clock, secrets),
        configuration(&store, {}),
        commits(&store),
        intake(options, clock, &ulids),
        dispatcher(options, {.storage = &store,
                             .commits = &commits,
                             .configuration = &configuration,
                             .transport = &transport,
                             .clock = clock,
                             .random = secrets,
                             .ulids = &ulids,
                             .observer = &observer}),
        pruner(options.retention, &store, clock, &observer) {}

  Observer observer;  // silence
  FaultyStorage store;
  SimTransport transport;
  base::UlidGenerator ulids;
  config::ConfigCache configuration;
  storage::CommitQueue commits;
  intake::Intake intake;
  dispatch::Dispatcher dispatcher;
  storage::Pruner pruner;
};

}  // namespace convoy::simulation
