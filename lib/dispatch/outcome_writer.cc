// An outcome that the store refuses is kept and committed again: it is known, and forgetting it
// would mean to send the delivery once more. It is given up only with the store itself; then the
// lease ends and the delivery is claimed again.
#include "lib/dispatch/outcome_writer.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"

#include "lib/model/meta_event.h"
#include "lib/storage/write_rules.h"

namespace convoy::dispatch {
namespace {

constexpr absl::Duration kRetryAfter = absl::Seconds(1);

// Batches that are kept to be filled again, and updates that one of them has room for at most.
constexpr size_t kSpareMax = 4;
constexpr size_t kSpareUpdatesMax = 256;

}  // namespace

void OutcomeWriter::Add(DeliveryUpdate update) {
  // One that was put back or is to be retried may be due at once.
  pending_->makes_work |= !storage::IsFinal(update.delivery.status);
  pending_->batch.updates.push_back(std::move(update));
}

void OutcomeWriter::TellOfNext(HostOutcome outcome) {
  if (tell_) pending_->told[pending_->batch.updates.size()] = std::move(outcome);
}

void OutcomeWriter::AddMetaEvent(const ProjectConfig& config, std::string_view type,
                                 std::string_view data, absl::Time now,
                                 base::UlidGenerator& ulids) {
  model::AddMetaEvent(config, type, data, now, ulids, &pending_->batch);
  pending_->makes_work |= !pending_->batch.submissions.empty();
}

void OutcomeWriter::Flush() {
  std::vector<std::shared_ptr<FlushedBatch>> again;
  std::vector<Disabling> disablings;
  {
    const absl::Time now = clock_.SteadyNow();
    absl::MutexLock lock(&mutex_);
    if (now >= retry_at_ || now < retry_at_ - kRetryAfter) {
      again.swap(kept_);
      disablings.swap(kept_disablings_);
    }
  }
  for (const Disabling& each : disablings) {
    DisableEndpoint(each.project_id, each.endpoint_id, *each.ulids);
  }
  for (std::shared_ptr<FlushedBatch>& batch : again) {
    kept_count_.Add(-static_cast<int64_t>(batch->batch.updates.size()));
    Commit(std::move(batch));
  }
  if (!pending_->batch.updates.empty()) Commit(TakePending());
}

std::shared_ptr<OutcomeWriter::FlushedBatch> OutcomeWriter::TakePending() {
  absl::MutexLock lock(&mutex_);
  uncommitted_count_ += pending_->batch.updates.size();
  if (spare_.empty()) return std::exchange(pending_, std::make_shared<FlushedBatch>());
  std::shared_ptr<FlushedBatch> next = std::move(spare_.back());
  spare_.pop_back();
  return std::exchange(pending_, std::move(next));
}

void OutcomeWriter::Commit(std::shared_ptr<FlushedBatch> batch) {
  commits_.CommitOutcomes(std::shared_ptr<WriteBatch>(batch, &batch->batch),
                          [this, batch](const CommitResult& result) { OnFlushed(batch, result); });
}

void OutcomeWriter::OnFlushed(std::shared_ptr<FlushedBatch> batch, const CommitResult& result) {
  const bool is_lost = absl::IsDataLoss(result.status);
  const size_t count = batch->batch.updates.size();
  if (result.status.ok()) {
    for (auto& [place, outcome] : batch->told) {
      if (result.updates_applied[place]) tell_(std::move(outcome));
    }
  }
  if (!result.status.ok()) {
    const LogField fields[] = {{"error", result.status.message()}};
    observer_.Log(LogLevel::kError,
                  is_lost ? "outcomes of deliveries were not recorded"
                          : "outcomes of deliveries are kept until the store takes them",
                  fields);
  }
  const absl::Time now = clock_.SteadyNow();
  const bool makes_work = std::exchange(batch->makes_work, false);
  const bool is_over = result.status.ok() || is_lost;
  if (is_over) {
    batch->batch.updates.clear();  // here, so that the thread that steps has no part in it
    batch->batch.submissions.clear();
    batch->told.clear();
  }
  bool is_news = true;
  {
    absl::MutexLock lock(&mutex_);
    feedback_.has_work |= result.status.ok() && makes_work;
    feedback_.is_refusing |= !result.status.ok();
    feedback_.is_lost |= is_lost;
    if (is_over) {
      uncommitted_count_ -= count;
      is_news = makes_work || is_lost || uncommitted_count_ == 0;
      const bool is_small = batch->batch.updates.capacity() <= kSpareUpdatesMax;
      if (is_small && spare_.size() < kSpareMax) spare_.push_back(std::move(batch));
    } else {
      batch->makes_work = true;  // nothing is claimed until it is committed
      kept_.push_back(std::move(batch));
      kept_count_.Add(static_cast<int64_t>(count));
      retry_at_ = now + kRetryAfter;
    }
  }
  if (is_news) Wake();
}

absl::Time OutcomeWriter::retry_at() const {
  absl::MutexLock lock(&mutex_);
  if (kept_.empty() && kept_disablings_.empty()) return absl::InfiniteFuture();
  return std::min(retry_at_, clock_.SteadyNow() + kRetryAfter);  // one that was set back
}

void OutcomeWriter::RetryNow() {
  absl::MutexLock lock(&mutex_);
  retry_at_ = absl::InfinitePast();
}

void OutcomeWriter::StartClaim(ClaimRequest request) {
  Begin(1);
  commits_.ClaimAsync(std::move(request), [this](absl::StatusOr<Claim> claim) {
    {
      absl::MutexLock lock(&mutex_);
      feedback_.claim = std::move(claim);
    }
    Wake();
  });
}

void OutcomeWriter::DisableEndpoint(const std::string& project_id, const std::string& endpoint_id,
                                    base::UlidGenerator& ulids, storage::WriteTries tries) {
  const auto project = configuration_.FindProject(project_id);
  const Endpoint* current = project.ok() ? (*project)->FindEndpoint(endpoint_id) : nullptr;
  if (current == nullptr || current->status == EndpointStatus::kInactive) return;
  Endpoint disabled = *current;
  disabled.status = EndpointStatus::kInactive;
  disabled.updated_at = clock_.Now();
  WriteBatch batch;
  model::AddMetaEvent((*project)->project().config, "endpoint.updated", model::MetaDataOf(disabled),
                      disabled.updated_at, ulids, &batch);
  batch.config.push_back({.scope = project_id,
                          .expected_revision = (*project)->revision(),
                          .puts = {std::move(disabled)}});
  Begin(1);
  commits_.CommitAsync(std::move(batch), [this, project_id, endpoint_id, &ulids, tries,
                                          project = *project](const CommitResult& result) {
    // As it was: who is told does not depend on its status.
    if (result.status.ok() && on_disabled_) {
      on_disabled_(project->project(), *project->FindEndpoint(endpoint_id));
    }
    OnDisabled(project_id, endpoint_id, ulids, tries, result);
  });
}

void OutcomeWriter::OnDisabled(const std::string& project_id, const std::string& endpoint_id,
                               base::UlidGenerator& ulids, storage::WriteTries tries,
                               const CommitResult& result) {
  if (result.status.ok()) {
    const LogField fields[] = {{"endpoint_id", endpoint_id}};
    observer_.Log(LogLevel::kWarning, "endpoint disabled", fields);
    if (tell_) {
      tell_({.kind = HostOutcome::Kind::kEndpointDisabled,
             .at = clock_.Now(),
             .project_id = project_id,
             .endpoint_id = endpoint_id});
    }
  } else if (tries.ShouldPrepareAnew(result.status)) {
    DisableEndpoint(project_id, endpoint_id, ulids, tries);
  } else {
    const LogField fields[] = {{"endpoint_id", endpoint_id}, {"error", result.status.message()}};
    observer_.Log(LogLevel::kError, "endpoint was not disabled", fields);
  }
  const bool is_refused = absl::IsUnavailable(result.status) ||
                          absl::IsResourceExhausted(result.status);  // busy, full, too many wait
  const absl::Time now = clock_.SteadyNow();
  {
    absl::MutexLock lock(&mutex_);
    if (is_refused) {
      kept_disablings_.push_back({project_id, endpoint_id, &ulids});
      retry_at_ = now + kRetryAfter;
    }
    --uncommitted_count_;
  }
  Wake();
}

void OutcomeWriter::NotifyWork() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(feedback_.has_work, true)) return;  // the driver was woken already
  }
  Wake();
}

CommitFeedback OutcomeWriter::TakeFeedback() {
  absl::MutexLock lock(&mutex_);
  if (feedback_.claim.has_value()) --uncommitted_count_;
  return std::exchange(feedback_, {});
}

bool OutcomeWriter::is_settled() const {
  absl::MutexLock lock(&mutex_);
  return uncommitted_count_ + pending_->batch.updates.size() == 0;
}

void OutcomeWriter::Begin(size_t count) {
  absl::MutexLock lock(&mutex_);
  uncommitted_count_ += count;
}

}  // namespace convoy::dispatch
