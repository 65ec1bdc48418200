// Hand-over of a reply to a host that did not wait for it.
#pragma once

#include <functional>
#include <memory>

#include "capi/gateway.h"

namespace convoy::capi {

// A completion for Gateway::HandleAsync that calls `done`. Everything that it needs is allocated
// here, so nothing can fail once there is a response. `kept` owns what the request borrows.
std::function<void(HttpResponse)> MakeCompletion(const Engine& engine, convoy_reply_fn done,
                                                 void* user, std::shared_ptr<const void> kept);

}  // namespace convoy::capi
