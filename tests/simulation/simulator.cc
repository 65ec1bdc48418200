// Events of a simulated run. The guarantees are checked in checks.cc.

#include "tests/simulation/simulator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "convoy/ulid.h"
#include "lib/base/text.h"
#include "tests/simulation/process.h"

namespace convoy::simulation {
namespace {

constexpr int kSteps = 120;
constexpr int kHealedStepsMax = 20'000;
// A leap by more than this finds nothing uncommitted, where two processes share the store.
constexpr absl::Duration kUncommittedMax = absl::Minutes(1);
constexpr uint64_t kSecretsSalt = 0x5ec2e75;

}  // namespace

Simulator::Simulator(uint64_t seed, Canary canary, const MakeStore& make_store)
    : canary_(canary),
      random_(seed),
      secrets_(seed ^ kSecretsSalt),
      ulids_(&clock_, &secrets_),
      store_(make_store == nullptr ? NewMemoryStorage() : make_store(&clock_)) {
  DrawFaults();
  MakeWorld();
  processes_.resize(random_.Chance(50) ? 2 : 1);
  for (std::unique_ptr<Process>& process : processes_) BeginProcess(process);
}

Simulator::~Simulator() {
  for (std::unique_ptr<Process>& process : processes_) EndProcess(process);
}

// Each fault is off in half of the runs, and anything up to frequent in the others.
void Simulator::DrawFaults() {
  for (uint32_t* rate :
       {&rates_.commit_refused, &rates_.commit_untold, &rates_.claim_refused, &rates_.prune_refused,
        &rates_.prune_untold, &rates_.connect_refused, &rates_.answer_late, &rates_.answer_never,
        &rates_.answer_failure, &rates_.answer_gone, &rates_.answer_cut_off, &rates_.process_ends,
        &rates_.operator_pauses, &rates_.operator_batches, &rates_.clock_set}) {
    *rate = random_.Chance(50) ? 0 : static_cast<uint32_t>(random_.Below(40));
  }
  rates_.process_ends /= 4;
  rates_.prune_untold /= 4;
  rates_.clock_set /= 8;
  rates_.answer_gone /= 4;
  rates_.operator_batches /= 8;
  options_.in_flight_max = 1 + static_cast<uint32_t>(random_.Below(32));
  options_.in_flight_per_endpoint_max = 1 + static_cast<uint32_t>(random_.Below(8));
  // Audiences are small here; so is what counts as a large one.
  if (random_.Chance(70)) {
    limits_.deliveries_max = 1 + random_.Below(3);
    limits_.chunk_looks = 1 + static_cast<uint32_t>(random_.Below(3));
  }
  for (absl::Duration* time : {&options_.retention, &options_.dedupe_window}) {
    if (random_.Chance(50)) *time = absl::Minutes(1 + static_cast<int64_t>(random_.Below(120)));
  }
}

void Simulator::MakeWorld() {
  const absl::Time now = clock_.Now();
  project_ = {.id = ulids_.Next(), .name = "simulated", .created_at = now, .updated_at = now};
  project_.config.has_trace_headers = true;
  project_.config.retry = {
      .strategy = random_.Chance(50) ? RetryStrategy::kLinear : RetryStrategy::kExponential,
      .interval = absl::Seconds(1 + static_cast<int64_t>(random_.Below(20))),
      .attempts_max = 1 + static_cast<uint32_t>(random_.Below(5))};
  project_.config.signature.versions = {{.id = "v1", .created_at = now}};
  project_.config.should_disable_endpoint = random_.Chance(20);
  if (random_.Chance(40)) {
    breaker_rest_ = absl::Seconds(5 + static_cast<int64_t>(random_.Below(60)));
    project_.config.circuit_breaker = {
        .sample_interval = absl::Seconds(1),
        .error_timeout = canary_ == Canary::kBreakers ? breaker_rest_ / 2 : breaker_rest_,
        .requests_min = 1 + static_cast<uint32_t>(random_.Below(4)),
        .consecutive_failures_max = 2 + static_cast<uint32_t>(random_.Below(4))};
  }
  Write({.scope = "", .puts = {project_}});

  const uint64_t endpoints_count = 1 + random_.Below(6);
  ConfigWrite write{.scope = project_.id};
  for (uint64_t i = 0; i < endpoints_count; ++i) {
    Endpoint endpoint{.id = ulids_.Next(),
                      .project_id = project_.id,
                      .owner_id = absl::StrCat("owner", i % 2),
                      .name = absl::StrCat("endpoint", i),
                      .url = absl::StrCat("https://endpoint", i, ".example.com/hook"),
                      .secrets = {{.id = ulids_.Next(), .value = absl::StrCat("secret", i)}},
                      .has_advanced_signatures = random_.Chance(50),
                      .created_at = now,
                      .updated_at = now};
    if (random_.Chance(50)) endpoint.rate_limit = {.count = 5, .window = absl::Seconds(10)};
    endpoint.is_fifo = random_.Chance(30);
    if (i > 0 && random_.Chance(15)) endpoint.status = EndpointStatus::kInactive;
    endpoints_.push_back(endpoint);
    write.puts.push_back(endpoint);
    // An endpoint without a subscription gets one with its first single event.
    if (!random_.Chance(15)) MakeSubscription(endpoint, now, write);
  }
  Write(std::move(write));
}

void Simulator::MakeSubscription(const Endpoint& endpoint, absl::Time now, ConfigWrite& write) {
  Subscription subscription{.id = ulids_.Next(),
                            .project_id = project_.id,
                            .name = endpoint.name,
                            .endpoint_id = endpoint.id,
                            .event_types = {random_.Chance(50) ? "*" : "kind1.*"},
                            .created_at = now,
                            .updated_at = now};
  if (random_.Chance(30)) {
    subscription.delivery_mode = DeliveryMode::kAtMostOnce;
    at_most_once_ids_.insert(subscription.id);
  }
  write.puts.push_back(std::move(subscription));
}

void Simulator::Write(ConfigWrite write) {
  const absl::StatusOr<uint64_t> revision = store_->ConfigRevision(write.scope);
  if (!revision.ok()) return Fail(revision.status().ToString());
  write.expected_revision = *revision;
  WriteBatch batch;
  batch.config.push_back(std::move(write));
  WriteBatch* const batches[] = {&batch};
  CommitResult results[1];
  const absl::Status status = store_->Commit(batches, results);
  if (!status.ok() || !results[0].status.ok()) {
    Fail(absl::StrCat("configuration refused: ", status.ToString(), " ",
                      results[0].status.ToString()));
  }
}

void Simulator::BeginProcess(std::unique_ptr<Process>& process) {
  process = std::make_unique<Process>(this, canary_);
  process->number = figures_.processes;
  process->transport.set_refusing_url(endpoints_.back().url);
  process->transport.set_on_told([made = process.get()](const OutgoingRequest& request) {
    std::string id(base::FindHeader(request.headers, "X-Convoy-EventDelivery-ID").value_or(""));
    if (!made->taken_over.contains(id)) made->told_success.insert(std::move(id));
  });
  process->store.set_shared(processes_.size() > 1);
  ++figures_.processes;
}

// Nothing that the process does from now on reaches the store; its objects still have to be taken
// down in order.
void Simulator::EndProcess(std::unique_ptr<Process>& process) {
  figures_.chunks += process->worker.counts().chunks;
  figures_.breakers_opened += process->observer.opened_count();
  process->told_success.clear();  // it may have gone with the process
  process->store.Die();
  process->commits.Drain();
  process->dispatcher.Abandon();
  for (int round = 0; round < 8 && !process->dispatcher.idle(); ++round) {
    process->commits.Drain();
    process->dispatcher.Step();
  }
  process.reset();
}

std::string Simulator::Run() {
  if (canary_ == Canary::kEvents) processes_[0]->store.ForgetNextCommit();
  for (int step = 0; step < kSteps && failure_.empty(); ++step) PlayStep();
  if (failure_.empty()) Heal();
  if (failure_.empty()) PlayUntilQuiet();
  if (failure_.empty()) CheckEnd();
  if (failure_.empty()) CheckNothingStays();
  return failure_;
}

void Simulator::PlayStep() {
  std::unique_ptr<Process>& process = AnyProcess();
  if (random_.Chance(40)) {
    const uint64_t burst = 1 + random_.Below(3);
    for (uint64_t i = 0; i < burst; ++i) Submit(*process);
  }
  if (random_.Chance(rates_.operator_pauses)) ToggleEndpoint();
  if (random_.Chance(rates_.operator_batches)) {
    AddBatch(*process,
             random_.Chance(50) ? model::JobKind::kBatchRetry : model::JobKind::kBatchReplay);
  }
  if (random_.Chance(80)) Pump(*process);
  AdvanceClock();
  if (process->store.is_dead() || random_.Chance(rates_.process_ends)) {
    EndProcess(process);
    BeginProcess(process);
    CheckAllAcknowledged();
  }
}

void Simulator::Submit(Process& process) {
  const auto snapshot = process.configuration.FindProject(project_.id);
  if (!snapshot.ok()) return Fail(snapshot.status().ToString());
  intake::RestEvent input{
      .event_type = absl::StrCat("kind", random_.Below(3), ".made"),
      .data = absl::StrCat("{\"n\": ", random_.Next(), ", \"x\":0.10000000000000000000001}")};
  if (random_.Chance(50)) input.idempotency_key = absl::StrCat("key", random_.Below(20));

  absl::StatusOr<WriteBatch> batch = absl::UnknownError("not prepared");
  const std::string event_type = input.event_type;
  std::vector<const Subscription*> wanting;  // of those whose deliveries a job may make
  switch (random_.Below(3)) {
    case 0:
      batch = process.intake.PrepareSingle(**snapshot, std::move(input),
                                           endpoints_[random_.Below(endpoints_.size())].id);
      break;
    case 1: {
      const std::string owner = absl::StrCat("owner", random_.Below(3));
      for (const Endpoint* endpoint : (*snapshot)->EndpointsOfOwner(owner)) {
        for (const Subscription* each : (*snapshot)->SubscriptionsOfEndpoint(endpoint->id)) {
          if ((*snapshot)->Wants(*each, event_type, {})) wanting.push_back(each);
        }
      }
      batch = process.intake.PrepareFanout(**snapshot, std::move(input), owner);
      break;
    }
    default:
      wanting = (*snapshot)->Match(event_type, "", {});
      batch = process.intake.PrepareBroadcast(**snapshot, std::move(input));
  }
  if (!batch.ok()) return Fail(absl::StrCat("intake refused: ", batch.status().ToString()));

  const Submission& submission = batch->submissions.front();
  Expected& expected = expected_[submission.event.id];
  expected.body = submission.event.body;
  expected.idempotency_key = submission.event.idempotency_key;
  expected.made_at = submission.event.created_at;
  expected.maker = process.number;
  expected.is_deferred = model::FindJob(*batch).has_value();
  if (expected.is_deferred) {
    for (const Subscription* each : wanting) expected.subscription_ids.insert(each->id);
  }
  figures_.jobs += expected.is_deferred ? 1 : 0;
  for (const Delivery& delivery : submission.deliveries) {
    expected.delivery_ids.insert(delivery.id);
    expected.subscription_ids.insert(delivery.subscription_id);
    event_of_delivery_[delivery.id] = submission.event.id;
  }
  process.commits.CommitAsync(
      *std::move(batch), [this, &process, id = submission.event.id](const CommitResult& result) {
        Acknowledge(process, id, result);
      });
}

EndpointStatus Simulator::StatusOf(const Endpoint& endpoint) {
  const auto stored = GetConfig<Endpoint>(*store_, project_.id, endpoint.id);
  if (!stored.ok()) Fail(stored.status().ToString());
  return stored.ok() ? stored->status : EndpointStatus::kInactive;
}

void Simulator::SetStatus(Endpoint endpoint, EndpointStatus status) {
  endpoint.status = status;
  Write({.scope = project_.id, .puts = {endpoint}});
  for (const std::unique_ptr<Process>& process : processes_) {
    process->unaware_claims.erase(endpoint.id);
    process->observer.Forget(endpoint.id);
    process->dispatcher.Notify();
  }
}

void Simulator::ToggleEndpoint() {
  const Endpoint& endpoint = endpoints_[random_.Below(endpoints_.size())];
  if (endpoint.status == EndpointStatus::kInactive) return;  // it stays so
  const bool is_active = StatusOf(endpoint) == EndpointStatus::kActive;
  SetStatus(endpoint, is_active ? EndpointStatus::kPaused : EndpointStatus::kActive);
}

void Simulator::ActivateDisabled() {
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.status == EndpointStatus::kInactive ||
        StatusOf(endpoint) != EndpointStatus::kInactive) {
      continue;
    }
    ++figures_.endpoints_disabled;
    disabled_since_.insert(endpoint.id);
    SetStatus(endpoint, EndpointStatus::kActive);
  }
}

