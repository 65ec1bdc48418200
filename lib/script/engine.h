// A script engine: QuickJS in a heap of its own, set back to its beginning before every call.
//
// C, for the reasons of meter.h. Of one thread at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/script/meter.h"

#ifdef __cplusplus
extern "C" {
#endif

// How much stack a call may use; the thread needs a quarter more.
#define CONVOY_SCRIPT_STACK_BYTES ((size_t)768 * 1024)

struct convoy_script_engine;

// A text that need not end in a zero byte.
struct convoy_script_text {
  const char* data;
  size_t size;
};

struct convoy_script_call {
  struct convoy_script_text function;
  struct convoy_script_text payload;  // JSON; data[size] must be 0
  int64_t now_us;
  uint64_t seed;  // of Math.random
  int64_t steps_max;
  int should_only_load;  // see ScriptCall
};

// The end of a call. The texts are the engine's and stay until its next call.
struct convoy_script_answer {
  enum convoy_script_end end;
  struct convoy_script_text result;  // of CONVOY_SCRIPT_DONE
  struct convoy_script_text error;   // of those that carry one; otherwise empty
  struct convoy_script_text log;     // lines, each ended by "\n"
  int64_t steps_count;
};

// NULL if memory cannot be had.
struct convoy_script_engine* convoy_script_engine_new(size_t memory_bytes_max);
void convoy_script_engine_free(struct convoy_script_engine* engine);

struct convoy_script_answer convoy_script_engine_run(struct convoy_script_engine* engine,
                                                     const struct convoy_script_call* call);

#ifdef __cplusplus
}
#endif
