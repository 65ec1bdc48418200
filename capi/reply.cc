// Entry points that read replies, and the delivery of replies to the host.
#include "capi/reply.h"

#include <utility>

#include "capi/callback.h"

namespace convoy::capi {
namespace {

// Lives in the engine's own queue, so it does not keep the engine.
struct Completion {
  const Engine* engine;
  std::shared_ptr<const LogCallback> log;
  convoy_reply_fn done;
  void* user;
  std::shared_ptr<const void> kept;
  std::unique_ptr<convoy_reply> reply;
};

void Run(Completion& completion, HttpResponse response) noexcept {
  completion.reply->response = std::move(response);
  CallOut(completion.engine, completion.log.get(),
          [&] { completion.done(completion.user, completion.reply.release()); });
}

}  // namespace

std::function<void(HttpResponse)> MakeCompletion(const Engine& engine, convoy_reply_fn done,
                                                 void* user, std::shared_ptr<const void> kept) {
  auto completion = std::make_shared<Completion>(Completion{
      &engine, engine.log, done, user, std::move(kept), std::make_unique<convoy_reply>()});
  return [completion = std::move(completion)](HttpResponse response) {
    Run(*completion, std::move(response));
  };
}

}  // namespace convoy::capi

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
