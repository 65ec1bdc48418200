// Entry points for requests whose body is still arriving. The head is checked before any of the
// body is read, the body limit is enforced while it arrives, and at the end the request is handled
// like any other.
//
// A convoy_http goes from open to answered and never back. It refers to its gateway weakly, so
// either may be freed first.
#include "capi/completion.h"
#include "capi/owned_request.h"
#include "capi/reply.h"

struct convoy_http {
  std::weak_ptr<convoy::capi::Engine> engine;
  std::shared_ptr<convoy::capi::OwnedRequest> request;  // null once it has been answered
  uint64_t body_bytes_max;
};

using convoy::capi::BorrowedRequest;
using convoy::capi::CheckEngine;
using convoy::capi::CheckGateway;
using convoy::capi::CheckRequest;
using convoy::capi::Engine;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::MakeCompletion;
using convoy::capi::OwnedRequest;

namespace {

convoy_status CheckOpen(const convoy_http* http, convoy_error** error) {
  if (http == nullptr) return FailNull(error, "http");
  if (http->request == nullptr) {
    return Fail(error, CONVOY_E_STATE, "the request has been answered");
  }
  return CONVOY_OK;
}

// Shared by both ways of finishing: takes the gateway, and the request with its whole body.
convoy_status TakeRequest(convoy_http* http, std::shared_ptr<Engine>* out_engine,
                          std::shared_ptr<OwnedRequest>* out_request, convoy_error** error) {
  if (const convoy_status checked = CheckOpen(http, error)) return checked;
  *out_engine = http->engine.lock();
  if (*out_engine == nullptr) {
    return Fail(error, CONVOY_E_STATE, "the gateway has been freed");
  }
  if (const convoy_status checked = CheckEngine(**out_engine, error)) return checked;
  *out_request = std::move(http->request);
  (*out_request)->Whole();
  return CONVOY_OK;
}

}  // namespace

convoy_status convoy_http_begin(const convoy_gateway* gateway, const convoy_request* head,
                                convoy_http** out_http, convoy_reply** out_reply,
                                convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_http != nullptr) *out_http = nullptr;
    if (out_reply != nullptr) *out_reply = nullptr;
    if (out_http == nullptr) return FailNull(error, "out_http");
    if (out_reply == nullptr) return FailNull(error, "out_reply");
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckRequest(head, error)) return checked;
    const BorrowedRequest borrowed(*head);
    convoy::HeadDecision decision = gateway->engine->gateway->InspectHead(borrowed.http);
    if (decision.is_declined) return CONVOY_DECLINED;
    if (decision.refusal.has_value()) {
      *out_reply = new convoy_reply{*std::move(decision.refusal)};
    } else {
      const Engine& engine = *gateway->engine;
      auto request = std::make_shared<OwnedRequest>(borrowed.http, engine);
      if (request->Count(request->text.size())) {
        *out_http = new convoy_http{gateway->engine, std::move(request), decision.body_bytes_max};
      } else {
        *out_reply = new convoy_reply{convoy::Gateway::OverloadedResponse()};
      }
    }
    return CONVOY_OK;
  });
}

convoy_status convoy_http_feed(convoy_http* http, const void* data, size_t size,
                               convoy_reply** out_reply, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_reply == nullptr) return FailNull(error, "out_reply");
    *out_reply = nullptr;
    if (const convoy_status checked = CheckOpen(http, error)) return checked;
    if (!IsReadable(data, size)) return FailNull(error, "data");
    if (size > http->body_bytes_max - http->request->body.size()) {
      std::shared_ptr<Engine> engine;
      std::shared_ptr<OwnedRequest> request;
      if (const auto checked = TakeRequest(http, &engine, &request, error)) return checked;
      *out_reply = new convoy_reply{engine->gateway->RefuseTooLarge(request->http)};
      return CONVOY_OK;
    }
    if (!http->request->Grow(size, http->body_bytes_max)) {
      *out_reply = new convoy_reply{convoy::Gateway::OverloadedResponse()};
      http->request = nullptr;
      return CONVOY_OK;
    }
    http->request->Append(static_cast<const char*>(data), size);
    return CONVOY_OK;
  });
}

convoy_status convoy_http_finish(convoy_http* http, convoy_reply** out_reply,
                                 convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_reply == nullptr) return FailNull(error, "out_reply");
    *out_reply = nullptr;
    auto reply = std::make_unique<convoy_reply>();
    std::shared_ptr<Engine> engine;
    std::shared_ptr<OwnedRequest> request;
    if (const auto checked = TakeRequest(http, &engine, &request, error)) return checked;
    auto response = engine->gateway->Handle(request->http);
    if (!response.has_value()) return CONVOY_DECLINED;
    reply->response = *std::move(response);
    *out_reply = reply.release();
    return CONVOY_OK;
  });
}

convoy_status convoy_http_finish_async(convoy_http* http, convoy_reply_fn done, void* user,
                                       convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (done == nullptr) return FailNull(error, "done");
    std::shared_ptr<Engine> engine;
    std::shared_ptr<OwnedRequest> request;
    if (const auto checked = TakeRequest(http, &engine, &request, error)) return checked;
    const bool is_ours =
        engine->gateway->HandleAsync(request->http, MakeCompletion(*engine, done, user, request));
    return is_ours ? CONVOY_OK : CONVOY_DECLINED;
  });
}

void convoy_http_free(convoy_http* http) { delete http; }