bool Simulator::HasOpenJob(model::JobKind kind) {
  const auto open = store_->ListConfig(model::OpenJobsOf(project_.id), {.items_max = 1000});
  if (!open.ok()) Fail(open.status().ToString());
  return open.ok() && std::any_of(open->items.begin(), open->items.end(), [kind](const auto& each) {
           const auto job = model::DecodeJob(each);
           return job.ok() && job->kind == kind;
         });
}

// Whether the process says that it is written; it may be all the same.
bool Simulator::AddJob(Process& process, const model::Job& job) {
  WriteBatch batch;
  batch.config.push_back(model::NewJobWrite(job));
  const CommitResult result = process.commits.Commit(std::move(batch));
  figures_.batches += result.status.ok() ? 1 : 0;
  return result.status.ok();
}

// As the REST API does: one of a kind at a time.
void Simulator::AddBatch(Process& process, model::JobKind kind) {
  if (HasOpenJob(kind)) return;
  const absl::Time now = clock_.Now();
  model::Job job{.id = ulids_.Next(),
                 .project_id = project_.id,
                 .kind = kind,
                 .deliveries = {.project_id = project_.id, .created_until = now},
                 .events = {.project_id = project_.id, .created_until = now},
                 .created_at = now,
                 .updated_at = now};
  if (kind == model::JobKind::kBatchReplay) {
    // Ids go on from their latest instant when the clock is set back.
    const std::string later = LeastUlidAt(now + absl::Milliseconds(1));
    std::set<std::string> acknowledged;
    for (const std::string& id : acknowledged_) {
      if (!expected_[id].is_deferred && id < later) acknowledged.insert(id);
    }
    replays_.push_back({.made_at = now});
    if (AddJob(process, job)) replays_.back().acknowledged = std::move(acknowledged);
    return;
  }
  job.deliveries.statuses = {DeliveryStatus::kFailure, DeliveryStatus::kDiscarded};
  const std::vector<Delivery> failed = ListDeliveries(job.deliveries);
  if (!AddJob(process, job) || !is_healed_) return;
  for (const Delivery& delivery : failed) {
    const auto attempts = store_->ListAttempts(project_.id, delivery.id);
    if (attempts.ok()) to_retry_[delivery.id] = attempts->size();
  }
}

