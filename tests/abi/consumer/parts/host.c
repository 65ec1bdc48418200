/* A gateway whose clock, transport and message broker are the host's own, in plain C: a message
 * goes from the broker to a receiver, each part is given back once, and what is wrong with one is
 * named. */
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "http_client.h"
#include "queue_broker.h"
#include "receiver.h"

#include <convoy.h>

static convoy_gateway* gateway = NULL;
static int destroyed_count = 0;
static int reentrant_count = 0;
static int clock_reads_count = 0;

static void set(convoy_config* config, const char* key, const char* value) {
  CHECK(convoy_config_set(config, key, strlen(key), value, strlen(value), NULL) == CONVOY_OK);
}

/* Calls the REST API and keeps the value of the first "uid" behind `member` in `out_uid`. */
static void must_call(const char* target, const char* body, const char* member, char* out_uid,
                      size_t out_size) {
  convoy_reply* reply = NULL;
  convoy_slice text;
  const char* uid;
  CHECK(convoy_call(gateway, "POST", target, body, strlen(body), &reply, NULL) == CONVOY_OK);
  convoy_reply_body(reply, &text);
  if (convoy_reply_status(reply) >= 300) fprintf(stderr, "%.*s\n", (int)text.size, text.data);
  CHECK(convoy_reply_status(reply) < 300);
  uid = strstr(text.data, member);
  CHECK(uid != NULL);
  uid = strstr(uid, "\"uid\":\"");
  CHECK(uid != NULL);
  snprintf(out_uid, out_size, "%.*s", (int)strcspn(uid + 7, "\""), uid + 7);
  convoy_reply_free(reply);
}

static void count_destroy(void* self) {
  (void)self;
  ++destroyed_count;
}

static int64_t counted_now_us(void* self) {
  struct timespec now;
  (void)self;
  __atomic_add_fetch(&clock_reads_count, 1, __ATOMIC_RELAXED);
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static convoy_clock counting_clock(void) {
  convoy_clock clock;
  memset(&clock, 0, sizeof clock);
  clock.struct_size = sizeof clock;
  clock.destroy = count_destroy;
  clock.now_us = counted_now_us;
  return clock;
}

/* ---- A transport that calls the gateway, which it must not ---- */

static convoy_transport inner;

static void calling_send(void* self, const convoy_outgoing* request, convoy_sent_fn done,
                         void* host, uint64_t exchange) {
  convoy_reply* reply = NULL;
  const convoy_status status =
      convoy_call(gateway, "GET", "/api/v1/projects", NULL, 0, &reply, NULL);
  CHECK(status == CONVOY_E_REENTRANT && reply == NULL);
  ++reentrant_count;
  inner.send(self, request, done, host, exchange);
}

/* ---- Tests ---- */

static void check_refusals(void) {
  struct {
    convoy_clock known;
    void* unknown;
  } newer;
  convoy_config* config = NULL;
  convoy_error* error = NULL;
  convoy_clock clock = counting_clock();
  convoy_broker_bench bench;
  convoy_broker broker;
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);

  memset(&newer, 0, sizeof newer);
  newer.known = counting_clock();
  newer.known.struct_size = sizeof newer;
  CHECK(convoy_config_set_clock(config, &newer.known, NULL) == CONVOY_OK); /* nothing is used */
  newer.unknown = &newer;
  CHECK(convoy_config_set_clock(config, &newer.known, NULL) == CONVOY_E_UNSUPPORTED);
  CHECK(destroyed_count == 1); /* of the second; the first is still there */

  clock.now_us = NULL;
  CHECK(convoy_config_set_clock(config, &clock, &error) == CONVOY_E_INVALID);
  CHECK(strcmp(convoy_error_message(error), "clock.now_us: must not be NULL") == 0);
  convoy_error_free(error);
  CHECK(destroyed_count == 2);
  clock.struct_size = 0; /* cannot be read, so nothing is owned */
  CHECK(convoy_config_set_clock(config, &clock, NULL) == CONVOY_E_INVALID);
  CHECK(destroyed_count == 2);
  CHECK(convoy_config_set_clock(config, NULL, NULL) == CONVOY_OK);
  CHECK(destroyed_count == 3);

  queue_broker_new(BROKER_SOUND, &bench);
  broker = *bench.broker;
  broker.type = "carrier pigeon";
  CHECK(convoy_config_add_broker(config, &broker, &error) == CONVOY_E_INVALID);
  CHECK(strncmp(convoy_error_message(error), "broker.type:", 12) == 0);
  convoy_error_free(error);
  CHECK(queue_brokers_count() == 0);
  convoy_config_free(config);
  destroyed_count = 0;
}

