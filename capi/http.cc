// Entry points for requests that the host has read in full.
#include "capi/reply.h"

using convoy::capi::BorrowedRequest;
using convoy::capi::CheckGateway;
using convoy::capi::CheckRequest;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::MakeCompletion;

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

convoy_status convoy_http_handle_async(const convoy_gateway* gateway, const convoy_request* request,
                                       convoy_reply_fn done, void* user, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (done == nullptr) return FailNull(error, "done");
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckRequest(request, error)) return checked;
    // The library borrows the request until its completion has run: the completion owns the copy of
    // the header table, the caller owns the bytes.
    const auto borrowed = std::make_shared<const BorrowedRequest>(*request);
    const bool is_ours = gateway->engine->gateway->HandleAsync(
        borrowed->http, MakeCompletion(*gateway->engine, done, user, borrowed));
    return is_ours ? CONVOY_OK : CONVOY_DECLINED;
  });
}
