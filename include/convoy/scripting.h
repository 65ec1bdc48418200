// Payload functions: JavaScript that users write to change the payload of events. A function is a
// text that defines `transform(payload)`; its result replaces the payload.
//
// Scripting is an interface, so that a host may use its own engine. The adapter of this project,
// over QuickJS, is the component convoy::scripting. A gateway without scripting refuses functions
// with an error that names the field.
//
// Functions come from strangers. An implementation must stop a function that runs, allocates or
// recurses without end, and no function may delay those of others for long. A function has no
// files, no network and no clock except the instant of the call, so that the same call has the same
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
inline constexpr size_t kFunctionBytesMax = size_t{64} * 1024;

// The error of a function in a gateway without scripting.
inline constexpr std::string_view kNoScripting = "payload functions are not built in";

struct ScriptCall {
  // Owners take turns. The id of a source or subscription; for a trial, that of the project, or
  // empty.
  std::string owner;
  std::string function;
  std::string payload;          // one JSON value
  absl::Time now;               // the only instant that the function can see
  size_t output_bytes_max = 0;  // of the result's JSON text
  // Only checks that the text defines transform, and does not call it. The result is null.
  bool should_only_load = false;
  // A call that has not begun within this time ends with kNotRun.
  absl::Duration patience = absl::Seconds(10);
};

// How a call ended. Names are permanent (ScriptOutcomeName).
enum class ScriptOutcome : uint8_t {
  kDone,
  kInvalid,         // the text is no JavaScript, or defines no function called transform
  kThrew,           // the function threw
  kNoResult,        // it returned nothing, or a value without a JSON form
  kTooManySteps,    // it was stopped: it computed for too long
  kTooMuchMemory,   // it was stopped: it exceeded its memory
  kTooDeep,         // it was stopped: it recursed too deeply
  kTooLarge,        // its result is larger than output_bytes_max
  kInvalidPayload,  // the payload is no JSON value
  kEngineFailed,    // the engine failed; the state of this call was discarded
  kNotRun,          // too many calls wait, or the adapter closes: nothing was run, try again later
};

// "done", "too_many_steps", …
std::string_view ScriptOutcomeName(ScriptOutcome outcome);

struct ScriptResult {
  ScriptOutcome outcome = ScriptOutcome::kNotRun;
  std::string payload;           // of kDone: one JSON value
  std::vector<std::string> log;  // lines that it wrote to the console; bounded
  std::string error;             // otherwise: one line for the function's author
};

class Scripting {
 public:
  // All calls end before this returns; waiting ones end with kNotRun.
  virtual ~Scripting() = default;

  // Runs a function. `done` is called once: before this returns, or on a thread of the adapter. It
  // must be quick. From any thread, concurrently.
  virtual void Run(ScriptCall call, std::function<void(ScriptResult)> done) = 0;
};

// Bounds of each call and of all together.
struct QuickJsOptions {
  // The number of calls that run at the same time, at least two. Calls that proved slow leave one
  // thread to the others.
  uint32_t threads = 2;
  // Bound of all allocations of a call. Each thread reserves as much address space.
  size_t memory_bytes_max = size_t{64} * 1024 * 1024;
  // Bound of the work of a call, counted inside the engine, so that the same call always stops at
  // the same place. 500 million steps take half a second to two seconds of a processor; at most
  // 2^62.
  uint64_t steps_max = 500'000'000;
  // Waiting calls, of one owner and of all. Beyond that: kNotRun.
  uint32_t waiting_per_owner_max = 256;
  uint32_t waiting_max = 4096;
  // Must outlive the adapter. Null: the system's.
  Clock* clock = nullptr;
};

// Runs a function. If `scripting` is null, `done` gets kInvalid at once.
void RunScript(Scripting* scripting, ScriptCall call, std::function<void(ScriptResult)> done);

// The adapter over QuickJS: component `scripting`, target convoy::scripting. kInvalidArgument for
// invalid bounds, kResourceExhausted if memory or threads are not available.
//
// Every call begins with a fresh engine state: no call sees data of another. Functions have the
// language's own library (without Atomics and SharedArrayBuffer) and `console`. Local time is UTC.
// Math.random() gives the same numbers in calls with the same payload and instant. If a function
// returns a promise, its value is the result if it can be settled without waiting.
absl::StatusOr<std::unique_ptr<Scripting>> NewQuickJsScripting(const QuickJsOptions& options = {});

}  // namespace convoy
