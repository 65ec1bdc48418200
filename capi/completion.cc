// Hand-over of replies to a host that did not wait for them.
#include "capi/completion.h"

#include <utility>

#include "capi/callback.h"
#include "capi/reply.h"

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
