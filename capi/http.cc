// Requests and replies.
#include <algorithm>

#include "capi/gateway.h"

struct convoy_reply {
  convoy::HttpResponse response;
};

using convoy::capi::BorrowedRequest;
using convoy::capi::CheckGateway;
using convoy::capi::CheckRequest;
using convoy::capi::Fail;
using convoy::capi::Guard;
using convoy::capi::Slice;

convoy_status convoy_http_inspect(const convoy_gateway* gateway, const convoy_request* head,
                                  convoy_reply** out_reply, uint64_t* out_body_bytes_max,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_reply == nullptr || out_body_bytes_max == nullptr) {
      return Fail(error, CONVOY_E_INVALID, "out_reply and out_body_bytes_max: must not be NULL");
    }
    *out_reply = nullptr;
    *out_body_bytes_max = 0;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckRequest(head, error)) return checked;
    const BorrowedRequest borrowed(*head);
    convoy::HeadDecision decision = gateway->gateway->InspectHead(borrowed.http);
    *out_body_bytes_max = decision.body_bytes_max;
    if (decision.refusal.has_value()) *out_reply = new convoy_reply{*std::move(decision.refusal)};
    return CONVOY_OK;
  });
}

convoy_status convoy_http_handle(const convoy_gateway* gateway, const convoy_request* request,
                                 convoy_reply** out_reply, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_reply == nullptr) return Fail(error, CONVOY_E_INVALID, "out_reply: must not be NULL");
    *out_reply = nullptr;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckRequest(request, error)) return checked;
    const BorrowedRequest borrowed(*request);
    auto response = gateway->gateway->Handle(borrowed.http);
    if (!response.has_value()) return CONVOY_DECLINED;
    *out_reply = new convoy_reply{*std::move(response)};
    return CONVOY_OK;
  });
}

convoy_status convoy_http_handle_async(const convoy_gateway* gateway, const convoy_request* request,
                                       convoy_reply_fn done, void* user, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (done == nullptr) return Fail(error, CONVOY_E_INVALID, "done: must not be NULL");
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckRequest(request, error)) return checked;
    // The library borrows the request until its completion has run: the completion owns the copy of
    // the header table, the caller owns the bytes.
    const auto borrowed = std::make_shared<const BorrowedRequest>(*request);
    const bool is_ours = gateway->gateway->HandleAsync(
        borrowed->http, [done, user, borrowed](convoy::HttpResponse response) {
          done(user, new convoy_reply{std::move(response)});
        });
    return is_ours ? CONVOY_OK : CONVOY_DECLINED;
  });
}

int32_t convoy_reply_status(const convoy_reply* reply) {
  return reply == nullptr ? 0 : reply->response.status;
}

void convoy_reply_body(const convoy_reply* reply, convoy_slice* out) {
  if (out != nullptr) *out = reply == nullptr ? convoy_slice{} : Slice(reply->response.body);
}

size_t convoy_reply_headers_count(const convoy_reply* reply) {
  return reply == nullptr ? 0 : reply->response.headers.size();
}

int32_t convoy_reply_header(const convoy_reply* reply, size_t index, convoy_header* out) {
  if (out == nullptr) return 0;
  *out = {};
  if (index >= convoy_reply_headers_count(reply)) return 0;
  const convoy::Header& header = reply->response.headers[index];
  *out = {Slice(header.name), Slice(header.value)};
  return 1;
}

void convoy_reply_free(convoy_reply* reply) { delete reply; }
