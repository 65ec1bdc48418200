// Reply of a handler: a response, or work that has to be done first, which is a write that must
// become durable, a question to a message broker, a request to another server or a payload
// function.
//
// Handlers never commit. They return what should be written and how to answer once it is; their
// caller decides whether to wait for that or to go on (docs/architecture.md).
#pragma once

#include <functional>
#include <variant>

#include "absl/status/status.h"

#include "convoy/http.h"
#include "convoy/scripting.h"
#include "convoy/storage.h"
#include "convoy/transport.h"

namespace convoy::http {

struct PendingWrite;
struct PendingCheck;
struct PendingFetch;
struct PendingScript;
using Reply = std::variant<HttpResponse, PendingWrite, PendingCheck, PendingFetch, PendingScript>;

struct PendingWrite {
  WriteBatch batch;
  // Called once with the result. May answer with another write, e.g. when the configuration it was
  // based on had moved (kAborted).
  std::function<Reply(const CommitResult&)> finish;
  // Whether the write gives the dispatcher something to do.
  bool has_deliveries = false;
};

// Check whether a source could be read from: its broker is asked, which takes up to some seconds.
// It must not run on a thread that others wait for.
struct PendingCheck {
  Source source;
  // Called once with the answer; kUnavailable means unknown.
  std::function<Reply(const absl::Status&)> finish;
};

// Request to another server, which the driver of the gateway makes through the guarded transport.
struct PendingFetch {
  OutgoingRequest request;
  // Called once with the result; not at all where too many are being made.
  std::function<Reply(const TransportResult&)> finish;
};

// Call of a payload function. It runs on a thread of Scripting's, and so does `finish`.
struct PendingScript {
  ScriptCall call;
  // Called once with the result.
  std::function<Reply(const ScriptResult&)> finish;
};

}  // namespace convoy::http
