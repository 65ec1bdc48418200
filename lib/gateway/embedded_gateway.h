// The gateway: owns the parts, connects requests with commits and commits with the dispatcher, and
// drives both either on the host's thread (Step) or on two of its own (Start).
//
// Life: open → (started) → draining → closed. Nothing runs backwards.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "convoy/gateway.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/consume/consumer_supervisor.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/fetch/fetcher.h"
#include "lib/gateway/host_queue.h"
#include "lib/gateway/host_wake.h"
#include "lib/gateway/wake_fd.h"
#include "lib/gateway/work_pool.h"
#include "lib/http/api.h"
#include "lib/intake/broker_intake.h"
#include "lib/intake/intake.h"
#include "lib/jobs/worker.h"
#include "lib/storage/commit_queue.h"
#include "lib/storage/log_upkeep.h"
#include "lib/storage/pruner.h"
#include "lib/transport/local/mailbox.h"

namespace convoy::gateway {

class EmbeddedGateway final : public Gateway {
 public:
  // All members of `parts` are set; `wake` watches the transport, `host_wake` watches `wake`.
  EmbeddedGateway(GatewayOptions options, GatewayParts parts, std::unique_ptr<WakeFd> wake,
                  std::unique_ptr<HostWake> host_wake);
  ~EmbeddedGateway() override;

