/* The conformance suites on parts in plain C: sound ones pass, and each flaw is found and named. */
#include <convoy_testing.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "http_client.h"
#include "queue_broker.h"

typedef struct {
  int met;
  int failed;
  int skipped;
  const char* wanted; /* a requirement that is to fail; NULL: none is */
  int has_wanted;
} tally;

static void count(void* user, uint32_t kind, const char* requirement, const char* detail) {
  tally* counts = user;
  if (kind == CONVOY_REPORT_MET) ++counts->met;
  if (kind == CONVOY_REPORT_SKIPPED) ++counts->skipped;
  if (kind != CONVOY_REPORT_FAILED) return;
  ++counts->failed;
  if (counts->wanted == NULL || strcmp(counts->wanted, requirement) == 0) {
    fprintf(stderr, "  %s\n      %s\n", requirement, detail);
  }
  if (counts->wanted != NULL && strcmp(counts->wanted, requirement) == 0) {
    counts->has_wanted = 1;
    CHECK(strlen(detail) > 0);
  }
}

static tally expecting(const char* wanted) {
  tally counts = {0, 0, 0, NULL, 0};
  counts.wanted = wanted;
  fprintf(stderr, "%s:\n", wanted == NULL ? "sound" : wanted);
  return counts;
}

/* ---- Clock ---- */

static int64_t now_us(void* self) {
  struct timespec now;
  (void)self;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t steady_us(void* self) {
  struct timespec now;
  (void)self;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t backwards_us(void* self) { return -steady_us(self); }
static int64_t frozen_us(void* self) {
  (void)self;
  return 1;
}

static void check_clock(int64_t (*steady)(void*), int64_t (*now)(void*), const char* wanted) {
  convoy_clock clock;
  tally counts = expecting(wanted);
  int32_t failures;
  memset(&clock, 0, sizeof clock);
  clock.struct_size = sizeof clock;
  clock.now_us = now;
  clock.steady_us = steady;
  failures = convoy_clock_conformance(&clock, 1, count, &counts);
  CHECK(counts.has_wanted == (wanted != NULL));
  CHECK((failures > 0) == (wanted != NULL));
  CHECK(counts.met + failures == 3);
}

/* ---- Transport ---- */

static convoy_status make_client(void* self, convoy_transport* out, convoy_failure* failure) {
  (void)failure;
  return http_client_new(*(const enum client_flaw*)self, out) == 0 ? CONVOY_OK : CONVOY_E_BUSY;
}

static void check_transport(enum client_flaw flaw, const char* wanted) {
  convoy_transport_factory factory;
  tally counts = expecting(wanted);
  int32_t failures;
  memset(&factory, 0, sizeof factory);
  factory.struct_size = sizeof factory;
  factory.self = &flaw;
  factory.make = make_client;
  failures = convoy_transport_conformance(&factory, count, &counts);
  CHECK(counts.has_wanted == (wanted != NULL));
  CHECK((failures > 0) == (wanted != NULL));
  CHECK(counts.met + failures == 21);
  CHECK(http_clients_count() == 0);
}

static convoy_status make_nothing(void* self, convoy_transport* out, convoy_failure* failure) {
  (void)self, (void)out;
  snprintf(failure->text, failure->text_size, "out of descriptors");
  return CONVOY_E_BUSY;
}

/* ---- Broker ---- */

static void check_broker(enum broker_flaw flaw, const char* wanted) {
  convoy_broker_bench bench;
  tally counts = expecting(wanted);
  int32_t failures;
  queue_broker_new(flaw, &bench);
  failures = convoy_broker_conformance(&bench, count, &counts);
  CHECK(counts.has_wanted == (wanted != NULL));
  CHECK((failures > 0) == (wanted != NULL));
  CHECK(counts.met + failures == 23);
  CHECK(counts.skipped == 1); /* messages are held without a time-out: none need be extended */
  CHECK(queue_brokers_count() == 0);
}

static void check_refusals(void) {
  convoy_transport_factory factory;
  convoy_clock clock;
  tally counts = expecting("the transport");
  CHECK(convoy_transport_conformance(NULL, count, &counts) == -CONVOY_E_INVALID);
  memset(&factory, 0, sizeof factory);
  factory.struct_size = sizeof factory;
  CHECK(convoy_transport_conformance(&factory, NULL, NULL) == -CONVOY_E_INVALID);
  factory.make = make_nothing;
  CHECK(convoy_transport_conformance(&factory, NULL, NULL) > 0);
  memset(&clock, 0, sizeof clock);
  clock.struct_size = sizeof clock;
  CHECK(convoy_clock_conformance(&clock, 1, NULL, NULL) == -CONVOY_E_INVALID);
}

int main(void) {
  check_clock(steady_us, now_us, NULL);
  check_clock(NULL, now_us, NULL);
  check_clock(backwards_us, now_us, "steady instants do not go back, on any of several threads");
  check_clock(steady_us, frozen_us, "the current instant is near the system's");
  check_clock(frozen_us, now_us, "time passes");
  check_transport(CLIENT_SOUND, NULL);
  check_transport(CLIENT_ENDS_TWICE, "the promises of the table are kept");
  check_transport(CLIENT_ENDS_IN_SEND, "the promises of the table are kept");
  check_transport(CLIENT_FORGETS_TIMEOUT, "an exchange that takes too long times out");
  check_transport(CLIENT_REPEATS,
                  "a peer that breaks off is a protocol error, and is not asked again");
  check_transport(CLIENT_IGNORES_LIMIT, "the promises of the table are kept");
  check_broker(BROKER_SOUND, NULL);
  check_broker(BROKER_FORGETS_ACKNOWLEDGEMENTS, "acknowledged messages do not come again");
  check_broker(BROKER_REVERSES, "messages come in the order of their publishing");
  check_broker(BROKER_IGNORES_COUNT,
               "a poll hands out no more messages than asked for, and loses none");
  check_broker(BROKER_TELLS_PASSWORDS,
               "wrong credentials are unauthenticated or permission denied");
  check_refusals();
  puts("verified");
  return 0;
}
