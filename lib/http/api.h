// HTTP interface of the gateway: ingest links, the REST API, health, metrics. Requests in, replies
// out; no sockets, no threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "convoy/clock.h"
#include "convoy/gateway.h"
#include "convoy/http.h"
#include "convoy/observer.h"
#include "convoy/options.h"
#include "convoy/storage.h"
#include "lib/base/ulid.h"
#include "lib/config/config_cache.h"
#include "lib/consume/consumer_supervisor.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/fetch/fetcher.h"
#include "lib/http/reply.h"
#include "lib/http/work.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/intake.h"
#include "lib/jobs/worker.h"
#include "lib/storage/commit_queue.h"
#include "lib/storage/pruner.h"

namespace convoy::http {

class VerifiedKeys;

// The origin of a request: one from the network tells by a key what it may do.
enum class Origin : uint8_t { kNetwork, kHost };

// All must outlive the Api.
struct ApiParts {
  Storage* storage;
  config::ConfigCache* configuration;
  intake::Intake* intake;
  Clock* clock;
  Random* random;
  base::UlidGenerator* ulids;
  Observer* observer;
  std::shared_ptr<fetch::Fetcher> fetcher;           // may be null: then nothing is fetched
  consume::ConsumerSupervisor* consumers = nullptr;  // null: there is no message broker
  Scripting* scripting = nullptr;                    // null: payload functions are refused
  // For what they have counted; null: they are left out of the metrics.
  const storage::CommitQueue* commits = nullptr;
  const dispatch::Dispatcher* dispatcher = nullptr;
  const storage::Pruner* pruner = nullptr;
  const jobs::Worker* jobs = nullptr;
  std::function<WorkCounts()> work_counts;
  VerifiedKeys* verified_keys = nullptr;  // set by Api
};

// Safe to use from any thread.
class Api {
 public:
  Api(const GatewayOptions& options, ApiParts parts);
  ~Api();

  // nullopt: the path is not ours. `request` must stay valid until the reply has been finished.
  std::optional<Reply> Handle(const HttpRequest& request) const;

  // A request of the REST API from the host itself: it is the instance's administrator, whatever
  // the headers say. nullopt: a path of something else.
  std::optional<Reply> Call(const HttpRequest& request) const;

  // See Gateway::InspectHead.
  HeadDecision InspectHead(const HttpRequest& head) const;
  // See Gateway::RefuseTooLarge.
  HttpResponse RefuseTooLarge(const HttpRequest& head) const;

 private:
  std::optional<Reply> Dispatch(const HttpRequest& request) const;
  Reply DispatchApi(const HttpRequest& request, Origin origin) const;
  HeadDecision DecideOnHead(const HttpRequest& head) const;
  intake::BodyLimit LimitFor(const HttpRequest& head) const;
  HttpResponse TooLarge(const HttpRequest& head, const intake::BodyLimit& limit) const;
  // Tells of a link that leads to no source.
  HttpResponse RefuseUnknownLink() const;
  // An event that comes round again.
  std::optional<HttpResponse> RefuseLoop(const HttpRequest& head) const;
  // Reports a request to an ingest link that is refused before its source is asked.
  void ReportOf(const HttpRequest& head, std::string_view reason, std::string_view detail) const;
  // Adds what every answer to `method` carries, now or once its write is done.
  void Stamp(std::string_view method, HttpResponse& response) const;
  Reply Stamped(std::string method, Reply reply) const;
  std::optional<Reply> Stamped(const HttpRequest& request, std::optional<Reply> reply) const;

  const GatewayOptions& options_;
  const std::unique_ptr<VerifiedKeys> verified_keys_;
  const ApiParts parts_;
};

// The write that creates the first instance-admin key, and the key itself.
struct NewApiKey {
  ApiKey stored;
  std::string text;  // "CO.<mask>.<secret>": shown once
};
NewApiKey MakeApiKey(Role role, std::string project_id, std::string name, const ApiParts& parts);

}  // namespace convoy::http
