/* A host beside handling requests: it manages without HTTP, takes deliveries of its own, learns
 * outcomes, runs callbacks on its own thread, and closes. */
#define _DEFAULT_SOURCE /* usleep, clock_gettime */

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

static char path[256];

static void Set(convoy_config* config, const char* key, const char* value) {
  CHECK(convoy_config_set(config, key, strlen(key), value, strlen(value), NULL) == CONVOY_OK);
}

static convoy_gateway* Open(convoy_config* config) {
  convoy_gateway* gateway = NULL;
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  return gateway;
}

/* Returns the status; keeps the body. */
static int Call(const convoy_gateway* gateway, const char* method, const char* target,
                const char* body, char* out, size_t out_size) {
  convoy_reply* reply = NULL;
  convoy_slice answer;
  int status;
  CHECK(convoy_call(gateway, method, target, body, strlen(body), &reply, NULL) == CONVOY_OK);
  status = convoy_reply_status(reply);
  convoy_reply_body(reply, &answer);
  CHECK(answer.size < out_size);
  memcpy(out, answer.data, answer.size);
  out[answer.size] = '\0';
  convoy_reply_free(reply);
  return status;
}

static double Seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int IsReadable(const convoy_gateway* gateway, int patience_ms) {
  struct pollfd descriptor = {-1, POLLIN, 0};
  int32_t fd = -1;
  CHECK(convoy_gateway_wake_fd(gateway, &fd, NULL) == CONVOY_OK);
  descriptor.fd = fd;
  return poll(&descriptor, 1, patience_ms) == 1;
}

