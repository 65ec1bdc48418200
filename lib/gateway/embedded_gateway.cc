// Driver of requests, commits and deliveries. Their meaning is decided in lib/http, lib/storage and
// lib/dispatch.
#include "lib/gateway/embedded_gateway.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/synchronization/notification.h"

#include "convoy/config_read.h"
#include "convoy/work_feed.h"
#include "lib/base/read_limit.h"
#include "lib/intake/job_room.h"
#include "lib/model/local_name.h"

namespace convoy::gateway {
namespace {

HttpResponse ClosingResponse() {
  return {.status = 503,
          .headers = {{"Content-Type", "application/json"}, {"Retry-After", "1"}},
          .body = R"({"status":false,"message":"the gateway is shutting down, try again"})"};
}

HttpResponse UndrivenResponse() {
  return {.status = 503,
          .headers = {{"Content-Type", "application/json"}},
          .body = R"({"status":false,"message":"this operation asks another server, which takes )"
                  R"(threads of the gateway (Start) or HandleAsync"})"};
}
// A delivery to the host that it does not take goes back after this part of its lease, so that the
// rest is there for the attempt.
constexpr int kWaitingShareOfLease = 8;

// For a thread that is in the middle of a commit when the gateway closes without patience.
constexpr absl::Duration kThreadPatienceMin = absl::Seconds(1);

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
      consumers_(consume_parts(), parts_.storage.get(), parts_.brokers) {
  commits_.set_config_listener([this](std::span<const ConfigWrite> writes) {
    configuration_.OnWritten(writes);
    jobs_.OnWritten(writes);
    dispatcher_.Notify();  // a change of an endpoint may open its lane
  });
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

http::ApiParts EmbeddedGateway::api_parts() const {
  return {.storage = parts_.storage.get(),
          .configuration = const_cast<config::ConfigCache*>(&configuration_),
          .intake = const_cast<intake::Intake*>(&intake_),
          .clock = parts_.clock.get(),
          .random = parts_.random.get(),
          .ulids = const_cast<base::UlidGenerator*>(&ulids_),
          .observer = parts_.observer.get(),
          .fetcher = fetcher_,
          .consumers = const_cast<consume::ConsumerSupervisor*>(&consumers_),
          .scripting = scripting_,
          .commits = &commits_,
          .dispatcher = &dispatcher_,
          .pruner = &pruner_,
          .jobs = &jobs_,
          .work_counts = [this] { return work_pool_.counts(); }};
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
                                               })};
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

