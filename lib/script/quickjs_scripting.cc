// The adapter over QuickJS: threads, each with an engine of its own, and the queue that they take
// calls from. Threads are made when the first call comes, so a host without functions has none.
#include <pthread.h>
#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"

#include "convoy/scripting.h"
#include "lib/base/text.h"
#include "lib/script/call_queue.h"
#include "lib/script/engine.h"

namespace convoy::script {
namespace {

// Half as much again as a call may use, for what runs around it.
constexpr size_t kThreadStackBytes = CONVOY_SCRIPT_STACK_BYTES * 2;
constexpr size_t kMemoryBytesMin = size_t{4} * 1024 * 1024;
constexpr size_t kMemoryBytesMax = size_t{1} << 40;
constexpr uint32_t kThreadsMax = 64;
constexpr size_t kLogLinesMax = 100;

struct EngineDeleter {
  void operator()(convoy_script_engine* engine) const { convoy_script_engine_free(engine); }
};
using Engine = std::unique_ptr<convoy_script_engine, EngineDeleter>;

std::string_view ViewOf(const convoy_script_text& text) { return {text.data, text.size}; }

ScriptOutcome OutcomeOf(convoy_script_end end) {
  switch (end) {
    case CONVOY_SCRIPT_DONE:
      return ScriptOutcome::kDone;
    case CONVOY_SCRIPT_INVALID:
      return ScriptOutcome::kInvalid;
    case CONVOY_SCRIPT_THREW:
      return ScriptOutcome::kThrew;
    case CONVOY_SCRIPT_NO_RESULT:
      return ScriptOutcome::kNoResult;
    case CONVOY_SCRIPT_TOO_MANY_STEPS:
      return ScriptOutcome::kTooManySteps;
    case CONVOY_SCRIPT_TOO_MUCH_MEMORY:
      return ScriptOutcome::kTooMuchMemory;
    case CONVOY_SCRIPT_TOO_DEEP:
      return ScriptOutcome::kTooDeep;
    case CONVOY_SCRIPT_INVALID_PAYLOAD:
      return ScriptOutcome::kInvalidPayload;
    case CONVOY_SCRIPT_ENGINE_FAILED:
      break;
  }
  return ScriptOutcome::kEngineFailed;
}

// One line of valid UTF-8 out of what a script has written.
std::string LineOf(std::string_view text) {
  std::string line(text);
  const bool is_utf8 = base::IsValidUtf8(line);  // not where it was cut, or has half a pair
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = ' ';
    if (byte >= 0x80 && !is_utf8) c = '?';
  }
  return line;
}

std::vector<std::string> LogOf(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : absl::StrSplit(text, '\n')) {
    if (lines.size() == kLogLinesMax) break;
    lines.push_back(LineOf(line));
  }
  if (!lines.empty() && lines.back().empty()) lines.pop_back();  // behind the last line's end
  return lines;
}

std::string ErrorOf(ScriptOutcome outcome, std::string_view said, const QuickJsOptions& options) {
  switch (outcome) {
    case ScriptOutcome::kTooManySteps:
      return absl::StrCat("stopped: it takes more than ", options.steps_max, " steps");
    case ScriptOutcome::kTooMuchMemory:
      return absl::StrCat("stopped: it takes more than ", options.memory_bytes_max,
                          " bytes of memory");
    case ScriptOutcome::kTooDeep:
      return "stopped: it recurses too deeply";
    case ScriptOutcome::kEngineFailed:
      return "the script engine failed";
    default:
      return LineOf(said);
  }
}

// A seed that differs from payload to payload and is the same whenever a call is repeated.
uint64_t SeedOf(const ScriptCall& call) {
  uint64_t hash = 0xCBF29CE484222325u ^ static_cast<uint64_t>(absl::ToUnixMicros(call.now));
  for (const char c : call.payload) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return hash;
}

class QuickJsScripting final : public Scripting {
 public:
  QuickJsScripting(const QuickJsOptions& options, std::unique_ptr<Clock> own_clock,
                   std::vector<Engine> engines)
      : options_(options),
        own_clock_(std::move(own_clock)),
        clock_(options.clock != nullptr ? options.clock : own_clock_.get()),
        engines_(std::move(engines)),
        queue_({.threads = options.threads,
                .waiting_per_owner_max = options.waiting_per_owner_max,
                .waiting_max = options.waiting_max,
                .steps_max = static_cast<int64_t>(options.steps_max)}) {}

  ~QuickJsScripting() override {
    for (QueuedCall& call : queue_.Close()) call.done({.error = "the gateway is closing"});
    for (const pthread_t thread : threads_) pthread_join(thread, nullptr);
  }