static int CountThreads(void) {
  DIR* folder = opendir("/proc/self/task");
  struct dirent* entry;
  int count = 0;
  CHECK(folder != NULL);
  while ((entry = readdir(folder)) != NULL) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

/* A project with the local endpoint "orders". */
static void MakeProject(const convoy_gateway* gateway, char* project, char* endpoint) {
  char text[4096], target[128], body[256];
  CHECK(Call(gateway, "POST", "/api/v1/projects",
             "{\"name\":\"p\",\"type\":\"outgoing\",\"config\":{\"strategy\":{\"type\":\"linear\","
             "\"duration\":1,\"retry_count\":3}}}",
             text, sizeof text) == 201);
  Pick(strstr(text, "\"project\":"), "\"uid\":\"", project, 64);
  snprintf(target, sizeof target, "/api/v1/projects/%s/endpoints", project);
  CHECK(Call(gateway, "POST", target, "{\"name\":\"e\",\"url\":\"local:orders\"}", text,
             sizeof text) == 201);
  Pick(text, "\"uid\":\"", endpoint, 64);
  snprintf(target, sizeof target, "/api/v1/projects/%s/subscriptions", project);
  snprintf(body, sizeof body, "{\"name\":\"s\",\"endpoint_id\":\"%s\"}", endpoint);
  CHECK(Call(gateway, "POST", target, body, text, sizeof text) == 201);
}

static void CheckCall(void) {
  convoy_gateway* gateway = Open(NewConfig(""));
  char text[4096];
  convoy_reply* reply = NULL;
  convoy_error* error = NULL;
  CHECK(Call(gateway, "POST", "/api/v1/projects", "{\"name\":\"p\",\"type\":\"outgoing\"}", text,
             sizeof text) == 201);
  CHECK(Call(gateway, "GET", "/api/v1/projects?orgID=x", "", text, sizeof text) == 200);
  CHECK(strstr(text, "\"name\":\"p\"") != NULL);
  CHECK(Call(gateway, "POST", "/api/v1/projects", "{", text, sizeof text) == 400);
  CHECK(Call(gateway, "GET", "/api/v1/projects/none", "", text, sizeof text) == 404);
  CHECK(convoy_call(gateway, "GET", "/ingest/x", NULL, 0, &reply, NULL) == CONVOY_DECLINED);
  CHECK(convoy_call(gateway, "GET", "/elsewhere", NULL, 0, &reply, NULL) == CONVOY_DECLINED);
  CHECK_NAMES(convoy_call(NULL, "GET", "/", NULL, 0, &reply, &error), "gateway");
  CHECK_NAMES(convoy_call(gateway, NULL, "/", NULL, 0, &reply, &error), "method");
  CHECK_NAMES(convoy_call(gateway, "GET", NULL, NULL, 0, &reply, &error), "target");
  CHECK_NAMES(convoy_call(gateway, "GET", "/", NULL, 1, &reply, &error), "body");
  CHECK_NAMES(convoy_call(gateway, "GET", "/", NULL, 0, NULL, &error), "out_reply");
  convoy_gateway_free(gateway);
}

static convoy_delivery* TakeOne(convoy_gateway* gateway) {
  convoy_delivery* delivery = NULL;
  size_t count = 0;
  const double deadline = Seconds() + 30;
  while (count == 0 && Seconds() < deadline) {
    CHECK(convoy_local_take(gateway, "orders", 6, 1, 0, &delivery, &count, NULL) == CONVOY_OK);
    if (count == 0) CHECK(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_OK);
    if (count == 0) usleep(1000);
  }
  CHECK(count == 1);
  return delivery;
}

/* The next outcome is of a delivery and of this kind. */
static void CheckOutcome(const convoy_gateway* gateway, const char* expected, int will_retry) {
  convoy_outcome* outcome = NULL;
  convoy_outcome_view view;
  uint64_t dropped = 1;
  memset(&view, 0, sizeof view);
  view.struct_size = sizeof view;
  CHECK(convoy_gateway_next_outcome(gateway, &outcome, &dropped, NULL) == CONVOY_OK);
  CHECK(outcome != NULL && dropped == 0);
  CHECK(convoy_outcome_get(outcome, &view, NULL) == CONVOY_OK);
  CHECK(view.outcome.size == strlen(expected) &&
        memcmp(view.outcome.data, expected, view.outcome.size) == 0);
  CHECK(view.will_retry == will_retry);
  CHECK((view.retry_at_us == INT64_MAX) == !will_retry);
  CHECK(view.endpoint_id.size > 0 && view.project_id.size > 0);
  convoy_outcome_free(outcome);
}

/* Inside a callback of the gateway: a call that takes neither a gateway nor a convoy_http. */
static void FinishInside(void* user, convoy_reply* reply) {
  convoy_delivery** delivery = user;
  CHECK(convoy_reply_status(reply) == 200);
  convoy_reply_free(reply);
  CHECK(convoy_local_finish(*delivery, CONVOY_LOCAL_DONE, 0, NULL, 0, NULL) == CONVOY_OK);
  convoy_delivery_free(*delivery);
  *delivery = NULL;
}

static void CheckLocal(void) {
  convoy_config* config = NewConfig(path);
  convoy_gateway* gateway;
  convoy_delivery *delivery, *other;
  convoy_delivery_view view;
  convoy_event event;
  convoy_request request;
  convoy_buf id = {NULL, 0};
  convoy_header header;
  convoy_error* error = NULL;
  char project[64], endpoint[64];
  size_t count = 0;
  Set(config, "local.names", "orders");
  Set(config, "gateway.outcomes_max", "10");
  gateway = Open(config);
  MakeProject(gateway, project, endpoint);
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.project_id = Slice(project);
  event.audience = CONVOY_TO_EVERYONE;
  event.event_type = Slice("order.created");
  event.data = Slice("{\"n\": 1}");
  event.idempotency_key = Slice("k1");
  header.name = Slice("X-Tenant");
  header.value = Slice("t1");
  event.custom_headers = &header;
  event.custom_headers_count = 1;
  CHECK(convoy_ingest(gateway, &event, &id, NULL, NULL) == CONVOY_OK);

  delivery = TakeOne(gateway);
  memset(&view, 0, sizeof view);
  CHECK_NAMES(convoy_delivery_get(delivery, &view, &error), "out.struct_size");
  view.struct_size = sizeof view;
  CHECK(convoy_delivery_get(delivery, &view, NULL) == CONVOY_OK);
  CHECK(view.event_id.size == id.size && memcmp(view.event_id.data, id.data, id.size) == 0);
  CHECK(view.body.size == 8 && memcmp(view.body.data, "{\"n\": 1}", 8) == 0);
  CHECK(view.event_type.size == 13 && view.idempotency_key.size == 2);
  CHECK(view.attempt_number == 1 && view.reserved == 0);
  CHECK(view.deadline_us / 1000000 > (int64_t)time(NULL) + 30);
  CHECK(view.headers_count == 1);
  CHECK(convoy_delivery_header(delivery, 0, &header) == 1);
  CHECK(header.value.size == 2 && memcmp(header.value.data, "t1", 2) == 0);
  CHECK(convoy_delivery_header(delivery, 1, &header) == 0 && header.name.data == NULL);
  convoy_buf_free(&id);

  CHECK_NAMES(convoy_local_finish(delivery, 3, 0, NULL, 0, &error), "outcome");
  CHECK_NAMES(convoy_local_finish(NULL, 0, 0, NULL, 0, &error), "delivery");
  CHECK_NAMES(convoy_local_finish(delivery, 0, 0, NULL, 1, &error), "detail");
  CHECK(convoy_local_finish(delivery, CONVOY_LOCAL_RETRY, 0, "no stock", 8, NULL) == CONVOY_OK);
  CHECK(convoy_local_finish(delivery, CONVOY_LOCAL_DONE, 0, NULL, 0, NULL) == CONVOY_E_NOT_FOUND);
  convoy_delivery_free(delivery);
  convoy_delivery_free(NULL);

  other = TakeOne(gateway); /* a second later */
  CHECK(convoy_delivery_get(other, &view, NULL) == CONVOY_OK && view.attempt_number == 2);
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.method = Slice("GET");
  request.path = Slice("/healthz");
  CHECK(convoy_http_handle_async(gateway, &request, FinishInside, &other, NULL) == CONVOY_OK);
  CHECK(other == NULL);
  CHECK(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_OK);

  CHECK(IsReadable(gateway, 0));
  CheckOutcome(gateway, "handler_failed", 0); /* the endpoint fails */
  CheckOutcome(gateway, "handler_failed", 1);
  CheckOutcome(gateway, "delivered", 0); /* the endpoint has recovered */
  CheckOutcome(gateway, "delivered", 0);

  CHECK(CountThreads() == 1); /* this gateway was pumped */
  CHECK_NAMES(convoy_local_take(NULL, "orders", 6, 1, 0, &other, &count, &error), "gateway");
  CHECK_NAMES(convoy_local_take(gateway, NULL, 6, 1, 0, &other, &count, &error), "name");
  CHECK_NAMES(convoy_local_take(gateway, "orders", 6, 1, 0, NULL, &count, &error), "out");
  CHECK_NAMES(convoy_local_take(gateway, "orders", 6, 1, 0, &other, NULL, &error), "out_count");
  CHECK(convoy_local_take(gateway, "mails", 5, 1, 0, &other, &count, NULL) == CONVOY_E_INVALID);
  CHECK(convoy_gateway_close(gateway, 1000, NULL) == CONVOY_OK);
  CHECK(convoy_local_take(gateway, "orders", 6, 1, 0, &other, &count, NULL) == CONVOY_E_STATE);
  convoy_gateway_free(gateway);
}

/* The store is opened by a gateway that serves no local endpoint: they wait, new ones are refused.
 */
static void CheckUnserved(void) {
  convoy_gateway* gateway = Open(NewConfig(path));
  char text[8192], target[128], project[64];
  CHECK(Call(gateway, "GET", "/api/v1/projects", "", text, sizeof text) == 200);
  Pick(text, "\"uid\":\"", project, sizeof project);
  snprintf(target, sizeof target, "/api/v1/projects/%s/endpoints", project);
  CHECK(Call(gateway, "POST", target, "{\"name\":\"e\",\"url\":\"local:orders\"}", text,
             sizeof text) == 400);
  CHECK(strstr(text, "serves none") != NULL);
  convoy_gateway_free(gateway);
}

/* ---- Callbacks ---- */

#define REQUESTS 20

struct Caller {
  pthread_t thread;
  int count;
  int is_polling;
};

static void OnReply(void* user, convoy_reply* reply) {
  struct Caller* caller = user;
  CHECK(caller->is_polling);
  CHECK(pthread_equal(pthread_self(), caller->thread));
  CHECK(convoy_reply_status(reply) == 200 || convoy_reply_status(reply) == 201);
  convoy_reply_free(reply);
  ++caller->count;
}

static void OnReceipt(void* user, const char* event_id, int32_t is_duplicate, convoy_error* error) {
  struct Caller* caller = user;
  CHECK(caller->is_polling && event_id != NULL && !is_duplicate && error == NULL);
  ++caller->count;
}

/* 20 requests in flight while the same thread calls and waits: callbacks run only when polled. */
static void CheckPoll(void) {
  convoy_config* config = NewConfig(path);
  convoy_gateway* gateway;
  struct Caller caller;
  char text[8192];
  int i;
  double deadline;
  size_t count = 1;
  Set(config, "gateway.completions", "poll");
  Set(config, "local.names", "*");
  gateway = Open(config);
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_OK);
  memset(&caller, 0, sizeof caller);
  caller.thread = pthread_self();
  for (i = 0; i < REQUESTS; ++i) {
    char* body = malloc(64); /* the request is copied: it is gone when its answer is made */
    convoy_request request = Request("GET", "/readyz");
    strcpy(body, "/readyz");
    request.path = Slice(body);
    CHECK(convoy_http_handle_async(gateway, &request, OnReply, &caller, NULL) == CONVOY_OK);
    memset(body, 'x', 64);
    free(body);
    CHECK(Call(gateway, "POST", "/api/v1/projects", "{\"name\":\"q\",\"type\":\"outgoing\"}", text,
               sizeof text) < 500);
  }
  {
    convoy_event event;
    char project[64];
    CHECK(Call(gateway, "GET", "/api/v1/projects", "", text, sizeof text) == 200);
    Pick(text, "\"uid\":\"", project, sizeof project);
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    event.project_id = Slice(project);
    event.audience = CONVOY_TO_EVERYONE;
    event.event_type = Slice("t");
    event.data = Slice("{}");
    CHECK(convoy_ingest_async(gateway, &event, OnReceipt, &caller, NULL) == CONVOY_OK);
  }
  CHECK(caller.count == 0);
  CHECK(IsReadable(gateway, 10000));
  deadline = Seconds() + 30;
  while (caller.count < REQUESTS + 1 && Seconds() < deadline) {
    IsReadable(gateway, 1000);
    caller.is_polling = 1;
    CHECK(convoy_gateway_poll(gateway, 3, &count, NULL) == CONVOY_OK);
    CHECK(count <= 3);
    caller.is_polling = 0;
  }
  CHECK(caller.count == REQUESTS + 1);
  CHECK(!IsReadable(gateway, 0));
  CHECK(convoy_gateway_poll(gateway, 3, &count, NULL) == CONVOY_OK && count == 0);
  CHECK(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_E_STATE);

  /* Those that wait when the gateway is closed still run: polled, or when it is freed. */
  for (i = 0; i < 2; ++i) {
    convoy_request request = Request("GET", "/healthz");
    CHECK(convoy_http_handle_async(gateway, &request, OnReply, &caller, NULL) == CONVOY_OK);
  }
  CHECK(convoy_gateway_close(gateway, 5000, NULL) == CONVOY_OK);
  caller.is_polling = 1;
  CHECK(convoy_gateway_poll(gateway, 1, &count, NULL) == CONVOY_OK && count == 1);
  convoy_gateway_free(gateway);
  CHECK(caller.count == REQUESTS + 3);
}