absl::StatusOr<std::string> EmbeddedGateway::Bootstrap() {
  const absl::StatusOr<uint64_t> revision = parts_.storage->ConfigRevision("");
  if (!revision.ok()) return revision.status();
  const absl::StatusOr<std::vector<ApiKey>> keys =
      ListAllConfig<ApiKey>(*parts_.storage, {.project_id = ""});
  if (!keys.ok()) return keys.status();
  if (!keys->empty()) {
    return absl::AlreadyExistsError("this instance has its first API key already");
  }
  http::NewApiKey key = http::MakeApiKey(Role::kInstanceAdmin, "", "bootstrap key", api_parts());
  WriteBatch batch;
  batch.config.push_back({.scope = "", .expected_revision = *revision, .puts = {key.stored}});
  const CommitResult result = commits_.Commit(std::move(batch));
  if (absl::IsAborted(result.status)) {
    return absl::AlreadyExistsError("another process is bootstrapping this instance");
  }
  if (!result.status.ok()) return result.status;
  return key.text;
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

// Requests.

bool EmbeddedGateway::Enter() {
  absl::MutexLock lock(&mutex_);
  if (phase_ == Phase::kDraining || phase_ == Phase::kClosed) return false;
  ++requests_count_;
  return true;
}

void EmbeddedGateway::Leave() {
  absl::MutexLock lock(&mutex_);
  --requests_count_;
}

HeadDecision EmbeddedGateway::InspectHead(const HttpRequest& head) {
  if (!Enter()) return {.refusal = ClosingResponse()};
  const absl::Cleanup leave = [this] { Leave(); };
  return api_.InspectHead(head);
}

HttpResponse EmbeddedGateway::RefuseTooLarge(const HttpRequest& head) {
  if (!Enter()) return ClosingResponse();
  const absl::Cleanup leave = [this] { Leave(); };
  return api_.RefuseTooLarge(head);
}

std::optional<HttpResponse> EmbeddedGateway::Handle(const HttpRequest& request) {
  if (!Enter()) return ClosingResponse();
  const absl::Cleanup leave = [this] { Leave(); };
  return FinishIfAny(api_.Handle(request));
}

std::optional<HttpResponse> EmbeddedGateway::Call(const HttpRequest& request) {
  if (!Enter()) return ClosingResponse();
  const absl::Cleanup leave = [this] { Leave(); };
  return FinishIfAny(api_.Call(request));
}

std::optional<HttpResponse> EmbeddedGateway::FinishIfAny(std::optional<http::Reply> reply) {
  if (!reply.has_value()) return std::nullopt;
  return Finish(*std::move(reply));
}

HttpResponse EmbeddedGateway::Finish(http::Reply reply) {
  while (!std::holds_alternative<HttpResponse>(reply)) {
    if (auto* write = std::get_if<http::PendingWrite>(&reply)) {
      const CommitResult result = commits_.Commit(std::move(write->batch));
      NotifyIfDue(result, write->has_deliveries);
      const auto finish = std::move(write->finish);
      reply = finish(result);
    } else if (auto* fetch = std::get_if<http::PendingFetch>(&reply)) {
      reply = FetchNow(*std::move(fetch));
    } else if (auto* script = std::get_if<http::PendingScript>(&reply)) {
      reply = RunNow(std::move(*script));
    } else {
      const http::PendingCheck check = std::get<http::PendingCheck>(std::move(reply));
      reply = check.finish(consumers_.Check(check.source));
    }
  }
  return std::get<HttpResponse>(std::move(reply));
}

http::Reply EmbeddedGateway::FetchNow(http::PendingFetch fetch) {
  // Without threads the caller may be the one that steps, and would wait for itself.
  if (!has_threads_) return UndrivenResponse();
  absl::Notification has_ended;
  TransportResult result;
  const bool is_taken =
      fetcher_->Exchange(std::move(fetch.request), [&](TransportResult exchanged) {
        result = std::move(exchanged);
        has_ended.Notify();
      });
  if (!is_taken) return Gateway::OverloadedResponse();
  has_ended.WaitForNotification();
  return fetch.finish(result);
}

void EmbeddedGateway::RunFunction(ScriptCall call, std::function<void(ScriptResult)> done) {
  if (is_scripting_over_) return done({.error = "the gateway is closing"});
  RunScript(scripting_, std::move(call), std::move(done));
}

http::Reply EmbeddedGateway::RunNow(http::PendingScript script) {
  absl::Notification has_ended;
  ScriptResult result;
  RunFunction(std::move(script.call), [&](ScriptResult ended) {
    result = std::move(ended);
    has_ended.Notify();
  });
  has_ended.WaitForNotification();
  return script.finish(result);
}

bool EmbeddedGateway::HandleAsync(const HttpRequest& request,
                                  std::function<void(HttpResponse)> done) {
  done = Completion(std::move(done));
  if (!Enter()) {
    done(ClosingResponse());
    return true;
  }
  const http::WorkPlan plan = http::PlanWork(request);
  if (plan.is_quick || !has_threads_) return HandleNow(request, std::move(done));
  // Unauthorised requests do not wait among authorised ones.
  HeadDecision decision = api_.InspectHead(request);
  if (decision.is_declined || decision.refusal.has_value()) {
    return HandleNow(request, std::move(done));
  }
  HandleLater(plan, request, std::move(done));
  return true;
}

bool EmbeddedGateway::RefuseOverloadedAsync(const HttpRequest& head,
                                            std::function<void(HttpResponse)> done) {
  HeadDecision decision = InspectHead(head);
  if (decision.is_declined) return false;
  Completion(std::move(done))(decision.refusal.has_value() ? *std::move(decision.refusal)
                                                           : OverloadedResponse());
  return true;
}

void EmbeddedGateway::HandleLater(const http::WorkPlan& plan, const HttpRequest& request,
                                  std::function<void(HttpResponse)> done) {
  const absl::Time deadline = parts_.clock->Now() + options_.answer_timeout;
  // Shared, because it is needed again where the pool refuses.
  const auto shared = std::make_shared<std::function<void(HttpResponse)>>(std::move(done));
  const bool is_taken =
      work_pool_.Add(plan.kind, plan.queue, [this, deadline, request, shared](bool is_cancelled) {
        const base::ReadLimit limit(parts_.clock.get(), deadline, &is_work_cancelled_);
        if (is_cancelled || base::ReadLimit::IsOver()) {
          work_pool_.CountTimeOut();
          (*shared)(Gateway::OverloadedResponse());
          return Leave();
        }
        // Before the answer: with it in hand, the caller may look at the count.
        const auto counted = [this, shared](HttpResponse response) {
          if (base::ReadLimit::IsOver()) work_pool_.CountTimeOut();
          (*shared)(std::move(response));
        };
        if (!HandleNow(request, counted)) counted(Gateway::OverloadedResponse());
      });
  if (is_taken) return;
  (*shared)(Gateway::OverloadedResponse());
  Leave();
}

bool EmbeddedGateway::HandleNow(const HttpRequest& request,
                                std::function<void(HttpResponse)> done) {
  std::optional<http::Reply> reply = api_.Handle(request);
  if (!reply.has_value()) {
    Leave();
    return false;
  }
  FinishAsync(*std::move(reply),
              std::make_shared<std::function<void(HttpResponse)>>(std::move(done)));
  return true;
}

void EmbeddedGateway::FinishAsync(http::Reply reply,
                                  std::shared_ptr<std::function<void(HttpResponse)>> done) {
  if (auto* response = std::get_if<HttpResponse>(&reply)) {
    (*done)(std::move(*response));
    Leave();
    return;
  }
  if (auto* check = std::get_if<http::PendingCheck>(&reply)) {
    consumers_.CheckLater(std::move(check->source),
                          [this, finish = std::move(check->finish), done = std::move(done)](
                              const absl::Status& answer) { FinishAsync(finish(answer), done); });
    return;
  }
  if (auto* fetch = std::get_if<http::PendingFetch>(&reply)) {
    const bool is_taken = fetcher_->Exchange(
        std::move(fetch->request),
        [this, finish = std::move(fetch->finish), done](const TransportResult& result) {
          FinishAsync(finish(result), done);
        });
    if (!is_taken) FinishAsync(Gateway::OverloadedResponse(), std::move(done));
    return;
  }
  if (auto* script = std::get_if<http::PendingScript>(&reply)) {
    RunFunction(std::move(script->call),
                [this, finish = std::move(script->finish), done](const ScriptResult& result) {
                  FinishAsync(finish(result), done);
                });
    return;
  }
  auto* write = std::get_if<http::PendingWrite>(&reply);
  commits_.CommitAsync(
      std::move(write->batch),
      [this, finish = std::move(write->finish), has_deliveries = write->has_deliveries,
       done = std::move(done)](const CommitResult& result) {
        NotifyIfDue(result, has_deliveries);
        FinishAsync(finish(result), done);
      });
}

void EmbeddedGateway::NotifyIfDue(const CommitResult& result, bool has_deliveries) {
  if (has_deliveries && result.status.ok()) dispatcher_.Notify();
}

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

// Driving.

absl::StatusOr<absl::Time> EmbeddedGateway::Step() {
  {
    absl::MutexLock lock(&mutex_);
    if (phase_ == Phase::kClosed) return absl::FailedPreconditionError("the gateway is closed");
    if (phase_ != Phase::kOpen) {
      return absl::FailedPreconditionError("the gateway runs on its own threads");
    }
  }
  if (!driver_mutex_.TryLock()) {
    return absl::FailedPreconditionError("another thread is inside Step");
  }
  absl::Time next = StepOnce();
  next = std::min(next, StepHousekeeping());
  driver_mutex_.Unlock();
  return next;
}

absl::Time EmbeddedGateway::StepHousekeeping() {
  const absl::Time next = jobs_.Step();
  return std::min(next, pruner_.Step(jobs_.events_needed_from()));
}

absl::Time EmbeddedGateway::StepOnce() {
  // A commit may give the dispatcher work and its outcomes give the queue work. A few rounds finish
  // what is at hand; whatever is left has signalled the wake descriptor.
  constexpr int kRoundsMax = 4;
  absl::Time next = absl::InfiniteFuture();
  wake_->Clear();
  commits_.Drain();
  for (int round = 0; round < kRoundsMax; ++round) {
    wake_->Clear();  // the answers of the store to this thread are news of this round
    fetcher_->Step();
    next = dispatcher_.Step();
    if (!commits_.Drain()) break;
  }
  return next;
}

absl::Status EmbeddedGateway::Start() {
  absl::MutexLock lock(&mutex_);
  if (phase_ != Phase::kOpen) {
    return absl::FailedPreconditionError("the gateway has been started or closed before");
  }
  phase_ = Phase::kStarted;
  host_wake_->Unwatch();  // the driver is a thread of ours from now on
  // Two that commit: one writes while the other syncs.
  for (const auto work : {&EmbeddedGateway::RunDispatcher, &EmbeddedGateway::RunCommitter,
                          &EmbeddedGateway::RunCommitter}) {
    threads_.emplace_back([this, work] { Run(work); });
    ++threads_count_;  // not of one that could not be made
  }
  work_pool_.Start();
  has_threads_ = true;
  consumers_.Start();
  return absl::OkStatus();
}

void EmbeddedGateway::RunDispatcher() {
  while (true) {
    wake_->Clear();
    {
      absl::MutexLock lock(&mutex_);
      if (should_stop_) return;
    }
    fetcher_->Step();
    const absl::Time next = std::min(dispatcher_.Step(), StepHousekeeping());
    wake_->Wait(next - parts_.clock->Now());
  }
}

bool EmbeddedGateway::StopThreads(absl::Duration patience) {
  {
    absl::MutexLock lock(&mutex_);
    should_stop_ = true;
  }
  wake_->Signal();
  commits_.StopServing();
  {
    absl::MutexLock lock(&mutex_);
    const auto have_ended = [this]()
                                ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return threads_count_ == 0; };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&have_ended), patience)) return false;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return true;
}

