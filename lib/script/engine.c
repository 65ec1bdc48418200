// Calls of payload functions; see engine.h. Everything between setjmp and the end of a call lives
// in the engine's arena or in plain fields, so that it may be left at any instant.
#include "lib/script/engine.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quickjs.h"

#include "lib/script/arena.h"

#define LOG_BYTES_MAX (16 * 1024)
#define ERROR_BYTES_MAX 512
// Work that the making of the engine itself may take: no script has a part in it.
#define SETUP_STEPS_MAX ((int64_t)1 << 40)
// The interpreter asks after so many jumps and calls, of which each is worth some steps.
// Processor's time of a call, beyond what the steps of the slowest function take.
#define PROCESSOR_TIME_NS_MAX ((int64_t)5 * 1000000000)
#define STEPS_PER_INTERRUPT ((int64_t)10000 * 16)
// The engine's own bound, which a script may catch; the meter's is behind it.
#define STACK_BYTES_OF_ENGINE (CONVOY_SCRIPT_STACK_BYTES / 3 * 2)

struct convoy_script_engine {
  struct convoy_script_arena* arena;
  JSRuntime* runtime;
  JSContext* context;
  struct convoy_script_meter meter;
  int64_t processor_end_ns;  // of this thread's time
  uint64_t random_state;
  size_t log_size;
  bool is_log_full;
  char log[LOG_BYTES_MAX];
  size_t error_size;
  char error[ERROR_BYTES_MAX];
};

static struct convoy_script_engine* engine_of(JSContext* context) {
  return JS_GetRuntimeOpaque(JS_GetRuntime(context));
}

// The console.

static void append_log(struct convoy_script_engine* engine, const char* text, size_t size) {
  const size_t left = LOG_BYTES_MAX - engine->log_size;
  if (size > left) {
    size = left;
    engine->is_log_full = true;
  }
  memcpy(engine->log + engine->log_size, text, size);
  engine->log_size += size;
}

// Objects as JSON, everything else as JavaScript writes it; a line break would begin another line.
static void append_value(struct convoy_script_engine* engine, JSContext* context, JSValue value) {
  JSValue shown = JS_UNDEFINED;
  if (JS_IsObject(value) && !JS_IsFunction(context, value) && !JS_IsError(value)) {
    shown = JS_JSONStringify(context, value, JS_UNDEFINED, JS_UNDEFINED);
  }
  size_t size = 0;
  const char* const text = JS_ToCStringLen(context, &size, JS_IsString(shown) ? shown : value);
  if (text == NULL) {
    JS_FreeValue(context, JS_GetException(context));
    return append_log(engine, "?", 1);
  }
  const size_t from = engine->log_size;
  append_log(engine, text, size);
  for (size_t i = from; i < engine->log_size; ++i) {
    if (engine->log[i] == '\n') engine->log[i] = ' ';
  }
}

static JSValue write_log(JSContext* context, JSValueConst this_value, int argc,
                         JSValueConst* argv) {
  (void)this_value;
  struct convoy_script_engine* const engine = engine_of(context);
  if (engine->is_log_full) return JS_UNDEFINED;
  for (int i = 0; i < argc; ++i) {
    if (i > 0) append_log(engine, " ", 1);
    append_value(engine, context, argv[i]);
  }
  append_log(engine, "\n", 1);
  return JS_UNDEFINED;
}

// splitmix64, from the call's seed.
static JSValue make_random(JSContext* context, JSValueConst this_value, int argc,
                           JSValueConst* argv) {
  (void)this_value, (void)argc, (void)argv;
  uint64_t mixed = engine_of(context)->random_state += 0x9E3779B97F4A7C15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  mixed ^= mixed >> 31;
  return JS_NewFloat64(context, (double)(mixed >> 11) * 0x1p-53);
}

// Setting up.