static void OnReplySlowly(void* user, convoy_reply* reply) {
  convoy_reply_free(reply);
  sleep(4);
  *(volatile int*)user = 1;
}

/* A callback that does not return holds up closing no longer than its patience. */
static void CheckClosePatience(void) {
  convoy_gateway* gateway = Open(NewConfig(path));
  convoy_request request = Request("POST", "/api/v1/projects");
  convoy_buf key = {NULL, 0};
  convoy_header header;
  char authorization[256];
  volatile int has_returned = 0;
  double begun;
  CHECK(convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_OK);
  snprintf(authorization, sizeof authorization, "Bearer %s", key.data);
  convoy_buf_free(&key);
  header.name = Slice("Authorization");
  header.value = Slice(authorization);
  request.headers = &header;
  request.headers_count = 1;
  request.body = Slice("{\"name\":\"slow\",\"type\":\"outgoing\"}");
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_OK);
  CHECK(convoy_http_handle_async(gateway, &request, OnReplySlowly, (void*)&has_returned, NULL) ==
        CONVOY_OK);
  usleep(500 * 1000); /* it is committed, and the callback sleeps */
  begun = Seconds();
  CHECK(convoy_gateway_close(gateway, 500, NULL) == CONVOY_E_TIMEOUT);
  CHECK(Seconds() - begun < 2.5);
  CHECK(!has_returned);
  CHECK(convoy_gateway_close(gateway, 10000, NULL) == CONVOY_OK);
  CHECK(has_returned);
  convoy_gateway_free(gateway);
}

