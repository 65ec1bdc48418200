// Counting and stopping; see meter.h. This file is not metered itself.
#include "lib/script/meter.h"

#include <stdbool.h>

// Bytes that are worth a step: what memcpy does while a few blocks of the engine run.
#define BYTES_PER_STEP 64

// The fields that every block looks at stand beside each other. The model keeps an access in a
// shared library to one instruction.
struct watch {
  int64_t steps_left;
  const char* stack_end;
};
static __thread struct watch watch __attribute__((tls_model("initial-exec")));
static __thread struct convoy_script_meter* current __attribute__((tls_model("initial-exec")));

void convoy_script_use_meter(struct convoy_script_meter* meter) {
  current = meter;
  watch.steps_left = meter == NULL ? INT64_MAX : meter->steps_left;
  watch.stack_end = meter == NULL ? NULL : meter->stack_end;
}

int64_t convoy_script_steps_left(void) { return watch.steps_left; }

void convoy_script_stop(int end) {
  struct convoy_script_meter* const meter = current;
  const int64_t steps_left = watch.steps_left;
  convoy_script_use_meter(NULL);
  if (meter == NULL) __builtin_trap();  // outside of a call nothing stops
  meter->steps_left = steps_left;
  longjmp(meter->exit, end);
}

// Called by every basic block of the engine.
void __sanitizer_cov_trace_pc(void) {
  if (__builtin_expect(--watch.steps_left < 0, false)) {
    convoy_script_stop(CONVOY_SCRIPT_TOO_MANY_STEPS);
  }
  if (__builtin_expect((const char*)__builtin_frame_address(0) < watch.stack_end, false)) {
    convoy_script_stop(CONVOY_SCRIPT_TOO_DEEP);
  }
}

void convoy_script_charge(int64_t steps) {
  watch.steps_left -= steps;
  if (watch.steps_left < 0) convoy_script_stop(CONVOY_SCRIPT_TOO_MANY_STEPS);
}

size_t convoy_script_metered(size_t bytes) {
  if (bytes >= BYTES_PER_STEP) convoy_script_charge((int64_t)(bytes / BYTES_PER_STEP));
  return bytes;
}

int convoy_script_gettimeofday(struct timeval* out) {
  const int64_t now_us = current == NULL ? 0 : current->now_us;
  out->tv_sec = now_us / 1000000;
  out->tv_usec = now_us % 1000000;
  return 0;
}

int convoy_script_clock_gettime(struct timespec* out) {
  struct timeval now;
  convoy_script_gettimeofday(&now);
  out->tv_sec = now.tv_sec;
  out->tv_nsec = now.tv_usec * 1000;
  return 0;
}
