// Events of a simulated run. The guarantees are checked in checks.cc.

#include "tests/simulation/simulator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "tests/simulation/process.h"

namespace convoy::simulation {
namespace {

constexpr int kSteps = 120;
constexpr int kHealedStepsMax = 20'000;
constexpr uint64_t kSecretsSalt = 0x5ec2e75;

}  // namespace

Simulator::Simulator(uint64_t seed, Canary canary)
    : canary_(canary),
      random_(seed),
      secrets_(seed ^ kSecretsSalt),
      ulids_(&clock_, &secrets_),
      store_(NewMemoryStorage()) {
  DrawFaults();
  MakeWorld();
  BeginProcess();
}

Simulator::~Simulator() {
  if (process_ != nullptr) EndProcess();
}

// Each fault is off in half of the runs, and anything up to frequent in the others.
void Simulator::DrawFaults() {
  for (uint32_t* rate :
       {&rates_.commit_refused, &rates_.commit_untold, &rates_.claim_refused, &rates_.prune_refused,
        &rates_.prune_untold, &rates_.connect_refused, &rates_.answer_late, &rates_.answer_never,
        &rates_.answer_failure, &rates_.answer_cut_off, &rates_.process_ends,
        &rates_.operator_pauses, &rates_.clock_set}) {
    *rate = random_.Chance(50) ? 0 : static_cast<uint32_t>(random_.Below(40));
  }
  rates_.process_ends /= 4;
  rates_.prune_untold /= 4;
  rates_.clock_set /= 8;
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
    if (random_.Chance(15)) continue;
    write.puts.push_back(Subscription{.id = ulids_.Next(),
                                      .project_id = project_.id,
                                      .name = endpoint.name,
                                      .endpoint_id = endpoint.id,
                                      .event_types = {random_.Chance(50) ? "*" : "kind1.*"},
                                      .created_at = now,
                                      .updated_at = now});
  }
  Write(std::move(write));
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

void Simulator::BeginProcess() {
  process_ = std::make_unique<Process>(
      options_, limits_, store_.get(), &clock_, &random_, &secrets_, rates_,
      [this](const OutgoingRequest& request, bool is_success) {
        CheckArrival(request, is_success);
      },
      [this](const Claim& claim) { CheckClaim(claim); });
  process_->store.set_canary(canary_);
  unaware_claims_.clear();
  process_->transport.set_refusing_url(endpoints_.back().url);
  process_->transport.set_on_told([this](const OutgoingRequest& request) {
    told_success_.emplace(
        base::FindHeader(request.headers, "X-Convoy-EventDelivery-ID").value_or(""));
  });
  ++figures_.processes;
}

// Nothing that the process does from now on reaches the store; its objects still have to be taken
// down in order.
void Simulator::EndProcess() {
  figures_.chunks += process_->worker.counts().chunks;
  told_success_.clear();  // it may have gone with the process
  process_->store.Die();
  process_->commits.Drain();
  process_->dispatcher.Abandon();
  for (int round = 0; round < 8 && !process_->dispatcher.idle(); ++round) {
    process_->commits.Drain();
    process_->dispatcher.Step();
  }
  process_.reset();
}

std::string Simulator::Run() {
  if (canary_ == Canary::kEvents) process_->store.ForgetNextCommit();
  for (int step = 0; step < kSteps && failure_.empty(); ++step) PlayStep();
  if (failure_.empty()) Heal();
  if (failure_.empty()) PlayUntilQuiet();
  if (failure_.empty()) CheckEnd();
  if (failure_.empty()) CheckNothingStays();
  figures_.chunks += process_->worker.counts().chunks;
  return failure_;
}

void Simulator::PlayStep() {
  if (random_.Chance(40)) {
    const uint64_t burst = 1 + random_.Below(3);
    for (uint64_t i = 0; i < burst; ++i) Submit();
  }
  if (random_.Chance(rates_.operator_pauses)) ToggleEndpoint();
  if (random_.Chance(80)) Pump();
  AdvanceClock();
  if (process_->store.is_dead() || random_.Chance(rates_.process_ends)) {
    EndProcess();
    BeginProcess();
    CheckAllAcknowledged();
  }
}

void Simulator::Submit() {
  const auto snapshot = process_->configuration.FindProject(project_.id);
  if (!snapshot.ok()) return Fail(snapshot.status().ToString());
  intake::RestEvent input{
      .event_type = absl::StrCat("kind", random_.Below(3), ".made"),
      .data = absl::StrCat("{\"n\": ", random_.Next(), ", \"x\":0.10000000000000000000001}")};
  if (random_.Chance(50)) input.idempotency_key = absl::StrCat("key", random_.Below(20));

  absl::StatusOr<WriteBatch> batch = absl::UnknownError("not prepared");
  const std::string event_type = input.event_type;
  std::vector<const Subscription*> wanting;
  switch (random_.Below(3)) {
    case 0:
      batch = process_->intake.PrepareSingle(**snapshot, std::move(input),
                                             endpoints_[random_.Below(endpoints_.size())].id);
      break;
    case 1: {
      const std::string owner = absl::StrCat("owner", random_.Below(3));
      for (const Endpoint* endpoint : (*snapshot)->EndpointsOfOwner(owner)) {
        for (const Subscription* each : (*snapshot)->SubscriptionsOfEndpoint(endpoint->id)) {
          if ((*snapshot)->Wants(*each, event_type, {})) wanting.push_back(each);
        }
      }
      batch = process_->intake.PrepareFanout(**snapshot, std::move(input), owner);
      break;
    }
    default:
      wanting = (*snapshot)->Match(event_type, "", {});
      batch = process_->intake.PrepareBroadcast(**snapshot, std::move(input));
  }
  if (!batch.ok()) return Fail(absl::StrCat("intake refused: ", batch.status().ToString()));

  const Submission& submission = batch->submissions.front();
  Expected& expected = expected_[submission.event.id];
  expected.body = submission.event.body;
  expected.idempotency_key = submission.event.idempotency_key;
  expected.made_at = submission.event.created_at;
  expected.is_deferred = model::FindJob(*batch).has_value();
  for (const Subscription* each : wanting) expected.subscription_ids.insert(each->id);
  figures_.jobs += expected.is_deferred ? 1 : 0;
  for (const Delivery& delivery : submission.deliveries) {
    expected.delivery_ids.insert(delivery.id);
    event_of_delivery_[delivery.id] = submission.event.id;
  }
  process_->commits.CommitAsync(
      *std::move(batch),
      [this, id = submission.event.id](const CommitResult& result) { Acknowledge(id, result); });
}

void Simulator::ToggleEndpoint() {
  Endpoint& endpoint = endpoints_[random_.Below(endpoints_.size())];
  if (endpoint.status == EndpointStatus::kInactive) return;
  endpoint.status = endpoint.status == EndpointStatus::kActive ? EndpointStatus::kPaused
                                                               : EndpointStatus::kActive;
  unaware_claims_.erase(endpoint.id);
  Write({.scope = project_.id, .puts = {endpoint}});
  process_->dispatcher.Notify();
}

void Simulator::Pump() {
  process_->commits.Drain();
  for (int round = 0; round < 4; ++round) {
    next_step_ = std::min(process_->dispatcher.Step(), process_->worker.Step());
    if (!process_->commits.Drain()) break;
  }
  next_step_ = std::min(next_step_, process_->worker.Step());
  Prune();
}

// Whatever goes, what has still to be delivered does not.
void Simulator::Prune() {
  const std::vector<Delivery> open = ListOpenDeliveries();
  const uint64_t pruned_before = process_->pruner.counters().events;
  next_step_ = std::min(next_step_, process_->pruner.Step(process_->worker.events_needed_from()));
  figures_.events_pruned += process_->pruner.counters().events - pruned_before;
  if (ListOpenDeliveries() != open) Fail("G3: an unfinished delivery was pruned");
  for (const Delivery& delivery : open) {
    if (store_->GetEvent(project_.id, delivery.event_id).ok()) continue;
    Fail(absl::StrCat("G3: the event of unfinished delivery ", delivery.id, " was pruned"));
  }
}

// To when the gateway asked to be called, or somewhere before or behind it.
void Simulator::AdvanceClock() {
  latest_wall_ = std::max(latest_wall_, clock_.Now());
  if (!was_clock_set_ && random_.Chance(rates_.clock_set)) SetClock();
  const absl::Time now = clock_.Now();
  const absl::Time next = std::min(next_step_, process_->transport.next_end());
  if (next > now && next < absl::InfiniteFuture() && random_.Chance(60)) {
    clock_.Set(next);
  } else if (random_.Chance(3)) {
    clock_.Advance(absl::Minutes(static_cast<int64_t>(random_.Below(180))));
  } else {
    clock_.Advance(absl::Milliseconds(static_cast<int64_t>(random_.Below(3000))));
  }
}

// Keys that have expired are kept for an hour, in case it goes back.
void Simulator::SetClock() {
  was_clock_set_ = true;
  const auto minutes = static_cast<int64_t>(random_.Below(110));
  clock_.StepWall(absl::Minutes(minutes - 55));
  was_clock_set_forth_ = minutes > 55;
  // A clock that is set forth makes time for which nothing was handed out.
  handed_out_.clear();
}

void Simulator::Heal() {
  rates_ = FaultRates{};
  for (Endpoint& endpoint : endpoints_) {
    if (endpoint.status != EndpointStatus::kPaused) continue;
    endpoint.status = EndpointStatus::kActive;
    Write({.scope = project_.id, .puts = {endpoint}});
  }
  process_->dispatcher.Notify();
}

void Simulator::PlayUntilQuiet() {
  for (int step = 0; step < kHealedStepsMax && failure_.empty(); ++step) {
    Pump();
    if (IsQuiet()) return;
    const absl::Time next = std::min(next_step_, process_->transport.next_end());
    if (next < absl::InfiniteFuture() && next > clock_.Now()) {
      clock_.Set(next);
    } else {
      clock_.Advance(absl::Seconds(1));
    }
  }
  Fail(absl::StrCat("G3: not quiet long after everything healed: ", DescribeOpen()));
}

}  // namespace convoy::simulation
