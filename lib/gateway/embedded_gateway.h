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

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "convoy/gateway.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/consume/consumer_supervisor.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/fetch/fetcher.h"
#include "lib/gateway/wake_fd.h"
#include "lib/gateway/work_pool.h"
#include "lib/http/api.h"
#include "lib/intake/broker_intake.h"
#include "lib/intake/intake.h"
#include "lib/jobs/worker.h"
#include "lib/storage/commit_queue.h"
#include "lib/storage/pruner.h"

namespace convoy::gateway {

class EmbeddedGateway final : public Gateway {
 public:
  // All members of `parts` are set; `wake` watches the transport.
  EmbeddedGateway(GatewayOptions options, GatewayParts parts, std::unique_ptr<WakeFd> wake);
  ~EmbeddedGateway() override;

  absl::StatusOr<std::string> Bootstrap() override;
  HeadDecision InspectHead(const HttpRequest& head) override;
  HttpResponse RefuseTooLarge(const HttpRequest& head) override;
  std::optional<HttpResponse> Handle(const HttpRequest& request) override;
  bool HandleAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) override;
  absl::StatusOr<Receipt> Ingest(HostEvent event) override;
  void IngestAsync(HostEvent event, std::function<void(absl::StatusOr<Receipt>)> done) override;
  absl::StatusOr<absl::Time> Step() override;
  int wake_fd() const override { return wake_->fd(); }
  absl::Status Start() override;
  absl::Status Close(absl::Duration patience) override;

 private:
  enum class Phase { kOpen, kStarted, kDraining, kClosed };

  http::ApiParts api_parts() const;
  consume::ConsumeParts consume_parts();
  jobs::WorkerParts job_parts();

  // Counts a request in; false once the gateway is closing.
  bool Enter() ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);

  // The rest of HandleAsync: on the caller's thread, or on one of the pool.
  bool HandleNow(const HttpRequest& request, std::function<void(HttpResponse)> done);
  void HandleLater(const http::WorkPlan& plan, const HttpRequest& request,
                   std::function<void(HttpResponse)> done);
  // Carries a reply to its end: commits what is pending, as often as its handler asks.
  HttpResponse Finish(http::Reply reply);
  http::Reply FetchNow(http::PendingFetch fetch);
  void FinishAsync(http::Reply reply, std::shared_ptr<std::function<void(HttpResponse)>> done);

  // An event of the host's on its way into the store. See host_events.cc.
  struct PendingEvent;
  absl::StatusOr<WriteBatch> Prepare(PendingEvent& pending) const;
  // nullopt: the project was changed meanwhile; prepare and commit again.
  std::optional<absl::StatusOr<Receipt>> ReceiptFor(PendingEvent& pending,
                                                    const CommitResult& result);
  void IngestPending(std::shared_ptr<PendingEvent> pending);
  void NotifyIfDue(const CommitResult& result, bool has_deliveries);

  // Of what works in the background.
  absl::Time StepHousekeeping();
  absl::Time StepOnce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(driver_mutex_);
  bool is_quiet() const ABSL_LOCKS_EXCLUDED(mutex_);
  void RunDispatcher();
  void StopThreads();
  // Drives both pipelines on this thread until nothing is in flight or `deadline` has come.
  void DrainUntil(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(driver_mutex_);
  void AbandonWhatIsLeft() ABSL_EXCLUSIVE_LOCKS_REQUIRED(driver_mutex_);

  // Constant after construction; safe for any thread.
  const GatewayOptions options_;
  const GatewayParts parts_;
  const std::unique_ptr<WakeFd> wake_;
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

  absl::Mutex close_mutex_;  // one Close at a time
  WorkPool work_pool_;       // has threads once the gateway has been started
  std::atomic<bool> has_threads_ = false;
  std::atomic<bool> is_work_cancelled_ = false;
  std::thread dispatcher_thread_;
  std::thread committer_threads_[2];  // one writes while the other syncs

  // Its threads use all of the above.
  consume::ConsumerSupervisor consumers_;
};

}  // namespace convoy::gateway
