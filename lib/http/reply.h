// What a handler answers: a response at once, or a write that must be durable first.
//
// Handlers never commit. They say what should be written and how to answer once it is; who calls
// them decides whether to wait for that or to go on (docs/architecture.md).
#pragma once

#include <functional>
#include <variant>

#include "convoy/http.h"
#include "convoy/storage.h"

namespace convoy::http {

struct PendingWrite;
using Reply = std::variant<HttpResponse, PendingWrite>;

struct PendingWrite {
  WriteBatch batch;
  // Called once with the result. May answer with another write, e.g. when the configuration it was
  // based on had moved (kAborted).
  std::function<Reply(const CommitResult&)> finish;
  // Whether the write gives the dispatcher something to do.
  bool has_deliveries = false;
};

}  // namespace convoy::http
