// What a handler answers: a response at once, or what has to be done first: a write that must be
// durable, a question to a message broker.
//
// Handlers never commit. They say what should be written and how to answer once it is; who calls
// them decides whether to wait for that or to go on (docs/architecture.md).
#pragma once

#include <functional>
#include <variant>

#include "absl/status/status.h"

#include "convoy/http.h"
#include "convoy/storage.h"

namespace convoy::http {

struct PendingWrite;
struct PendingCheck;
using Reply = std::variant<HttpResponse, PendingWrite, PendingCheck>;

struct PendingWrite {
  WriteBatch batch;
  // Called once with the result. May answer with another write, e.g. when the configuration it was
  // based on had moved (kAborted).
  std::function<Reply(const CommitResult&)> finish;
  // Whether the write gives the dispatcher something to do.
  bool has_deliveries = false;
};

// Whether a source could be read from: its broker is asked, which takes up to some seconds. Whoever
// carries this out must not be a thread that others wait for.
struct PendingCheck {
  Source source;
  // Called once with the answer; kUnavailable is that nobody knows.
  std::function<Reply(const absl::Status&)> finish;
};

}  // namespace convoy::http