// By the operator's will it may come again, at once and out of order, also if an attempt that a
// frozen process made earlier, and whose outcome is no longer taken, turns out to be a success.
void Simulator::OnRequeue(const std::string& delivery_id) {
  requeued_.insert(delivery_id);
  last_arrival_.erase(delivery_id);
  for (const std::unique_ptr<Process>& process : processes_) {
    if (process == nullptr) continue;
    process->told_success.erase(delivery_id);
    process->taken_over.insert(delivery_id);
  }
}

void Simulator::Pump(Process& process) {
  process.commits.Drain();
  for (int round = 0; round < 4; ++round) {
    process.next_step = std::min(process.dispatcher.Step(), process.worker.Step());
    if (!process.commits.Drain()) break;
  }
  process.next_step = std::min(process.next_step, process.worker.Step());
  Prune(process);
}

// Whatever goes, what has still to be delivered does not.
void Simulator::Prune(Process& process) {
  process.next_step = std::min(process.next_step, process.next_prune);
  if (clock_.Now() < process.next_prune) return;
  const std::vector<Delivery> kept = ListKeptDeliveries();
  const uint64_t pruned_before = process.pruner.counters().events;
  process.next_prune = process.pruner.Step(process.worker.events_needed_from());
  process.next_step = std::min(process.next_step, process.next_prune);
  figures_.events_pruned += process.pruner.counters().events - pruned_before;
  if (ListKeptDeliveries() != kept) Fail("G3: an unfinished delivery was pruned");
  for (const Delivery& delivery : kept) {
    if (store_->GetEvent(project_.id, delivery.event_id).ok()) continue;
    Fail(absl::StrCat("G3: the event of unfinished delivery ", delivery.id, " was pruned"));
  }
}