static void check_one_gateway_at_a_time(convoy_config* config) {
  convoy_gateway* other = NULL;
  convoy_error* error = NULL;
  CHECK(convoy_gateway_open(config, &other, &error) == CONVOY_E_STATE);
  CHECK(other == NULL && strncmp(convoy_error_message(error), "transport:", 10) == 0);
  convoy_error_free(error);
}

static void publish(const convoy_broker_bench* bench, const char* settings, const char* body) {
  convoy_message message;
  memset(&message, 0, sizeof message);
  message.struct_size = sizeof message;
  message.body.data = body;
  message.body.size = strlen(body);
  CHECK(bench->publish(bench->self, settings, strlen(settings), &message, 1, NULL) == CONVOY_OK);
}

static void keep_text(void* sink, const char* text, size_t text_size) {
  snprintf(sink, 512, "%.*s", (int)text_size, text);
}

static void check_message_is_delivered(const convoy_broker_bench* bench) {
  const char* const url = receiver_start();
  char project[64], endpoint[64], ignored[64], target[256], body[1024], settings[512];
  int tries;
  must_call("/api/v1/projects", "{\"name\":\"p\",\"type\":\"outgoing\"}", "\"project\":{", project,
            sizeof project);
  snprintf(target, sizeof target, "/api/v1/projects/%s/endpoints", project);
  snprintf(body, sizeof body, "{\"name\":\"e\",\"url\":\"%s\"}", url);
  must_call(target, body, "\"data\":{", endpoint, sizeof endpoint);
  CHECK(bench->new_queue(bench->self, keep_text, settings, NULL) == CONVOY_OK);
  snprintf(target, sizeof target, "/api/v1/projects/%s/sources", project);
  must_call(target,
            "{\"name\":\"s\",\"type\":\"pub_sub\",\"pub_sub\":{\"type\":\"amqp\",\"workers\":1,"
            "\"amqp\":{\"schema\":\"amqp\",\"host\":\"memory\",\"port\":\"5672\",\"queue\":"
            "\"queue1\",\"auth\":{\"user\":\"u\",\"password\":\"right password\"}}}}",
            "\"data\":{", ignored, sizeof ignored);
  snprintf(body, sizeof body,
           "{\"endpoint_id\":\"%s\",\"event_type\":\"order.new\",\"data\":{\"n\":17}}", endpoint);
  publish(bench, settings, body);
  for (tries = 0; tries < 600 && (receiver_count() == 0 || queue_broker_left(bench) > 0); ++tries) {
    usleep(50 * 1000);
  }
  CHECK(receiver_count() == 1);
  CHECK(queue_broker_left(bench) == 0);
  receiver_last_body(body, sizeof body);
  CHECK(strcmp(body, "{\"n\":17}") == 0);
}

int main(void) {
  convoy_config* config = NULL;
  convoy_broker_bench bench;
  convoy_transport transport;
  const convoy_clock clock = counting_clock();
  convoy_error* error = NULL;
  check_refusals();
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);
  set(config, "deliver.allowed_networks", "127.0.0.0/8");
  CHECK(http_client_new(CLIENT_SOUND, &inner) == 0);
  transport = inner;
  transport.send = calling_send;
  queue_broker_new(BROKER_SOUND, &bench);
  CHECK(convoy_config_set_clock(config, &clock, NULL) == CONVOY_OK);
  CHECK(convoy_config_set_transport(config, &transport, NULL) == CONVOY_OK);
  CHECK(convoy_config_add_broker(config, bench.broker, NULL) == CONVOY_OK);
  if (convoy_gateway_open(config, &gateway, &error) != CONVOY_OK) {
    fprintf(stderr, "%s\n", convoy_error_message(error));
    return 1;
  }
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_OK);
  check_one_gateway_at_a_time(config);
  check_message_is_delivered(&bench);
  CHECK(reentrant_count >= 1 && clock_reads_count > 0);
  CHECK(convoy_gateway_close(gateway, 5000, NULL) == CONVOY_OK);
  convoy_gateway_free(gateway);
  CHECK(http_clients_count() == 1 && queue_brokers_count() == 1 && destroyed_count == 0);
  convoy_config_free(config); /* the last that holds them */
  CHECK(http_clients_count() == 0 && queue_brokers_count() == 0 && destroyed_count == 1);
  puts("verified");
  return 0;
}