/* A path that may be served is judged as such by its head. */
static void CheckMetrics(void) {
  convoy_config* config = NewConfig("");
  convoy_gateway* gateway;
  convoy_request head = Request("GET", "/metrics");
  convoy_http* http = NULL;
  convoy_reply* reply = NULL;
  Set(config, "metrics.access", "anyone");
  gateway = Open(config);
  CHECK(convoy_http_begin(gateway, &head, &http, &reply, NULL) == CONVOY_OK);
  CHECK(http != NULL && reply == NULL);
  CHECK(convoy_http_finish(http, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 200);
  convoy_reply_free(reply);
  convoy_http_free(http);
  convoy_gateway_free(gateway);
  gateway = Open(NewConfig(""));
  CHECK(convoy_http_begin(gateway, &head, &http, &reply, NULL) == CONVOY_DECLINED);
  convoy_gateway_free(gateway);
}

int main(void) {
  snprintf(path, sizeof path, "/tmp/convoy-host-test-%d.db", (int)getpid());
  CheckCall();
  CheckLocal();
  CheckUnserved();
  CheckPoll();
  CheckClosePatience();
  CheckMetrics();
  {
    char name[300];
    const char* suffixes[] = {"", "-wal", "-shm", "-openers"};
    size_t i;
    for (i = 0; i < sizeof suffixes / sizeof *suffixes; ++i) {
      snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
      unlink(name);
    }
  }
  return 0;
}
