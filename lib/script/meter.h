// Meter of the script engine: counts the work of a call, and ends the call when it has had enough.
//
// The engine's sources are compiled with -fsanitize-coverage=trace-pc, which makes every basic
// block call __sanitizer_cov_trace_pc. So there is no loop in the engine that is not counted: an
// engine's own interrupt handler is asked between the steps of a script, but not within indexOf,
// sort or a product of large numbers, which a script can make run for hours.
//
// A call is ended by a jump out of the engine, which leaves its heap as it was in that moment: the
// heap is thrown away (arena.h). The engine holds nothing else: no locks, no files, no memory of
// malloc.
//
// C, because no destructor may stand between the jump and its end. Of one thread at a time.
#pragma once

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

// How a call ended; 0 is the value of setjmp's first return.
enum convoy_script_end {
  CONVOY_SCRIPT_DONE = 1,
  CONVOY_SCRIPT_INVALID,
  CONVOY_SCRIPT_THREW,
  CONVOY_SCRIPT_NO_RESULT,
  CONVOY_SCRIPT_TOO_MANY_STEPS,
  CONVOY_SCRIPT_TOO_MUCH_MEMORY,
  CONVOY_SCRIPT_TOO_DEEP,
  CONVOY_SCRIPT_INVALID_PAYLOAD,
  CONVOY_SCRIPT_ENGINE_FAILED,
};

struct convoy_script_meter {
  int64_t steps_left;     // at the beginning; after a stop, what was left then
  const char* stack_end;  // the stack, which grows down, must not reach it
  int64_t now_us;         // the call's instant
  jmp_buf exit;
};

// From now on the work of this thread is counted by `meter`, whose `exit` is set. NULL: not
// counted.
void convoy_script_use_meter(struct convoy_script_meter* meter);

// The steps that are left of the meter in use.
int64_t convoy_script_steps_left(void);

// Ends the call.
__attribute__((noreturn)) void convoy_script_stop(int end);

// Counts work on so many bytes; returns `bytes`.
size_t convoy_script_metered(size_t bytes);
void convoy_script_charge(int64_t steps);

int convoy_script_gettimeofday(struct timeval* out);
int convoy_script_clock_gettime(struct timespec* out);

#ifdef __cplusplus
}
#endif