  void Run(ScriptCall call, std::function<void(ScriptResult)> done) override {
    if (!StartThreads()) return done({.error = "there is no thread for it"});
    auto refused = queue_.Add(
        {.call = std::move(call), .done = std::move(done), .queued_at = clock_->SteadyNow()});
    if (refused.has_value()) refused->done({.error = "too many calls of functions are waiting"});
  }

 private:
  // One engine's thread.
  struct Worker {
    QuickJsScripting* scripting;
    convoy_script_engine* engine;
  };

  bool StartThreads() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!threads_.empty()) return true;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kThreadStackBytes);
    for (const Engine& engine : engines_) {
      auto worker = std::make_unique<Worker>(Worker{this, engine.get()});
      pthread_t thread;
      if (pthread_create(&thread, &attributes, &RunWorker, worker.get()) != 0) break;
      worker.release();  // NOLINT: its thread has it now
      threads_.push_back(thread);
    }
    pthread_attr_destroy(&attributes);
    return !threads_.empty();
  }

  static void* RunWorker(void* argument) {
    const std::unique_ptr<Worker> worker(static_cast<Worker*>(argument));
#ifdef __linux__
    // Commits, deliveries and answers go before.
    constexpr int kNice = 5;
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
#endif
    while (auto call = worker->scripting->queue_.Take()) {
      worker->scripting->Serve(*worker->engine, *std::move(call));
    }
    return nullptr;
  }

  void Serve(convoy_script_engine& engine, QueuedCall queued) {
    ScriptResult result;
    int64_t steps_count = 0;
    if (clock_->SteadyNow() - queued.queued_at > queued.call.patience) {
      result.error = "it waited too long for its turn";
    } else {
      result = Call(engine, queued.call, steps_count);
    }
    queue_.Finish(queued, steps_count);
    queued.done(std::move(result));
  }

  ScriptResult Call(convoy_script_engine& engine, const ScriptCall& call, int64_t& out_steps) {
    const convoy_script_call wanted = {.function = {call.function.data(), call.function.size()},
                                       .payload = {call.payload.c_str(), call.payload.size()},
                                       .now_us = absl::ToUnixMicros(call.now),
                                       .seed = SeedOf(call),
                                       .steps_max = static_cast<int64_t>(options_.steps_max),
                                       .should_only_load = call.should_only_load};
    const convoy_script_answer answer = convoy_script_engine_run(&engine, &wanted);
    out_steps = answer.steps_count;
    ScriptResult result = {.outcome = OutcomeOf(answer.end), .log = LogOf(ViewOf(answer.log))};
    if (result.outcome != ScriptOutcome::kDone) {
      result.error = ErrorOf(result.outcome, ViewOf(answer.error), options_);
    } else if (!call.should_only_load && answer.result.size > call.output_bytes_max) {
      result.outcome = ScriptOutcome::kTooLarge;
      result.error = absl::StrCat("its result has ", answer.result.size, " bytes, at most ",
                                  call.output_bytes_max, " are allowed");
    } else {
      result.payload = ViewOf(answer.result);
    }
    return result;
  }

  const QuickJsOptions options_;
  const std::unique_ptr<Clock> own_clock_;
  Clock* const clock_;
  const std::vector<Engine> engines_;  // one for each thread
  CallQueue queue_;
  absl::Mutex mutex_;
  std::vector<pthread_t> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace
}  // namespace convoy::script

namespace convoy {

absl::StatusOr<std::unique_ptr<Scripting>> NewQuickJsScripting(const QuickJsOptions& options) {
  using namespace script;
  if (options.threads == 0 || options.threads > kThreadsMax) {
    return absl::InvalidArgumentError(absl::StrCat("threads must be 1 to ", kThreadsMax));
  }
  if (options.memory_bytes_max < kMemoryBytesMin || options.memory_bytes_max > kMemoryBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("memory_bytes_max must be ", kMemoryBytesMin, " to ", kMemoryBytesMax));
  }
  if (options.steps_max == 0 || options.steps_max > uint64_t{1} << 62) {
    return absl::InvalidArgumentError("steps_max must be 1 to 2^62");
  }
  std::vector<Engine> engines;
  for (uint32_t i = 0; i < options.threads; ++i) {
    engines.emplace_back(convoy_script_engine_new(options.memory_bytes_max));
    if (engines.back() == nullptr) {
      return absl::ResourceExhaustedError("there is no memory for a script engine");
    }
  }
  return std::make_unique<QuickJsScripting>(
      options, options.clock == nullptr ? NewSystemClock() : nullptr, std::move(engines));
}

}  // namespace convoy