static int64_t processor_time_ns(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// The interpreter asks at jumps and calls; instructions between them are not counted, so a text
// that is one long line of them is bounded by the processor's time. No other function comes near
// it.
static int on_interrupt(JSRuntime* runtime, void* opaque) {
  (void)opaque;
  const struct convoy_script_engine* const engine = JS_GetRuntimeOpaque(runtime);
  if (processor_time_ns() > engine->processor_end_ns) {
    convoy_script_stop(CONVOY_SCRIPT_TOO_MANY_STEPS);
  }
  convoy_script_charge(STEPS_PER_INTERRUPT);
  return 0;
}

static void add_function(JSContext* context, JSValue object, const char* name,
                         JSCFunction* function) {
  JS_SetPropertyStr(context, object, name, JS_NewCFunction(context, function, name, 0));
}

static void remove_global(JSContext* context, JSValue global, const char* name) {
  const JSAtom atom = JS_NewAtom(context, name);
  JS_DeleteProperty(context, global, atom, 0);
  JS_FreeAtom(context, atom);
}

// The language without what reaches other threads or what looks at the collection of garbage.
static void add_library(JSContext* context) {
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicDate(context);
  JS_AddIntrinsicEval(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicProxy(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicTypedArrays(context);
  JS_AddIntrinsicPromise(context);
  JS_AddIntrinsicBigInt(context);
  JS_AddIntrinsicAToB(context);
  const JSValue global = JS_GetGlobalObject(context);
  remove_global(context, global, "Atomics");  // they hold a lock of the process
  remove_global(context, global, "SharedArrayBuffer");
  const JSValue console = JS_NewObject(context);
  const char* const names[] = {"log", "info", "warn", "error", "debug"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    add_function(context, console, names[i], write_log);
  }
  JS_SetPropertyStr(context, global, "console", console);
  const JSValue math = JS_GetPropertyStr(context, global, "Math");
  add_function(context, math, "random", make_random);
  JS_FreeValue(context, math);
  JS_FreeValue(context, global);
}

static void start_meter(struct convoy_script_engine* engine, int64_t steps_max, int64_t now_us) {
  engine->meter.steps_left = steps_max;
  engine->meter.now_us = now_us;
  engine->processor_end_ns = processor_time_ns() + PROCESSOR_TIME_NS_MAX;
  engine->meter.stack_end = (const char*)__builtin_frame_address(0) - CONVOY_SCRIPT_STACK_BYTES;
  convoy_script_use_meter(&engine->meter);
}

static int64_t stop_meter(struct convoy_script_engine* engine) {
  const int64_t steps_left = convoy_script_steps_left();
  convoy_script_use_meter(NULL);
  return engine->meter.steps_left - steps_left;
}

static bool set_up(struct convoy_script_engine* engine) {
  if (setjmp(engine->meter.exit) != 0) return false;
  start_meter(engine, SETUP_STEPS_MAX, 0);
  const JSMallocFunctions functions = {convoy_script_arena_calloc, convoy_script_arena_malloc,
                                       convoy_script_arena_release, convoy_script_arena_realloc,
                                       convoy_script_arena_usable_size};
  engine->runtime = JS_NewRuntime2(&functions, engine->arena);
  JS_SetRuntimeOpaque(engine->runtime, engine);
  JS_SetMaxStackSize(engine->runtime, STACK_BYTES_OF_ENGINE);
  JS_SetCanBlock(engine->runtime, false);
  JS_SetInterruptHandler(engine->runtime, on_interrupt, NULL);
  engine->context = JS_NewContextRaw(engine->runtime);
  add_library(engine->context);
  stop_meter(engine);
  return convoy_script_arena_keep(engine->arena) != 0;
}

struct convoy_script_engine* convoy_script_engine_new(size_t memory_bytes_max) {
  struct convoy_script_engine* const engine = calloc(1, sizeof(*engine));
  if (engine == NULL) return NULL;
  engine->arena = convoy_script_arena_new(memory_bytes_max);
  if (engine->arena == NULL || !set_up(engine)) {
    convoy_script_engine_free(engine);
    return NULL;
  }
  return engine;
}

void convoy_script_engine_free(struct convoy_script_engine* engine) {
  if (engine == NULL) return;
  convoy_script_arena_free(engine->arena);
  free(engine);
}

// Calls.

// The line of the function's text that the topmost entry of a stack names; 0 if there is none.
static int line_of(JSContext* context, JSValue thrown) {
  if (!JS_IsError(thrown)) return 0;
  const JSValue stack = JS_GetPropertyStr(context, thrown, "stack");
  const char* const text = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
  const char* const place = text == NULL ? NULL : strstr(text, "function:");
  return place == NULL ? 0 : atoi(place + strlen("function:"));
}

static void keep_exception(struct convoy_script_engine* engine) {
  JSContext* const context = engine->context;
  const JSValue thrown = JS_GetException(context);
  const char* text = JS_ToCString(context, thrown);
  if (text == NULL) {
    JS_FreeValue(context, JS_GetException(context));
    text = "an exception without a text";
  }
  const int line = line_of(context, thrown);
  int size = line > 0 ? snprintf(engine->error, ERROR_BYTES_MAX, "%.440s (line %d)", text, line)
                      : snprintf(engine->error, ERROR_BYTES_MAX, "%.440s", text);
  engine->error_size = size < 0 ? 0 : (size_t)size;
}

static void keep_error(struct convoy_script_engine* engine, const char* text) {
  engine->error_size = strlen(text);
  memcpy(engine->error, text, engine->error_size);
}

// The value of a promise, once all that can run has run.
static enum convoy_script_end settle(struct convoy_script_engine* engine, JSValue* value) {
  JSContext* context = engine->context;
  while (JS_ExecutePendingJob(engine->runtime, &context) != 0) {
    JS_FreeValue(engine->context, JS_GetException(engine->context));  // of a job that has thrown
  }
  context = engine->context;
  switch (JS_PromiseState(context, *value)) {
    case JS_PROMISE_PENDING:
      keep_error(engine, "transform returned a promise that nothing settles");
      return CONVOY_SCRIPT_NO_RESULT;
    case JS_PROMISE_FULFILLED:
      *value = JS_PromiseResult(context, *value);
      return CONVOY_SCRIPT_DONE;
    case JS_PROMISE_REJECTED:
      JS_Throw(context, JS_PromiseResult(context, *value));
      keep_exception(engine);
      return CONVOY_SCRIPT_THREW;
    default:
      return CONVOY_SCRIPT_DONE;
  }
}

static enum convoy_script_end run(struct convoy_script_engine* engine,
                                  const struct convoy_script_call* call,
                                  struct convoy_script_text* out_result) {
  JSContext* const context = engine->context;
  // The engine wants a zero byte behind the text.
  char* const source = js_malloc(context, call->function.size + 1);
  memcpy(source, call->function.data, call->function.size);
  source[call->function.size] = 0;
  if (JS_IsException(
          JS_Eval(context, source, call->function.size, "function", JS_EVAL_TYPE_GLOBAL))) {
    keep_exception(engine);
    return CONVOY_SCRIPT_INVALID;
  }
  // Looked up as a script would, so that `const transform = …` is found, too.
  static const char lookup[] = "typeof transform === 'function' ? transform : undefined";
  const JSValue transform =
      JS_Eval(context, lookup, sizeof(lookup) - 1, "lookup", JS_EVAL_TYPE_GLOBAL);
  if (!JS_IsFunction(context, transform)) {
    keep_error(engine, "there is no function called transform");
    return CONVOY_SCRIPT_INVALID;
  }
  if (call->should_only_load) {
    *out_result = (struct convoy_script_text){"null", 4};
    return CONVOY_SCRIPT_DONE;
  }
  JSValue payload = JS_ParseJSON(context, call->payload.data, call->payload.size, "payload");
  if (JS_IsException(payload)) {
    keep_exception(engine);
    return CONVOY_SCRIPT_INVALID_PAYLOAD;
  }
  JSValue value = JS_Call(context, transform, JS_UNDEFINED, 1, &payload);
  if (JS_IsException(value)) {
    keep_exception(engine);
    return CONVOY_SCRIPT_THREW;
  }
  const enum convoy_script_end settled = settle(engine, &value);
  if (settled != CONVOY_SCRIPT_DONE) return settled;
  const JSValue text = JS_JSONStringify(context, value, JS_UNDEFINED, JS_UNDEFINED);
  if (JS_IsException(text)) {
    keep_exception(engine);
    return CONVOY_SCRIPT_NO_RESULT;
  }
  if (!JS_IsString(text)) {
    keep_error(engine, "transform returned nothing that has a JSON form");
    return CONVOY_SCRIPT_NO_RESULT;
  }
  out_result->data = JS_ToCStringLen(context, &out_result->size, text);
  return out_result->data == NULL ? CONVOY_SCRIPT_ENGINE_FAILED : CONVOY_SCRIPT_DONE;
}

struct convoy_script_answer convoy_script_engine_run(struct convoy_script_engine* engine,
                                                     const struct convoy_script_call* call) {
  convoy_script_arena_restore(engine->arena);
  engine->log_size = 0;
  engine->is_log_full = false;
  engine->error_size = 0;
  engine->random_state = call->seed;
  struct convoy_script_answer answer = {.end = CONVOY_SCRIPT_ENGINE_FAILED};
  struct convoy_script_text result = {0};
  const int end = setjmp(engine->meter.exit);
  if (end != 0) {
    // Nothing that was changed since is read: all of it is in the engine.
    answer.end = (enum convoy_script_end)end;
    answer.steps_count = call->steps_max - engine->meter.steps_left;
  } else {
    start_meter(engine, call->steps_max, call->now_us);
    JS_UpdateStackTop(engine->runtime);
    answer.end = run(engine, call, &result);
    answer.steps_count = stop_meter(engine);
    answer.result = result;
  }
  answer.error = (struct convoy_script_text){engine->error, engine->error_size};
  answer.log = (struct convoy_script_text){engine->log, engine->log_size};
  return answer;
}
