// Parts of a gateway that requests are answered with.
#pragma once

#include <functional>
#include <memory>

#include "convoy/clock.h"
#include "convoy/observer.h"
#include "convoy/scripting.h"
#include "convoy/span.h"
#include "convoy/storage.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/consume/consumer_supervisor.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/fetch/fetcher.h"
#include "lib/http/request/work.h"
#include "lib/intake/intake.h"
#include "lib/jobs/worker.h"
#include "lib/storage/commit_queue.h"
#include "lib/storage/pruner.h"

namespace convoy::http {

class VerifiedKeys;

// Parts that are only asked for what they have counted; null: left out of the metrics.
struct MeasuredParts {
  const storage::CommitQueue* commits = nullptr;
  const storage::Pruner* pruner = nullptr;
  const jobs::Worker* jobs = nullptr;
  const SpanSink* spans = nullptr;
  std::function<WorkCounts()> work_counts;
};

// Borrowed: all must outlive the Api (lib/http/api.h).
struct ApiParts {
  Storage* storage;
  config::ConfigCache* configuration;
  intake::Intake* intake;
  Clock* clock;
  Random* random;
  base::UlidGenerator* ulids;
  Observer* observer;
  std::shared_ptr<fetch::Fetcher> fetcher;           // may be null: then nothing is fetched
  consume::ConsumerSupervisor* consumers = nullptr;  // null: there is no message broker
  Scripting* scripting = nullptr;                    // null: payload functions are refused
  const dispatch::Dispatcher* dispatcher = nullptr;  // null: endpoints have no health
  MeasuredParts measured;
  VerifiedKeys* verified_keys = nullptr;  // set by Api
};

}  // namespace convoy::http
