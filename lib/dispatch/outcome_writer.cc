// If the commit of an update fails, nothing is done about it: the lease ends and the delivery is
// claimed again, which costs a repetition and loses nothing.
#include "lib/dispatch/outcome_writer.h"

#include <utility>

#include "absl/status/status.h"

namespace convoy::dispatch {

void OutcomeWriter::Add(uint64_t lease, Delivery delivery, std::optional<Attempt> attempt) {
  pending_.updates.push_back(
      {.lease = lease, .delivery = std::move(delivery), .attempt = std::move(attempt)});
}

void OutcomeWriter::Flush() {
  if (pending_.updates.empty()) return;
  const size_t count = pending_.updates.size();
  Begin(count);
  commits_.CommitAsync(std::exchange(pending_, {}),
                       [this, count](const CommitResult& result) { OnFlushed(count, result); });
}

void OutcomeWriter::OnFlushed(size_t count, const CommitResult& result) {
  if (!result.status.ok()) {
    const LogField fields[] = {{"error", result.status.message()}};
    observer_.Log(LogLevel::kError, "outcomes of deliveries were not recorded", fields);
  }
  {
    absl::MutexLock lock(&mutex_);
    uncommitted_count_ -= count;
    // What was put back or is to be retried may be due at once.
    news_.has_work |= result.status.ok();
    news_.is_refusing |= !result.status.ok();
    news_.is_lost |= absl::IsDataLoss(result.status);
  }
  Wake();
}

// A change of configuration like any other; if somebody else was quicker, it is made again on what
// they wrote.
void OutcomeWriter::DisableEndpoint(const std::string& project_id, const std::string& endpoint_id) {
  const auto project = configuration_.FindProject(project_id);
  const Endpoint* current = project.ok() ? (*project)->FindEndpoint(endpoint_id) : nullptr;
  if (current == nullptr || current->status == EndpointStatus::kInactive) return;
  Endpoint disabled = *current;
  disabled.status = EndpointStatus::kInactive;
  disabled.updated_at = clock_.Now();
  WriteBatch batch;
  batch.config.push_back({.scope = project_id,
                          .expected_revision = (*project)->revision(),
                          .puts = {std::move(disabled)}});
  Begin(1);
  commits_.CommitAsync(std::move(batch),
                       [this, project_id, endpoint_id](const CommitResult& result) {
                         OnDisabled(project_id, endpoint_id, result);
                       });
}

void OutcomeWriter::OnDisabled(const std::string& project_id, const std::string& endpoint_id,
                               const CommitResult& result) {
  if (result.status.ok()) {
    const LogField fields[] = {{"endpoint_id", endpoint_id}};
    observer_.Log(LogLevel::kWarning, "endpoint disabled", fields);
  } else if (absl::IsAborted(result.status)) {
    DisableEndpoint(project_id, endpoint_id);
  } else {
    const LogField fields[] = {{"endpoint_id", endpoint_id}, {"error", result.status.message()}};
    observer_.Log(LogLevel::kError, "endpoint was not disabled", fields);
  }
  {
    absl::MutexLock lock(&mutex_);
    --uncommitted_count_;
  }
  Wake();
}

void OutcomeWriter::NotifyWork() {
  {
    absl::MutexLock lock(&mutex_);
    news_.has_work = true;
  }
  Wake();
}

StoreNews OutcomeWriter::TakeNews() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(news_, {});
}

bool OutcomeWriter::is_settled() const {
  absl::MutexLock lock(&mutex_);
  return uncommitted_count_ + pending_.updates.size() == 0;
}

void OutcomeWriter::Begin(size_t count) {
  absl::MutexLock lock(&mutex_);
  uncommitted_count_ += count;
}

}  // namespace convoy::dispatch