  absl::StatusOr<std::string> Bootstrap() override;
  HeadDecision InspectHead(const HttpRequest& head) override;
  HttpResponse RefuseTooLarge(const HttpRequest& head) override;
  std::optional<HttpResponse> Handle(const HttpRequest& request) override;
  bool HandleAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) override;
  bool RefuseOverloadedAsync(const HttpRequest& head,
                             std::function<void(HttpResponse)> done) override;
  std::optional<HttpResponse> Call(const HttpRequest& request) override;
  bool CallAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) override;
  absl::StatusOr<Receipt> Ingest(HostEvent event) override;
  void IngestAsync(HostEvent event, std::function<void(absl::StatusOr<Receipt>)> done) override;
  absl::StatusOr<absl::Time> Step() override;
  absl::StatusOr<std::vector<LocalDelivery>> TakeLocal(std::string_view name, size_t items_max,
                                                       absl::Duration patience) override;
  absl::Status FinishLocal(uint64_t ticket, LocalOutcome outcome) override;
  std::optional<HostOutcome> NextOutcome() override { return host_outcomes_.Pop(); }
  uint64_t dropped_outcomes_count() const override { return host_outcomes_.dropped_count(); }
  size_t Poll(size_t completions_max) override;
  int wake_fd() const override { return host_wake_->fd(); }
  absl::Status Start() override;
  absl::Status Close(absl::Duration patience) override;

 private:
  enum class Phase { kOpen, kStarted, kDraining, kClosed };

  http::ApiParts api_parts();
  consume::ConsumeParts consume_parts();
  jobs::WorkerParts job_parts();
  void ListenForWork(std::function<void()> tell);

  // Counts a request in; false once the gateway is closing.
  bool Enter() ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);

  // A completion as the options want it: as it is, or one that leaves the work to Poll.
  template <typename Result>
  std::function<void(Result)> Completion(std::function<void(Result)> done);
  dispatch::DispatcherParts dispatcher_parts();

  // The rest of HandleAsync: on the caller's thread, or on one of the pool.
  using Answer = std::optional<http::Reply> (http::Api::*)(const HttpRequest& request) const;
  bool HandleNow(const HttpRequest& request, std::function<void(HttpResponse)> done,
                 Answer answer = &http::Api::Handle);
  void HandleLater(const http::WorkPlan& plan, const HttpRequest& request,
                   std::function<void(HttpResponse)> done, Answer answer = &http::Api::Handle);
  // Carries a reply to its end: commits what is pending, as often as its handler asks.
  HttpResponse Finish(http::Reply reply);
  http::Reply FetchNow(http::PendingFetch fetch);
  http::Reply RunNow(http::PendingScript script);
  void RunFunction(ScriptCall call, std::function<void(ScriptResult)> done);
  std::optional<HttpResponse> FinishIfAny(std::optional<http::Reply> reply);
  void FinishAsync(http::Reply reply, std::shared_ptr<std::function<void(HttpResponse)>> done);

  // An event of the host's on its way into the store. See host_events.cc.
  struct PendingEvent;
  absl::StatusOr<WriteBatch> Prepare(PendingEvent& pending);
  // nullopt: the project was changed meanwhile; prepare and commit again.
  std::optional<absl::StatusOr<Receipt>> ReceiptFor(PendingEvent& pending,
                                                    const CommitResult& result);
  void IngestPending(std::shared_ptr<PendingEvent> pending);
  void NotifyIfDue(const CommitResult& result, bool has_deliveries);

  // Of what works in the background.
  absl::Time StepHousekeeping();
  absl::Time StepOnce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(driver_mutex_);
  bool is_quiet() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Has the pool shorten the log of the store, so that writers need not.
  void TendLog();
  void RunDispatcher();
  void RunCommitter() { commits_.Serve(); }
  // The body of each thread.
  void Run(void (EmbeddedGateway::*work)()) ABSL_LOCKS_EXCLUDED(mutex_);
  // False if one has not ended in time: it is inside a callback of the host.
  bool StopThreads(absl::Duration patience) ABSL_LOCKS_EXCLUDED(mutex_);
  // Drives both pipelines on this thread until nothing is in flight or `deadline` has come.
  void DrainUntil(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(driver_mutex_);
  void AbandonWhatIsLeft() ABSL_EXCLUSIVE_LOCKS_REQUIRED(driver_mutex_);

  // Constant after construction; safe for any thread.
  const GatewayOptions options_;
  // Ended while everything that its completions use is still there.
  std::unique_ptr<Scripting> owned_scripting_;
  Scripting* const scripting_ = owned_scripting_.get();
  std::atomic<bool> is_scripting_over_ = false;
  const GatewayParts parts_;  // without scripting
  const std::unique_ptr<WakeFd> wake_;
  const std::unique_ptr<HostWake> host_wake_;
  transport::Mailbox mailbox_;
  HostQueue<HostOutcome> host_outcomes_;
  HostQueue<std::function<void()>> completions_;  // to be run by Poll
  base::UlidGenerator ulids_;
  const std::shared_ptr<fetch::Fetcher> fetcher_;
  config::ConfigCache configuration_;
  intake::Intake intake_;
  intake::BrokerIntake broker_intake_;
  storage::CommitQueue commits_;
  http::Api api_;

  // Stepped by the driver: the dispatcher thread, or the one thread that holds driver_mutex_ inside
  // Step or Close.
  dispatch::Dispatcher dispatcher_;
  storage::Pruner pruner_;
  jobs::Worker jobs_;
  absl::Mutex driver_mutex_;

  mutable absl::Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kOpen;
  int requests_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool should_stop_ ABSL_GUARDED_BY(mutex_) = false;
  int threads_count_ ABSL_GUARDED_BY(mutex_) = 0;  // of threads_, those that have not ended

  absl::Mutex close_mutex_;  // one Close at a time
  WorkPool work_pool_;       // has threads once the gateway has been started
  std::atomic<bool> has_threads_ = false;
  std::atomic<bool> is_work_cancelled_ = false;
  storage::LogUpkeep* const log_upkeep_;  // of the store; null if it has none
  std::atomic<bool> is_log_tended_ = false;
  std::vector<std::thread> threads_;  // that dispatch and commit; touched by Start and Close

  // Its threads use all of the above.
  consume::ConsumerSupervisor consumers_;
};

template <typename Result>
std::function<void(Result)> EmbeddedGateway::Completion(std::function<void(Result)> done) {
  if (!options_.has_polled_completions) return done;
  const auto shared = std::make_shared<std::function<void(Result)>>(std::move(done));
  return [this, shared](Result result) {
    // Functions are copied, results need not be.
    const auto held = std::make_shared<Result>(std::move(result));
    completions_.Push([shared, held] { (*shared)(std::move(*held)); });
  };
}

}  // namespace convoy::gateway