void EmbeddedGateway::Run(void (EmbeddedGateway::*work)()) {
  (this->*work)();
  absl::MutexLock lock(&mutex_);
  --threads_count_;
}

// Closing.

absl::Status EmbeddedGateway::Close(absl::Duration patience) {
  absl::MutexLock closing(&close_mutex_);
  bool has_threads = false;
  {
    absl::MutexLock lock(&mutex_);
    if (phase_ == Phase::kClosed) return absl::OkStatus();
    has_threads = !threads_.empty();
    phase_ = Phase::kDraining;
  }
  host_wake_->Set(HostWake::Reason::kClosing, true);
  const absl::Time deadline = parts_.clock->SteadyNow() + patience;
  // Messages that consumers are storing are committed by the threads that still run.
  const bool are_consumers_over = consumers_.Stop(patience);
  dispatcher_.Drain();
  // From here on this thread drives: two drivers at once are not allowed, and one that stops at the
  // deadline is all that is needed.
  const absl::Duration left = deadline - parts_.clock->SteadyNow();
  if (has_threads && !StopThreads(std::max(left, kThreadPatienceMin))) {
    return absl::DeadlineExceededError("a callback has not returned; close again");
  }
  absl::MutexLock driving(&driver_mutex_);
  DrainUntil(deadline);
  AbandonWhatIsLeft();
  parts_.transport->Cancel();  // fetches; of deliveries there are none any more
  const absl::Status released = parts_.storage->ReleaseClaims();

  absl::MutexLock lock(&mutex_);
  if (requests_count_ > 0) {
    return absl::DeadlineExceededError("requests are still being answered; close again");
  }
  if (!are_consumers_over) {
    return absl::DeadlineExceededError("message brokers are still being asked; close again");
  }
  phase_ = Phase::kClosed;
  return released;
}

bool EmbeddedGateway::is_quiet() const {
  absl::MutexLock lock(&mutex_);
  return requests_count_ == 0 && dispatcher_.idle();
}

void EmbeddedGateway::DrainUntil(absl::Time deadline) {
  // Requests that block in Handle end by themselves; they do not signal, so they are looked for.
  constexpr absl::Duration kLook = absl::Milliseconds(5);
  while (true) {
    const absl::Time next = StepOnce();
    const absl::Duration left = deadline - parts_.clock->SteadyNow();
    if (is_quiet() || left <= absl::ZeroDuration()) return;
    wake_->Wait(std::min({next - parts_.clock->Now(), left, kLook}));
  }
}

void EmbeddedGateway::AbandonWhatIsLeft() {
  if (dispatcher_.idle()) return;
  dispatcher_.Abandon();
  // Deliveries that were put back are committed here; if the store refuses, their leases end by
  // themselves.
  constexpr int kRoundsMax = 8;
  for (int round = 0; round < kRoundsMax && !dispatcher_.idle(); ++round) {
    commits_.Drain();
    dispatcher_.Step();
  }
}

}  // namespace convoy::gateway
