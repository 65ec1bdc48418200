// Supervisor of consumers; see consumer_supervisor.h. A worker whose source has changed is stopped
// first and started again once its thread has ended: a consumer id belongs to one consumer at a
// time.
#include "lib/consume/consumer_supervisor.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/model/names.h"

namespace convoy::consume {
namespace {

constexpr absl::Duration kLook = absl::Seconds(1);

std::string ConsumerId(const Source& source, uint32_t index) {
  return absl::StrCat(source.id, "-", index);
}

// True if consumers of `a` may go on reading for `b`: other fields of a source do not concern them.
bool ReadsAlike(const Source& a, const Source& b) {
  return a.project_id == b.project_id && a.broker == b.broker &&
         a.message_format == b.message_format && a.raw_event_type == b.raw_event_type &&
         a.message_locations == b.message_locations && a.forward_headers == b.forward_headers;
}

ConsumerStatus Connecting(const Source& source, uint32_t index) {
  return {.project_id = source.project_id,
          .source_id = source.id,
          .consumer_id = ConsumerId(source, index)};
}

ConsumerStatus NotReading(const Source& source, ConsumerState state, std::string why) {
  ConsumerStatus status = Connecting(source, 0);
  status.state = state;
  status.last_error = std::move(why);
  return status;
}

}  // namespace

ConsumerSupervisor::ConsumerSupervisor(ConsumeParts parts, Storage* storage,
                                       std::vector<std::shared_ptr<Broker>> brokers)
    : parts_(std::move(parts)), storage_(storage), brokers_(std::move(brokers)) {}

ConsumerSupervisor::~ConsumerSupervisor() { Stop(absl::InfiniteDuration()); }

Broker* ConsumerSupervisor::FindBroker(const BrokerConfig& config) const {
  const std::string_view type = model::BrokerTypeOf(config);
  for (const auto& broker : brokers_) {
    if (broker->type() == type) return broker.get();
  }
  return nullptr;
}

bool ConsumerSupervisor::Supports(const BrokerConfig& config) const {
  return FindBroker(config) != nullptr;
}

void ConsumerSupervisor::Start() {
  if (brokers_.empty()) return;
  checks_.Start();
  absl::MutexLock lock(&mutex_);
  if (phase_ != Phase::kIdle) return;
  phase_ = Phase::kStarted;
  supervisor_ = std::thread([this] { Supervise(); });
}

void ConsumerSupervisor::ReconcileNow() {
  absl::MutexLock lock(&mutex_);
  should_reconcile_now_ = true;
}

void ConsumerSupervisor::Supervise() {
  std::optional<uint64_t> generation;  // that `sources` are of
  std::vector<Source> sources;
  while (true) {
    const absl::Status listed = ListSources(generation, sources);
    if (listed.ok()) {
      Reconcile(sources);
    } else {
      const LogField field{"error", listed.message()};
      parts_.observer->Log(LogLevel::kWarning, "broker sources not listed", {&field, 1});
    }
    absl::MutexLock lock(&mutex_);
    const auto should_look = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return should_reconcile_now_ || phase_ == Phase::kStopping;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&should_look), kLook);
    should_reconcile_now_ = false;
    if (phase_ == Phase::kStopping) return;
  }
}

absl::Status ConsumerSupervisor::ListSources(std::optional<uint64_t>& generation,
                                             std::vector<Source>& sources) const {
  CONVOY_ASSIGN_OR_RETURN(const uint64_t now, storage_->ConfigGeneration());
  if (generation == now) return absl::OkStatus();
  generation.reset();
  CONVOY_ASSIGN_OR_RETURN(sources, ListAllConfig<Source>(*storage_, SourcesToRead()));
  generation = now;
  return absl::OkStatus();
}

void ConsumerSupervisor::Reconcile(const std::vector<Source>& sources) {
  std::map<std::string, const Source*> wanted;
  for (const Source& source : sources) {
    if (!Supports(source.broker)) continue;
    for (uint32_t i = 0; i < source.workers_count; ++i) wanted[ConsumerId(source, i)] = &source;
  }
  absl::MutexLock lock(&mutex_);
  if (phase_ != Phase::kStarted) return;
  for (const auto& [id, worker] : workers_) {
    const auto found = wanted.find(id);
    if (found == wanted.end() || !ReadsAlike(*found->second, worker->source)) StopWorker(*worker);
  }
  Reap();
  for (const auto& [id, source] : wanted) {
    if (!workers_.contains(id) && !StartWorker(*source, id)) return;
  }
}

