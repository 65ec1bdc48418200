// Entry points that read replies.
#include "capi/reply.h"

#include "capi/shim.h"

using convoy::capi::Slice;

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