absl::Time Simulator::NextInstant() const {
  absl::Time next = absl::InfiniteFuture();
  for (const std::unique_ptr<Process>& process : processes_) {
    next = std::min({next, process->next_step, process->transport.next_end()});
  }
  return next;
}

// Where one process prunes, what another one has taken in must not be older than what it prunes.
void Simulator::CommitAll() {
  if (processes_.size() == 1) return;
  for (const std::unique_ptr<Process>& process : processes_) process->commits.Drain();
}

// To when the gateway asked to be called, or somewhere before or behind it.
void Simulator::AdvanceClock() {
  latest_wall_ = std::max(latest_wall_, clock_.Now());
  if (!was_clock_set_ && random_.Chance(rates_.clock_set)) SetClock();
  const absl::Time now = clock_.Now();
  const absl::Time next = NextInstant();
  if (next > now && next < absl::InfiniteFuture() && random_.Chance(60)) {
    if (next > now + kUncommittedMax) CommitAll();
    clock_.Set(next);
  } else if (random_.Chance(3)) {
    CommitAll();
    clock_.Advance(absl::Minutes(static_cast<int64_t>(random_.Below(180))));
  } else {
    clock_.Advance(absl::Milliseconds(static_cast<int64_t>(random_.Below(3000))));
  }
}

