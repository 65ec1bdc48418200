/* Conformance suites for the parts of convoy_parts.h, in a separate library: link with
 * -lconvoy-testing. A part that passes its suite may be used with a gateway.
 *
 *   static void print(void* user, uint32_t kind, const char* requirement, const char* detail) {
 *     if (kind == CONVOY_REPORT_FAILED) printf("%s\n    %s\n", requirement, detail);
 *   }
 *   convoy_transport_factory transports = {sizeof transports, NULL, open_transport};
 *   int failures = convoy_transport_conformance(&transports, print, NULL);
 *
 * Each function runs on the thread that calls it, for seconds, and starts threads and servers on
 * 127.0.0.1 that end with it. It returns how many requirements were not met, or, if it could not
 * begin, the negative of a convoy_status.
 */
#ifndef CONVOY_TESTING_H_
#define CONVOY_TESTING_H_

#include "convoy_parts.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONVOY_REPORT_MET 0
#define CONVOY_REPORT_FAILED 1
#define CONVOY_REPORT_SKIPPED 2 /* it needs an optional function that is missing */

/* Called for each requirement, and for each expectation of it that did not hold. `requirement` is a
 * sentence; `detail` names the expectation. Both are NUL-terminated and valid during the call. */
typedef void (*convoy_report_fn)(void* user, uint32_t kind, const char* requirement,
                                 const char* detail);

/* Takes a text from a function. */
typedef void (*convoy_text_fn)(void* sink, const char* text, size_t text_size);

/* ---- Clock ---- */

/* Whether `clock` is usable: near the system's time if `is_real` is not 0, its steady instants in
 * order, from several threads at once. `clock->destroy` runs at the end. */
CONVOY_API int32_t convoy_clock_conformance(const convoy_clock* clock, int32_t is_real,
                                            convoy_report_fn report, void* user);

/* ---- Transport ---- */

typedef struct convoy_transport_factory {
  size_t struct_size; /* sizeof(convoy_transport_factory) */
  void* self;
  /* Sets *out, whose size is set already, to a new transport that may connect to 127.0.0.1. Its
   * `destroy` runs before the next is made. */
  convoy_status (*make)(void* self, convoy_transport* out, convoy_failure* failure);
} convoy_transport_factory;

CONVOY_API int32_t convoy_transport_conformance(const convoy_transport_factory* transports,
                                                convoy_report_fn report, void* user);

/* ---- Storage ---- */

typedef struct convoy_storage_factory {
  size_t struct_size; /* sizeof(convoy_storage_factory) */
  void* self;
  /* Sets *out, whose size is set already, to the storage of a place: a new and empty one if
   * `is_new` is 1; otherwise that of the last call with 1, opened again. Its `destroy` runs before
   * the next is made. */
  convoy_status (*make)(void* self, int32_t is_new, convoy_storage* out, convoy_failure* failure);
  /* 1: the suite may fork, and kill its child while that opens and writes the place; the calling
   * process should have no other thread. 0: what needs that is skipped. */
  int32_t may_fork;
  uint32_t reserved; /* 0 */
} convoy_storage_factory;

/* The promises of the table first; if they are kept, the suite that the library's own stores pass,
 * with the table below. */
CONVOY_API int32_t convoy_storage_conformance(const convoy_storage_factory* storages,
                                              convoy_report_fn report, void* user);

/* ---- Message broker ---- */

/* Promises of a broker beyond what every one must do; the suite expects no more. */
#define CONVOY_BENCH_ORDERED 1       /* messages come in the order of their publishing */
#define CONVOY_BENCH_BINARY_BODIES 2 /* bodies are any bytes, not only UTF-8 */
#define CONVOY_BENCH_ATTRIBUTES 4
#define CONVOY_BENCH_IDS 8            /* the sender's id comes back as convoy_message.id */
#define CONVOY_BENCH_POSITIONS 16     /* convoy_message.position, the redelivery id, is set */
#define CONVOY_BENCH_SHARED_QUEUES 32 /* two consumers of a queue both get messages */
#define CONVOY_BENCH_LAG 64
#define CONVOY_BENCH_REPEATS 128 /* a message may come twice before redelivery_ms_max is over */

/* A broker, and functions that prepare it for tests. All functions except `new_queue` and `publish`
 * may be NULL; requirements that need a missing one are skipped. A queue is given as the settings
 * of a source that reads from it (convoy_broker_source.settings), with "type" and the fields of
 * that type. */
typedef struct convoy_broker_bench {
  size_t struct_size; /* sizeof(convoy_broker_bench) */
  void* self;
  const convoy_broker* broker; /* its `destroy` runs at the end */
  uint32_t promises;           /* CONVOY_BENCH_…, added up */
  uint32_t reserved;           /* 0 */
  uint64_t redelivery_ms_max;  /* time after a close until unacknowledged messages come again */
  /* Makes a new, empty queue, and gives the settings to read from it. */
  convoy_status (*new_queue)(void* self, convoy_text_fn give, void* sink, convoy_failure* failure);
  /* Returns once the broker has the messages, in this order; of each, body, attributes and id are
   * set. */
  convoy_status (*publish)(void* self, const char* settings, size_t settings_size,
                           const convoy_message* messages, size_t messages_count,
                           convoy_failure* failure);
  /* Each gives a copy of `settings` with which opening or polling must fail: with wrong
   * credentials, with the name of a queue that does not exist, with an address without a listener.
   */
  convoy_status (*spoil_credentials)(void* self, const char* settings, size_t settings_size,
                                     convoy_text_fn give, void* sink, convoy_failure* failure);
  convoy_status (*spoil_queue)(void* self, const char* settings, size_t settings_size,
                               convoy_text_fn give, void* sink, convoy_failure* failure);
  convoy_status (*spoil_address)(void* self, const char* settings, size_t settings_size,
                                 convoy_text_fn give, void* sink, convoy_failure* failure);
  /* Deletes the queue with all its messages, and makes a new one with the same name. */
  convoy_status (*remake_queue)(void* self, const char* settings, size_t settings_size,
                                convoy_failure* failure);
  /* Stops the server and starts it again; accepted messages are still there. */
  convoy_status (*restart)(void* self, convoy_failure* failure);
} convoy_broker_bench;

CONVOY_API int32_t convoy_broker_conformance(const convoy_broker_bench* bench,
                                             convoy_report_fn report, void* user);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_TESTING_H_ */