bool ConsumerSupervisor::StartWorker(const Source& source, std::string consumer_id) {
  const auto broker = std::find_if(brokers_.begin(), brokers_.end(), [&](const auto& each) {
    return each->type() == model::BrokerTypeOf(source.broker);
  });
  auto worker = std::make_unique<Worker>();
  worker->source = source;
  worker->loop = std::make_unique<ConsumerLoop>(parts_, *broker, source, consumer_id,
                                                consumer_id == ConsumerId(source, 0));
  try {
    worker->thread = std::thread([this, &worker = *worker] { Run(worker); });
  } catch (const std::system_error& error) {
    // Tenants create sources: their number must not end the process.
    const LogField fields[] = {{"consumer_id", consumer_id}, {"error", error.what()}};
    parts_.observer->Log(LogLevel::kError, "no thread for a consumer", fields);
    return false;
  }
  workers_.emplace(std::move(consumer_id), std::move(worker));
  return true;
}

void ConsumerSupervisor::StopWorker(Worker& worker) {
  worker.should_stop = true;
  worker.loop->Stop();
}

void ConsumerSupervisor::Run(Worker& worker) {
  absl::Duration pause;
  while ((pause = worker.loop->Step()) != absl::InfiniteDuration()) {
    if (pause <= absl::ZeroDuration()) continue;
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&worker.should_stop), pause);
  }
  absl::MutexLock lock(&mutex_);
  worker.is_done = true;
  should_reconcile_now_ = true;  // there may be a successor
}

void ConsumerSupervisor::Reap() {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (worker->second->is_done) {
      worker->second->thread.join();  // it has left the mutex, or is about to
      worker = workers_.erase(worker);
    } else {
      ++worker;
    }
  }
}

bool ConsumerSupervisor::Stop(absl::Duration patience) {
  {
    absl::MutexLock lock(&mutex_);
    phase_ = Phase::kStopping;
    for (const auto& [id, worker] : workers_) StopWorker(*worker);
  }
  if (supervisor_.joinable()) supervisor_.join();
  const bool are_checks_over = checks_.Stop(patience / 2);
  absl::MutexLock lock(&mutex_);
  const auto is_over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::all_of(workers_.begin(), workers_.end(),
                       [](const auto& entry) { return entry.second->is_done; });
  };
  mutex_.AwaitWithTimeout(absl::Condition(&is_over), patience / 2);
  Reap();
  return workers_.empty() && are_checks_over;
}

std::vector<ConsumerStatus> ConsumerSupervisor::StatusOf(const Source& source) const {
  if (!Supports(source.broker)) {
    return {NotReading(
        source, ConsumerState::kMisconfigured,
        absl::StrCat("this gateway has no adapter for ", model::BrokerTypeOf(source.broker)))};
  }
  if (source.is_disabled) {
    return {NotReading(source, ConsumerState::kStopped, "the source is disabled")};
  }
  std::vector<ConsumerStatus> statuses;
  absl::MutexLock lock(&mutex_);
  if (phase_ == Phase::kIdle) {
    return {NotReading(source, ConsumerState::kStopped,
                       "brokers are read only by a gateway that was started: this one is driven "
                       "by its host, and has no threads")};
  }
  for (uint32_t i = 0; i < source.workers_count; ++i) {
    const auto found = workers_.find(ConsumerId(source, i));
    statuses.push_back(found == workers_.end() ? Connecting(source, i)
                                               : found->second->loop->status());
  }
  return statuses;
}

std::vector<ConsumerStatus> ConsumerSupervisor::Statuses() const {
  std::vector<ConsumerStatus> statuses;
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, worker] : workers_) statuses.push_back(worker->loop->status());
  return statuses;
}

absl::Status ConsumerSupervisor::Check(const Source& source) const {
  Broker* const broker = FindBroker(source.broker);
  if (broker == nullptr) return absl::UnimplementedError("there is no adapter for this broker");
  return broker->Check(source, EnvironmentOf(parts_));
}

void ConsumerSupervisor::CheckLater(Source source, CheckQueue::Completion done) {
  checks_.Add([this, source = std::move(source)] { return Check(source); }, std::move(done));
}

}  // namespace convoy::consume
