// Payload functions: JavaScript that users write to change what events carry. A function is a text
// that defines `transform(payload)`; what that returns takes the payload's place.
//
// Scripting is an interface, so that a host may bring an engine of its own; the adapter of this
// project, over QuickJS, is a component of its own, convoy::scripting. A gateway without scripting
// refuses functions by name.
//
// Functions are written by strangers: an implementation must stop one that runs for ever, allocates
// or recurses without end, and one must not delay those of others for long. It gives a function no
// files, no network and no clock but the one of the call, so that the same call has the same
// result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/clock.h"

namespace convoy {

// The largest text of a function.
inline constexpr size_t kFunctionBytesMax = 64 * 1024;

// The error of a function where there is no scripting.
inline constexpr std::string_view kNoScripting = "payload functions are not built in";

struct ScriptCall {
  // Calls of one owner take turns with those of others. The id of a source or subscription; of a
  // trial that of the project, or nothing.
  std::string owner;
  std::string function;
  std::string payload;          // one JSON value
  absl::Time now;               // the only instant that the function can learn
  size_t output_bytes_max = 0;  // of the result's JSON text
  // Nothing is called; what counts is whether the text defines transform. The result is null.
  bool should_only_load = false;
  // Not begun within that time: kNotRun.
  absl::Duration patience = absl::Seconds(10);
};

// How a call ended. Names are permanent (ScriptOutcomeName).
enum class ScriptOutcome : uint8_t {
  kDone,
  kInvalid,         // the text is no JavaScript, or defines no function called transform
  kThrew,           // the function threw
  kNoResult,        // it returned nothing, or what has no JSON form
  kTooManySteps,    // it was stopped: it computes for too long
  kTooMuchMemory,   // it was stopped: it takes more memory than it may
  kTooDeep,         // it was stopped: it recurses too deeply
  kTooLarge,        // its result is larger than output_bytes_max
  kInvalidPayload,  // the payload is no JSON value
  kEngineFailed,    // the engine found itself broken; this call's state was thrown away
  kNotRun,          // too much is waiting, or the adapter goes: nothing was run, try again later
};

// "done", "too_many_steps", …
std::string_view ScriptOutcomeName(ScriptOutcome outcome);

struct ScriptResult {
  ScriptOutcome outcome = ScriptOutcome::kNotRun;
  std::string payload;           // of kDone: one JSON value
  std::vector<std::string> log;  // what it wrote to the console, a line each; bounded
  std::string error;             // otherwise: one line for the function's author
};

class Scripting {
 public:
  // Calls that have not ended do so before this returns: those that wait with kNotRun.
  virtual ~Scripting() = default;

  // Runs a function. `done` is called once: before this returns, or on a thread of the adapter. It
  // must be quick. From any thread, concurrently.
  virtual void Run(ScriptCall call, std::function<void(ScriptResult)> done) = 0;
};

// Bounds of each call and of all together.
struct QuickJsOptions {
  // How many calls run at the same time. At least two: calls that were found to be slow leave one
  // thread to the others.
  uint32_t threads = 2;
  // Of everything a call allocates. Each thread keeps as much address space.
  size_t memory_bytes_max = size_t{64} * 1024 * 1024;
  // Work of a call, counted inside the engine, so that the same call always ends at the same place.
  // 500 million are half a second of a processor's time, or two; at most 2^62.
  uint64_t steps_max = 500'000'000;
  // Calls that wait, of one owner and of all. Beyond: kNotRun.
  uint32_t waiting_per_owner_max = 256;
  uint32_t waiting_max = 4096;
  // Must outlive the adapter. Null: the system's.
  Clock* clock = nullptr;
};

// Runs a function; where `scripting` is null, `done` is told so at once (kInvalid).
void RunScript(Scripting* scripting, ScriptCall call, std::function<void(ScriptResult)> done);

// The adapter over QuickJS: component `scripting`, target convoy::scripting. kInvalidArgument for
// bounds that are none, kResourceExhausted if memory or threads cannot be had.
//
// Every call begins with a fresh engine state: nothing of one call is left for the next. Functions
// have the language's own library (without Atomics and SharedArrayBuffer) and `console`. Local time
// is UTC, Math.random() repeats itself from call to call with the same payload and instant. A
// promise that the function returns is waited for, as far as it can be settled without waiting.
absl::StatusOr<std::unique_ptr<Scripting>> NewQuickJsScripting(const QuickJsOptions& options = {});

}  // namespace convoy
