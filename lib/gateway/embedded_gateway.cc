// Composition of the gateway: constructs the parts, connects their notifications and ends them in
// order. Their meaning is decided in lib/http, lib/storage and lib/dispatch.
#include "lib/gateway/embedded_gateway.h"

#include <algorithm>
#include <utility>

#include "convoy/work_feed.h"
#include "lib/intake/job_room.h"
#include "lib/model/local_name.h"

namespace convoy::gateway {
namespace {

// A delivery to the host that it does not take goes back after this part of its lease, so that the
// rest is there for the attempt.
constexpr int kWaitingShareOfLease = 8;

config::CacheOptions CacheOptionsOf(const GatewayOptions& options, Clock* clock) {
  return {.projects_max = options.projects_cached_max,
          .sources_max = options.sources_cached_max,
          .clock = clock};
}

}  // namespace

EmbeddedGateway::EmbeddedGateway(GatewayOptions options, GatewayParts parts,
                                 std::unique_ptr<WakeFd> wake, std::unique_ptr<HostWake> host_wake)
    : options_(std::move(options)),
      owned_scripting_(std::move(parts.scripting)),
      parts_(std::move(parts)),
      wake_(std::move(wake)),
      host_wake_(std::move(host_wake)),
      mailbox_({.clock = parts_.clock.get(),
                .waiting_max = options_.lease / kWaitingShareOfLease,
                .window_max = options_.in_flight_max}),
      host_outcomes_(options_.outcomes_max, host_wake_.get(), HostWake::Reason::kOutcome),
      completions_(SIZE_MAX, host_wake_.get(), HostWake::Reason::kCompletion),
      ulids_(parts_.clock.get(), parts_.random.get()),
      fetcher_(std::make_shared<fetch::Fetcher>(fetch::FetcherOptions(), parts_.transport.get(),
                                                parts_.clock.get(), parts_.observer.get())),
      configuration_(parts_.storage.get(), CacheOptionsOf(options_, parts_.clock.get()), fetcher_),
      intake_(options_, parts_.clock.get(), &ulids_, parts_.observer.get()),
      broker_intake_(options_, &intake_, parts_.clock.get(), &ulids_),
      commits_(parts_.storage.get(), {.clock = parts_.clock.get()}),
      api_(options_, api_parts()),
      dispatcher_(options_, dispatcher_parts()),
      pruner_(options_.retention, parts_.storage.get(), parts_.clock.get(), parts_.observer.get()),
      jobs_(job_parts()),
      work_pool_({.threads = options_.answer_threads}),
      log_upkeep_(dynamic_cast<storage::LogUpkeep*>(parts_.storage.get())),
      consumers_(consume_parts(), parts_.storage.get(), parts_.brokers) {
  commits_.set_config_listener([this](std::span<const ConfigWrite> writes) {
    configuration_.OnWritten(writes);
    jobs_.OnWritten(writes);
    dispatcher_.Notify();  // a change of an endpoint may open its lane
  });
  intake_.receptions().set_sink(parts_.spans.get());
  dispatcher_.set_wake([this] { wake_->Signal(); });
  jobs_.set_wake([this] { wake_->Signal(); });
  fetcher_->set_wake([this] { wake_->Signal(); });
  if (options_.outcomes_max > 0) {
    intake_.report().set_tell(
        [this](HostOutcome outcome) { host_outcomes_.Push(std::move(outcome)); });
  }
  mailbox_.set_wake([this] { dispatcher_.Notify(); });
  mailbox_.set_tell(
      [this](bool has_any) { host_wake_->Set(HostWake::Reason::kDelivery, has_any); });
  commits_.set_wake([this] { wake_->Signal(); });
  ListenForWork([this] { dispatcher_.Notify(); });
}

// Of other openers of the store, where it tells of that.
void EmbeddedGateway::ListenForWork(std::function<void()> tell) {
  auto* const feed = dynamic_cast<WorkFeed*>(parts_.storage.get());
  if (feed != nullptr) feed->SetWorkListener(std::move(tell));
}

EmbeddedGateway::~EmbeddedGateway() {
  ListenForWork(nullptr);
  Close(absl::ZeroDuration()).IgnoreError();
  // A callback that has not returned is waited for, then the rest of closing is done.
  if (StopThreads(absl::InfiniteDuration())) Close(absl::ZeroDuration()).IgnoreError();
  has_threads_ = false;
  is_work_cancelled_ = true;
  work_pool_.Stop();
  // An adapter's call may still be under way, and what comes of it may want to be committed.
  while (!consumers_.Stop(absl::Milliseconds(20))) commits_.Drain();
  commits_.Drain();
  // Calls of functions that are under way end, and what comes of them is committed.
  is_scripting_over_ = true;
  owned_scripting_.reset();
  commits_.Drain();
  while (Poll(SIZE_MAX) > 0) continue;
}

http::ApiParts EmbeddedGateway::api_parts() {
  return {.storage = parts_.storage.get(),
          .configuration = &configuration_,
          .intake = &intake_,
          .clock = parts_.clock.get(),
          .random = parts_.random.get(),
          .ulids = &ulids_,
          .observer = parts_.observer.get(),
          .fetcher = fetcher_,
          .consumers = &consumers_,
          .scripting = scripting_,
          .dispatcher = &dispatcher_,
          .measured = {.commits = &commits_,
                       .pruner = &pruner_,
                       .jobs = &jobs_,
                       .spans = parts_.spans.get(),
                       .work_counts = [this] { return work_pool_.counts(); }}};
}

dispatch::DispatcherParts EmbeddedGateway::dispatcher_parts() {
  return {.storage = parts_.storage.get(),
          .commits = &commits_,
          .configuration = &configuration_,
          .transport = parts_.transport.get(),
          .clock = parts_.clock.get(),
          .random = parts_.random.get(),
          .ulids = &ulids_,
          .observer = parts_.observer.get(),
          .local = &mailbox_,
          .scripting = scripting_,
          .tell = options_.outcomes_max == 0 ? nullptr
                                             : dispatch::TellOutcome([this](HostOutcome outcome) {
                                                 host_outcomes_.Push(std::move(outcome));
                                               }),
          .spans = parts_.spans.get()};
}

consume::ConsumeParts EmbeddedGateway::consume_parts() {
  return {.commits = &commits_,
          .configuration = &configuration_,
          .intake = &broker_intake_,
          .clock = parts_.clock.get(),
          .random = parts_.random.get(),
          .observer = parts_.observer.get(),
          .notify = [this] { dispatcher_.Notify(); },
          .allowed_networks = options_.allowed_networks,
          .check_room =
              [this](const WriteBatch& batch) {
                return intake::CheckJobRoom(*parts_.storage, options_.open_jobs_max, batch);
              },
          .scripting = scripting_};
}

jobs::WorkerParts EmbeddedGateway::job_parts() {
  return {.chunk = {.storage = parts_.storage.get(),
                    .configuration = &configuration_,
                    .intake = &intake_,
                    .clock = parts_.clock.get(),
                    .ulids = &ulids_,
                    .open_jobs_max = options_.open_jobs_max},
          .commits = &commits_,
          .random = parts_.random.get(),
          .observer = parts_.observer.get(),
          .notify = [this] { dispatcher_.Notify(); }};
}

// Completions.

size_t EmbeddedGateway::Poll(size_t completions_max) {
  // Those that completions lead to wait for the next call.
  const size_t count = std::min(completions_max, completions_.size());
  for (size_t i = 0; i < count; ++i) {
    const std::optional<std::function<void()>> completion = completions_.Pop();
    if (!completion.has_value()) return i;  // another thread polls, too
    (*completion)();
  }
  return count;
}

// Deliveries to the host.

absl::StatusOr<std::vector<LocalDelivery>> EmbeddedGateway::TakeLocal(std::string_view name,
                                                                      size_t items_max,
                                                                      absl::Duration patience) {
  if (absl::Status status = model::CheckServed(name, options_.local_names); !status.ok()) {
    return status;
  }
  return mailbox_.Take(name, items_max, patience);
}

absl::Status EmbeddedGateway::FinishLocal(uint64_t ticket, LocalOutcome outcome) {
  return mailbox_.Finish(ticket, std::move(outcome));
}

}  // namespace convoy::gateway
