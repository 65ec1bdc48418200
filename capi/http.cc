// Entry points for requests that the host has read in full.
#include "capi/completion.h"
#include "capi/owned_request.h"
#include "capi/reply.h"

using convoy::capi::BorrowedRequest;
using convoy::capi::CheckGateway;
using convoy::capi::CheckRequest;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::MakeCompletion;
using convoy::capi::OwnedRequest;
using convoy::capi::View;

namespace {

// A request of convoy_call, which borrows its texts.
convoy_status ReadCall(const char* method, const char* target, const char* body, size_t body_size,
                       convoy::HttpRequest* out, convoy_error** error) {
  if (method == nullptr) return FailNull(error, "method");
  if (target == nullptr) return FailNull(error, "target");
  if (!IsReadable(body, body_size)) return FailNull(error, "body");
  const std::string_view whole = target;
  const size_t path_size = std::min(whole.find('?'), whole.size());
  *out = {.method = method,
          .path = whole.substr(0, path_size),
          .query = whole.substr(std::min(path_size + 1, whole.size())),
          .body = View(body, body_size)};
  return CONVOY_OK;
}

}  // namespace

convoy_status convoy_http_handle(const convoy_gateway* gateway, const convoy_request* request,
                                 convoy_reply** out_reply, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_reply == nullptr) return FailNull(error, "out_reply");
    *out_reply = nullptr;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckRequest(request, error)) return checked;
    const BorrowedRequest borrowed(*request);
    // Reserved before anything is written: an accepted request must be answered.
    auto reply = std::make_unique<convoy_reply>();
    auto response = gateway->engine->gateway->Handle(borrowed.http);
    if (!response.has_value()) return CONVOY_DECLINED;
    reply->response = *std::move(response);
    *out_reply = reply.release();
    return CONVOY_OK;
  });
}

convoy_status convoy_call(const convoy_gateway* gateway, const char* method, const char* target,
                          const char* body, size_t body_size, convoy_reply** out_reply,
                          convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_reply == nullptr) return FailNull(error, "out_reply");
    *out_reply = nullptr;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    convoy::HttpRequest request;
    if (const auto read = ReadCall(method, target, body, body_size, &request, error)) return read;
    // Reserved before anything is written: what was done must be reported.
    auto reply = std::make_unique<convoy_reply>();
    auto response = gateway->engine->gateway->Call(request);
    if (!response.has_value()) return CONVOY_DECLINED;
    reply->response = *std::move(response);
    *out_reply = reply.release();
    return CONVOY_OK;
  });
}

convoy_status convoy_call_async(const convoy_gateway* gateway, const char* method,
                                const char* target, const char* body, size_t body_size,
                                convoy_reply_fn done, void* user, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (done == nullptr) return FailNull(error, "done");
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    convoy::HttpRequest request;
    if (const auto read = ReadCall(method, target, body, body_size, &request, error)) return read;
    const auto owned = std::make_shared<OwnedRequest>(request, *gateway->engine);
    const auto complete = MakeCompletion(*gateway->engine, done, user, owned);
    if (!owned->Count(owned->text.size() + body_size)) {
      return Fail(error, CONVOY_E_BUSY, "requests hold gateway.buffered_bytes_max already");
    }
    owned->Append(body, body_size);
    return gateway->engine->gateway->CallAsync(owned->Whole(), complete) ? CONVOY_OK
                                                                         : CONVOY_DECLINED;
  });
}

convoy_status convoy_http_handle_async(const convoy_gateway* gateway, const convoy_request* request,
                                       convoy_reply_fn done, void* user, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (done == nullptr) return FailNull(error, "done");
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckRequest(request, error)) return checked;
    // The library borrows the request until its completion has run, which owns this copy.
    const BorrowedRequest borrowed(*request);
    const auto owned = std::make_shared<OwnedRequest>(borrowed.http, *gateway->engine);
    const std::string_view body = borrowed.http.body;
    const auto complete = MakeCompletion(*gateway->engine, done, user, owned);
    if (!owned->Count(owned->text.size() + body.size())) {
      return gateway->engine->gateway->RefuseOverloadedAsync(owned->http, complete)
                 ? CONVOY_OK
                 : CONVOY_DECLINED;
    }
    owned->Append(body.data(), body.size());
    const bool is_ours = gateway->engine->gateway->HandleAsync(owned->Whole(), complete);
    return is_ours ? CONVOY_OK : CONVOY_DECLINED;
  });
}