// Keys that have expired are kept for an hour, in case it goes back.
void Simulator::SetClock() {
  CommitAll();
  was_clock_set_ = true;
  const auto minutes = static_cast<int64_t>(random_.Below(110));
  clock_.StepWall(absl::Minutes(minutes - 55));
  was_clock_set_forth_ = minutes > 55;
  // A clock that is set forth makes time for which nothing was handed out.
  handed_out_.clear();
}

void Simulator::Heal() {
  rates_ = FaultRates{};
  is_healed_ = true;
  disabled_since_.clear();
  for (std::unique_ptr<Process>& process : processes_) {
    if (!process->store.is_dead()) continue;
    EndProcess(process);
    BeginProcess(process);
  }
  // Two that share a store look twice a second, which makes hours of waiting long.
  const bool waits_for_long =
      project_.config.circuit_breaker.has_value() ||
      std::any_of(endpoints_.begin(), endpoints_.end(),
                  [](const Endpoint& endpoint) { return endpoint.is_fifo; });
  if (waits_for_long && processes_.size() > 1) {
    EndProcess(processes_.back());
    processes_.pop_back();
    EndProcess(processes_[0]);  // one that shares nothing does not look for work of others
    BeginProcess(processes_[0]);
  }
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.status != EndpointStatus::kInactive) {
      SetStatus(endpoint, EndpointStatus::kActive);
    }
  }
  AddBatch(*processes_[0], model::JobKind::kBatchRetry);
}

void Simulator::PlayUntilQuiet() {
  for (int step = 0; step < kHealedStepsMax && failure_.empty(); ++step) {
    for (const std::unique_ptr<Process>& process : processes_) Pump(*process);
    if (IsQuiet()) return;
    ActivateDisabled();
    const absl::Time next = NextInstant();
    if (next < absl::InfiniteFuture() && next > clock_.Now()) {
      clock_.Set(next);
    } else {
      clock_.Advance(absl::Seconds(1));
    }
  }
  Fail(absl::StrCat("G3: not quiet long after everything healed: ", DescribeOpen()));
}

}  // namespace convoy::simulation
