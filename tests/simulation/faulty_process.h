// The store as one simulated process sees it: it can refuse, and it can lose its process.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "lib/storage/forwarding_storage.h"
#include "tests/support/sim_clock.h"

namespace convoy::simulation {

// How often what goes wrong, in percent. All zero: nothing does.
struct FaultRates {
  uint32_t commit_refused = 0;
  uint32_t commit_untold = 0;  // written, but the process ends before it says so
  uint32_t claim_refused = 0;
  uint32_t prune_refused = 0;
  uint32_t prune_untold = 0;  // as a commit
  uint32_t connect_refused = 0;
  uint32_t answer_late = 0;
  uint32_t answer_never = 0;
  uint32_t answer_failure = 0;    // a status that is no success
  uint32_t answer_gone = 0;       // of those: 410, which disables the endpoint
  uint32_t answer_cut_off = 0;    // the endpoint has taken the request, the gateway cannot know
  uint32_t process_ends = 0;      // at any step
  uint32_t operator_pauses = 0;   // or reactivates an endpoint, at any step
  uint32_t operator_batches = 0;  // retries or replays a batch, at any step
  uint32_t clock_set = 0;         // once in a run, forth or back
};

// A guarantee that is broken on purpose, to see that the checks notice.
enum class Canary {
  kNone,
  kEvents,
  kRates,
  kOrder,
  kPauses,
  kProgress,
  kModes,
  kBreakers,
  kRetries,
  kClaims,
  kDisabled,
};

// Called with what a claim hands out, and with the deliveries that a batch is about to put back.
using OnClaim = std::function<void(const Claim&)>;
using OnRequeue = std::function<void(const std::string& delivery_id)>;

// Once dead, it refuses everything: nothing that the process does any more reaches the store.
class FaultyStorage : public storage::ForwardingStorage {
 public:
  FaultyStorage(Storage* target, const FaultRates& rates, testing::SeededRandom* random,
                OnClaim on_claim, OnRequeue on_requeue)
      : ForwardingStorage(target),
        rates_(rates),
        random_(*random),
        on_claim_(std::move(on_claim)),
        on_requeue_(std::move(on_requeue)) {}

  bool may_be_shared() const override { return is_shared_; }

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    if (is_dead_ || random_.Chance(rates_.commit_refused)) return Refused();
    if (should_forget_) {  // the canary: it says yes and writes nothing
      should_forget_ = false;
      for (size_t i = 0; i < batches.size(); ++i) {
        results[i].submissions.resize(batches[i]->submissions.size(), SubmissionOutcome::kAccepted);
        results[i].updates_applied.resize(batches[i]->updates.size(), true);
        results[i].requeues_applied.resize(batches[i]->requeues.size(), true);
      }
      return absl::OkStatus();
    }
    if (should_lose_progress_) LoseProgress(batches);
    for (WriteBatch* const batch : batches) Distort(*batch);
    const absl::Status status = ForwardingStorage::Write(batches, results);
    if (random_.Chance(rates_.commit_untold)) {
      is_dead_ = true;
      return Refused();
    }
    return status;
  }

  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    if (is_dead_ || random_.Chance(rates_.claim_refused)) return Refused();
    ClaimRequest changed = request;
    if (canary_ == Canary::kClaims) changed.lease = absl::ZeroDuration();
    changed.policy_of = [this, &request](std::string_view project_id,
                                         std::string_view endpoint_id) {
      return Distort(request.policy_of(project_id, endpoint_id));
    };
    absl::StatusOr<Claim> claim = ForwardingStorage::ClaimDue(changed);
    if (claim.ok()) on_claim_(*claim);
    return claim;
  }

  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    if (is_dead_ || random_.Chance(rates_.prune_refused)) return Refused();
    const absl::StatusOr<Pruned> pruned = ForwardingStorage::Prune(request);
    if (random_.Chance(rates_.prune_untold)) {
      is_dead_ = true;
      return Refused();
    }
    return pruned;
  }

  // Ends the process as far as the store is concerned.
  void Die() { is_dead_ = true; }
  bool is_dead() const { return is_dead_; }
  void set_shared(bool is_shared) { is_shared_ = is_shared; }
  void ForgetNextCommit() { should_forget_ = true; }
  void set_canary(Canary canary) {
    canary_ = canary;
    should_lose_progress_ = canary == Canary::kProgress;
  }

 private:
  std::optional<LanePolicy> Distort(std::optional<LanePolicy> policy) const {
    if (!policy.has_value()) return policy;
    if (canary_ == Canary::kRates) policy->rate_limit.count *= 2;
    if (canary_ == Canary::kOrder) policy->is_fifo = false;
    if (canary_ == Canary::kPauses) policy->is_paused = false;
    if (canary_ == Canary::kDisabled) policy->is_disabled = false;
    return policy;
  }

  void Distort(WriteBatch& batch) {
    for (Submission& submission : batch.submissions) {
      for (Delivery& delivery : submission.deliveries) Distort(delivery);
    }
    for (Delivery& delivery : batch.extra_deliveries) Distort(delivery);
    if (canary_ == Canary::kRetries) {
      for (DeliveryRequeue& requeue : batch.requeues) requeue.from.clear();
    }
    for (const DeliveryRequeue& requeue : batch.requeues) on_requeue_(requeue.delivery_id);
  }
  void Distort(Delivery& delivery) const {
    if (canary_ == Canary::kModes) delivery.mode = DeliveryMode::kAtLeastOnce;
  }

  // Once, the deliveries of a chunk are written and its progress is not.
  void LoseProgress(std::span<WriteBatch* const> batches) {
    for (WriteBatch* const batch : batches) {
      if (batch->extra_deliveries.empty() || batch->config.empty()) continue;
      batch->config.clear();
      should_lose_progress_ = false;
      return;
    }
  }

  static absl::Status Refused() { return absl::UnavailableError("simulated refusal"); }

  const FaultRates& rates_;
  testing::SeededRandom& random_;
  const OnClaim on_claim_;
  const OnRequeue on_requeue_;
  Canary canary_ = Canary::kNone;
  bool is_dead_ = false;
  bool is_shared_ = false;
  bool should_forget_ = false;
  bool should_lose_progress_ = false;
};

}  // namespace convoy::simulation
