// The outside world as the engine's sources see it: forced into each of them when it is compiled,
// in front of everything else. There is one instant, one time zone and no way to end the process;
// and what libc does for the engine in one go is metered by its size.
#pragma once

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "quickjs.h"

#include "lib/script/meter.h"

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#define memcpy(to, from, size) memcpy(to, from, convoy_script_metered(size))
#define memmove(to, from, size) memmove(to, from, convoy_script_metered(size))
#define memset(to, value, size) memset(to, value, convoy_script_metered(size))
#define memcmp(a, b, size) memcmp(a, b, convoy_script_metered(size))
#define memchr(in, value, size) memchr(in, value, convoy_script_metered(size))

#define gettimeofday(out, zone) convoy_script_gettimeofday(out)
#define clock_gettime(clock, out) convoy_script_clock_gettime(out)
#define localtime_r gmtime_r
#define abort() convoy_script_stop(CONVOY_SCRIPT_ENGINE_FAILED)

// The interpreter's own loop counts by itself (JS_SetInterruptHandler): a call for each of its
// blocks would make it several times slower.
static JSValue JS_CallInternal(JSContext* caller_ctx, JSValueConst func_obj, JSValueConst this_obj,
                               JSValueConst new_target, int argc, JSValueConst* argv, int flags)
#ifdef __clang__
    __attribute__((no_sanitize("coverage")));
#else
    __attribute__((no_sanitize_coverage));
#endif
