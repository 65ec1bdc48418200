// Requests and their replies: a request is handed to lib/http, and its reply is carried to its end
// through every commit, fetch, check and function call that the handler asks for. Handle does so on
// the caller's thread, HandleAsync without waiting.
#include <algorithm>
#include <utility>
#include <variant>

#include "absl/cleanup/cleanup.h"
#include "absl/synchronization/notification.h"

#include "lib/base/read_limit.h"
#include "lib/gateway/embedded_gateway.h"

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

}  // namespace

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

bool EmbeddedGateway::CallAsync(const HttpRequest& request,
                                std::function<void(HttpResponse)> done) {
  if (!request.path.starts_with("/api/")) return false;
  done = Completion(std::move(done));
  if (!Enter()) {
    done(ClosingResponse());
    return true;
  }
  const http::WorkPlan plan = http::PlanWork(request);
  if (plan.is_quick || !has_threads_) return HandleNow(request, std::move(done), &http::Api::Call);
  HandleLater(plan, request, std::move(done), &http::Api::Call);
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
                                  std::function<void(HttpResponse)> done, Answer answer) {
  const absl::Time deadline = parts_.clock->Now() + options_.answer_timeout;
  // Shared, because it is needed again where the pool refuses.
  const auto shared = std::make_shared<std::function<void(HttpResponse)>>(std::move(done));
  const bool is_taken = work_pool_.Add(
      plan.kind, plan.queue, [this, deadline, request, shared, answer](bool is_cancelled) {
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
        if (!HandleNow(request, counted, answer)) counted(Gateway::OverloadedResponse());
      });
  if (is_taken) return;
  (*shared)(Gateway::OverloadedResponse());
  Leave();
}

bool EmbeddedGateway::HandleNow(const HttpRequest& request, std::function<void(HttpResponse)> done,
                                Answer answer) {
  std::optional<http::Reply> reply = (api_.*answer)(request);
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

}  // namespace convoy::gateway
