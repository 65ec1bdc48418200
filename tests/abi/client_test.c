/* A C program as a host would write it: the whole way from opening to closing, and what is refused.
 */
#include "client.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static void CheckSettings(void) {
  convoy_config* config = NewConfig("");
  convoy_error* error = NULL;
  const char *key = NULL, *text = NULL, *help = NULL;
  size_t index;
  CHECK(convoy_config_set(config, "no.such", 7, "x", 1, &error) == CONVOY_E_INVALID);
  CHECK(strstr(convoy_error_message(error), "no.such") != NULL);
  CHECK(convoy_error_code(error) == CONVOY_E_INVALID);
  CHECK(!convoy_error_is_retriable(error));
  convoy_error_free(error);
  CHECK(convoy_config_set(config, "deliver.in_flight_max", 21, "-1", 2, &error) ==
        CONVOY_E_INVALID);
  convoy_error_free(error);
  CHECK(convoy_config_set(config, "deliver.http2", 13, "yes", 3, &error) == CONVOY_E_INVALID);
  CHECK(strstr(convoy_error_message(error), "deliver.http2") != NULL);
  convoy_error_free(error);
  /* Every setting accepts its own default. */
  for (index = 0; convoy_config_describe(index, &key, &text, &help); ++index) {
    CHECK(strlen(help) > 0);
    CHECK(convoy_config_set(config, key, strlen(key), text, strlen(text), NULL) == CONVOY_OK);
  }
  CHECK(index >= 10);
  CHECK(key == NULL);
  convoy_config_free(config);
  convoy_config_free(NULL);
}

static void CheckVerifier(void) {
  const char* signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  convoy_slice secret = Slice("It's a Secret to Everybody");
  convoy_verifier* verifier = NULL;
  convoy_verdict* verdict = NULL;
  convoy_error* error = NULL;
  convoy_header header;
  convoy_request request = Request("POST", "/");
  CHECK(convoy_verifier_new("github", 6, &secret, 1, &verifier, NULL) == CONVOY_OK);
  header.name = Slice("X-Hub-Signature-256");
  header.value = Slice(signature);
  request.headers = &header;
  request.headers_count = 1;
  request.body = Slice("Hello, World!");
  CHECK(convoy_verifier_verify(verifier, &request, 0, &verdict, NULL) == CONVOY_OK);
  CHECK(convoy_verdict_is_accepted(verdict));
  CHECK(strcmp(convoy_verdict_reason(verdict), "accepted") == 0);
  CHECK(strcmp(convoy_verdict_integrity(verdict), "full") == 0);
  CHECK(convoy_verdict_secret_index(verdict) == 0);
  convoy_verdict_free(verdict);
  request.body = Slice("Hello, World?");
  CHECK(convoy_verifier_verify(verifier, &request, 0, &verdict, NULL) == CONVOY_OK);
  CHECK(!convoy_verdict_is_accepted(verdict));
  CHECK(strcmp(convoy_verdict_reason(verdict), "signature_mismatch") == 0);
  convoy_verdict_free(verdict);
  convoy_verifier_free(verifier);
  CHECK(convoy_verifier_new("nobody", 6, &secret, 1, &verifier, &error) == CONVOY_E_NOT_FOUND);
  CHECK(verifier == NULL);
  convoy_error_free(error);
  CHECK(convoy_verifier_new("{\"type\":1}", 10, &secret, 1, &verifier, NULL) == CONVOY_E_INVALID);
}

static void CheckGateway(const char* path) {
  convoy_config* config = NewConfig(path);
  convoy_gateway *gateway = NULL, *second = NULL;
  convoy_error* error = NULL;
  convoy_buf key = {NULL, 0};
  convoy_request request = Request("GET", "/elsewhere");
  convoy_reply* reply = NULL;
  int64_t next_us = 0;
  int32_t fd = -1;
  char answer[8192];
  int exit_status = 0;
  pid_t child;
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  CHECK(convoy_gateway_open(NULL, &second, NULL) == CONVOY_OK); /* two in one process */
  CHECK(convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_OK);
  CHECK(strlen(key.data) == key.size && strncmp(key.data, "CO.", 3) == 0);
  CHECK(Send(gateway, "POST", "/api/v1/projects", "{\"name\":\"p\",\"type\":\"outgoing\"}",
             key.data, answer, sizeof answer) == 201);
  CHECK(strstr(answer, "Project created successfully") != NULL);
  CHECK(Send(second, "GET", "/api/v1/projects", "", key.data, NULL, 0) == 401);
  convoy_buf_free(&key);
  CHECK(key.data == NULL);
  CHECK(convoy_gateway_bootstrap(gateway, &key, &error) == CONVOY_E_ALREADY_EXISTS);
  CHECK(key.data == NULL);
  convoy_error_free(error);

  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_DECLINED);

  CHECK(convoy_gateway_wake_fd(gateway, &fd, NULL) == CONVOY_OK && fd >= 0);
  CHECK(convoy_gateway_step(gateway, &next_us, NULL) == CONVOY_OK && next_us > 0);
  child = fork();
  if (child == 0) _exit(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_E_FORKED ? 0 : 1);
  CHECK(waitpid(child, &exit_status, 0) == child && exit_status == 0);
  CHECK(convoy_gateway_start(second, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_step(second, NULL, NULL) == CONVOY_E_STATE);
  CHECK(convoy_gateway_close(gateway, 1000, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_close(gateway, 1000, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_E_STATE);
  convoy_gateway_free(gateway);
  convoy_gateway_free(second);
  convoy_gateway_free(NULL);
}

/* Refusal of NULL arguments and of structs of other versions. */
static void CheckArguments(void) {
  struct {
    convoy_request request;
    char unknown[16];
  } newer;
  convoy_gateway* gateway = NULL;
  convoy_config* config = NewConfig("");
  convoy_request request = Request("GET", "/healthz");
  convoy_header header = {{NULL, 1}, {NULL, 0}};
  convoy_slice secret = {NULL, 3};
  convoy_verifier* verifier = NULL;
  convoy_error* error = NULL;
  convoy_reply* reply = NULL;
  convoy_http* http = NULL;
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  CHECK_NAMES(convoy_config_new(NULL, &error), "out");
  CHECK_NAMES(convoy_config_set(NULL, "a", 1, "b", 1, &error), "config");
  CHECK_NAMES(convoy_config_set(config, NULL, 1, "b", 1, &error), "key");
  CHECK_NAMES(convoy_config_set(config, "storage.path", 12, NULL, 1, &error), "value");
  CHECK_NAMES(convoy_gateway_open(config, NULL, &error), "out");
  CHECK_NAMES(convoy_gateway_bootstrap(gateway, NULL, &error), "out_key");
  CHECK_NAMES(convoy_gateway_step(NULL, NULL, &error), "gateway");
  CHECK_NAMES(convoy_gateway_wake_fd(gateway, NULL, &error), "out_fd");
  CHECK_NAMES(convoy_http_handle(gateway, &request, NULL, &error), "out_reply");
  CHECK_NAMES(convoy_http_handle(NULL, &request, &reply, &error), "gateway");
  CHECK_NAMES(convoy_http_handle(gateway, NULL, &reply, &error), "request");
  CHECK_NAMES(convoy_http_handle_async(gateway, &request, NULL, NULL, &error), "done");
  CHECK_NAMES(convoy_http_begin(gateway, &request, NULL, &reply, &error), "out_http");
  CHECK_NAMES(convoy_http_begin(gateway, &request, &http, NULL, &error), "out_reply");
  CHECK_NAMES(convoy_http_feed(NULL, "x", 1, &reply, &error), "http");
  CHECK_NAMES(convoy_http_finish(NULL, &reply, &error), "http");
  CHECK_NAMES(convoy_verifier_new("github", 6, &secret, 1, &verifier, &error), "secrets[0]");
  CHECK_NAMES(convoy_verifier_new("github", 6, NULL, 1, &verifier, &error), "secrets");
  CHECK_NAMES(convoy_verifier_new(NULL, 6, NULL, 0, &verifier, &error), "text");
  request.headers_count = 1;
  CHECK_NAMES(convoy_http_handle(gateway, &request, &reply, &error), "request.headers");
  request.headers = &header;
  CHECK_NAMES(convoy_http_handle(gateway, &request, &reply, &error), "request.headers[0]");
  request.headers_count = 0;
  request.body.size = 1;
  CHECK_NAMES(convoy_http_handle(gateway, &request, &reply, &error), "request.body");

  /* A program with an older header has no more than this; what comes behind is not looked at. */
  request.struct_size = offsetof(convoy_request, headers);
  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 200);
  convoy_reply_free(reply);
  request.struct_size = 0;
  CHECK_NAMES(convoy_http_handle(gateway, &request, &reply, &error), "request.struct_size");
  memset(&request, 0xA5, sizeof request);
  CHECK_NAMES(convoy_http_handle(gateway, &request, &reply, &error), "request.struct_size");

  memset(&newer, 0, sizeof newer);
  newer.request = Request("GET", "/healthz");
  newer.request.struct_size = sizeof newer;
  CHECK(convoy_http_handle(gateway, &newer.request, &reply, NULL) == CONVOY_OK);
  convoy_reply_free(reply);
  newer.unknown[15] = 1;
  reply = NULL;
  CHECK(convoy_http_handle(gateway, &newer.request, &reply, NULL) == CONVOY_E_UNSUPPORTED);
  CHECK(reply == NULL);
  convoy_config_free(config);
  convoy_gateway_free(gateway);
}

/* A project with a source that takes anything, whose link is `out_link`. */
static void MakeSource(convoy_gateway* gateway, char* out_link, size_t link_size) {
  convoy_buf key = {NULL, 0};
  char answer[8192], id[64], path[128], mask[64];
  CHECK(convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_OK);
  CHECK(Send(gateway, "POST", "/api/v1/projects", "{\"name\":\"p\",\"type\":\"incoming\"}",
             key.data, answer, sizeof answer) == 201);
  Pick(strstr(answer, "\"project\":"), "\"uid\":\"", id, sizeof id);
  snprintf(path, sizeof path, "/api/v1/projects/%s/sources", id);
  CHECK(Send(gateway, "POST", path,
             "{\"name\":\"s\",\"type\":\"http\",\"verifier\":{\"type\":\"noop\"}}", key.data,
             answer, sizeof answer) == 201);
  Pick(answer, "\"mask_id\":\"", mask, sizeof mask);
  CHECK((size_t)snprintf(out_link, link_size, "/ingest/%s", mask) < link_size);
  convoy_buf_free(&key);
}

static convoy_gateway* OpenSmall(void) {
  convoy_config* config = NewConfig("");
  convoy_gateway* gateway = NULL;
  CHECK(convoy_config_set(config, "gateway.body_bytes_max", 22, "1000", 4, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  return gateway;
}

static convoy_http* Begin(const convoy_gateway* gateway, const char* path) {
  convoy_request head = Request("POST", path);
  convoy_http* http = NULL;
  convoy_reply* reply = NULL;
  CHECK(convoy_http_begin(gateway, &head, &http, &reply, NULL) == CONVOY_OK);
  CHECK(http != NULL && reply == NULL);
  return http;
}

/* Responses that are given before the body is read. */
static void CheckHeads(void) {
  const char* paths[] = {
      "/",       "/ingest/unknown",  "/ingest",  "/ingestion", "/api/v1/projects", "/api/v1/",
      "/api/v1", "/api/v2/projects", "/healthz", "/healthz/",  "/readyz",          "/elsewhere",
      ""};
  convoy_gateway* gateway = OpenSmall();
  convoy_http* http = NULL;
  convoy_reply* reply = NULL;
  convoy_request head;
  convoy_header length;
  char link[128];
  size_t i;
  for (i = 0; i < sizeof paths / sizeof paths[0]; ++i) {
    convoy_status begun, handled;
    head = Request("GET", paths[i]);
    begun = convoy_http_begin(gateway, &head, &http, &reply, NULL);
    CHECK((http != NULL) + (reply != NULL) == (begun == CONVOY_OK));
    convoy_http_free(http);
    convoy_reply_free(reply);
    handled = convoy_http_handle(gateway, &head, &reply, NULL);
    convoy_reply_free(reply);
    CHECK(begun == handled && (begun == CONVOY_OK || begun == CONVOY_DECLINED));
  }
  head = Request("POST", "/ingest/unknown");
  CHECK(convoy_http_begin(gateway, &head, &http, &reply, NULL) == CONVOY_OK);
  CHECK(http == NULL && convoy_reply_status(reply) == 404);
  convoy_reply_free(reply);
  MakeSource(gateway, link, sizeof link);
  length.name = Slice("Content-Length");
  length.value = Slice("1001");
  head = Request("POST", link);
  head.headers = &length;
  head.headers_count = 1;
  CHECK(convoy_http_begin(gateway, &head, &http, &reply, NULL) == CONVOY_OK);
  CHECK(http == NULL && convoy_reply_status(reply) == 413);
  convoy_reply_free(reply);
  convoy_gateway_free(gateway);
}

static void KeepStatus(void* user, convoy_reply* reply) {
  *(int*)user = convoy_reply_status(reply);
  convoy_reply_free(reply);
}

/* Requests whose bodies are coming, or copied, share a bound; those that go make room. */
static void CheckBuffered(void) {
  convoy_config* config = NewConfig("");
  convoy_gateway* gateway = NULL;
  convoy_http *first, *second;
  convoy_reply* reply = NULL;
  convoy_request whole;
  int status = 0;
  char link[128];
  char bytes[6000];
  memset(bytes, 'x', sizeof bytes);
  CHECK(convoy_config_set(config, "gateway.buffered_bytes_max", 26, "10000", 5, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  MakeSource(gateway, link, sizeof link);
  first = Begin(gateway, link);
  second = Begin(gateway, link);
  CHECK(convoy_http_feed(first, bytes, sizeof bytes, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(second, bytes, sizeof bytes, &reply, NULL) == CONVOY_OK);
  CHECK(reply != NULL && convoy_reply_status(reply) == 503);
  convoy_reply_free(reply);
  CHECK(convoy_http_feed(second, bytes, 1, &reply, NULL) == CONVOY_E_STATE);
  convoy_http_free(second);
  whole = Request("POST", link);
  whole.body.data = bytes;
  whole.body.size = sizeof bytes;
  CHECK(convoy_http_handle_async(gateway, &whole, KeepStatus, &status, NULL) == CONVOY_OK);
  CHECK(status == 503);
  whole.path = Slice("/elsewhere");
  CHECK(convoy_http_handle_async(gateway, &whole, KeepStatus, &status, NULL) == CONVOY_DECLINED);
  convoy_http_free(first);
  second = Begin(gateway, link);
  CHECK(convoy_http_feed(second, bytes, sizeof bytes, &reply, NULL) == CONVOY_OK && reply == NULL);
  convoy_gateway_free(gateway);
  convoy_http_free(second);
}

/* The body in pieces, up to the limit and beyond it. */
static void CheckBodies(void) {
  convoy_gateway* gateway = OpenSmall();
  convoy_http* http = NULL;
  convoy_reply* reply = NULL;
  convoy_error* error = NULL;
  convoy_slice answer;
  char link[128], piece[500];
  memset(piece, 'x', sizeof piece);
  MakeSource(gateway, link, sizeof link);

  http = Begin(gateway, link);
  CHECK_NAMES(convoy_http_feed(http, NULL, 1, &reply, &error), "data");
  CHECK(convoy_http_feed(http, piece, 500, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(http, NULL, 0, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(http, piece, 500, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_finish(http, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 200);
  convoy_reply_body(reply, &answer);
  CHECK(strstr(answer.data, "\"data\":1000") != NULL); /* all of it arrived */
  convoy_reply_free(reply);
  CHECK(convoy_http_finish(http, &reply, NULL) == CONVOY_E_STATE && reply == NULL);
  convoy_http_free(http);

  http = Begin(gateway, link);
  CHECK(convoy_http_feed(http, piece, 500, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(http, piece, 500, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(http, piece, 1, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 413);
  convoy_reply_free(reply);
  CHECK(convoy_http_feed(http, piece, 1, &reply, NULL) == CONVOY_E_STATE && reply == NULL);
  CHECK(convoy_http_finish(http, &reply, NULL) == CONVOY_E_STATE);
  convoy_http_free(http);

  http = Begin(gateway, link); /* a size that would overflow */
  CHECK(convoy_http_feed(http, piece, 500, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(http, piece, SIZE_MAX, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 413);
  convoy_reply_free(reply);
  convoy_http_free(http);

  http = Begin(gateway, link); /* outlives its gateway */
  convoy_gateway_free(gateway);
  CHECK(convoy_http_feed(http, piece, 500, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_finish(http, &reply, NULL) == CONVOY_E_STATE);
  convoy_http_free(http);
  convoy_http_free(NULL);
}

/* Input of a callback, and its observations. */
typedef struct Visit {
  convoy_gateway* gateway;
  convoy_gateway* other;
  convoy_http* begun;
  int calls_count;
  int frees_count;
  int status;
  char event[64];
  char message[256];
} Visit;

static void OnReply(void* user, convoy_reply* reply);

static void OnReceipt(void* user, const char* event_id, int32_t is_duplicate, convoy_error* error) {
  (void)user, (void)event_id, (void)is_duplicate;
  convoy_error_free(error);
  CHECK(0);
}

static void CheckReentrancy(Visit* visit) {
  convoy_gateway* gateway = visit->gateway;
  convoy_request request = Request("GET", "/healthz");
  convoy_reply* reply = NULL;
  convoy_http* http = NULL;
  convoy_buf key = {NULL, 0};
  convoy_error* error = NULL;
  int32_t fd = -1;
  CHECK(convoy_http_handle(gateway, &request, &reply, &error) == CONVOY_E_REENTRANT);
  CHECK(reply == NULL && convoy_error_code(error) == CONVOY_E_REENTRANT);
  convoy_error_free(error);
  CHECK(convoy_http_handle_async(gateway, &request, OnReply, NULL, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_http_begin(gateway, &request, &http, &reply, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_http_finish(visit->begun, &reply, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_http_finish_async(visit->begun, OnReply, NULL, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_ingest(gateway, NULL, &key, NULL, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_ingest_async(gateway, NULL, OnReceipt, NULL, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_gateway_close(gateway, 0, NULL) == CONVOY_E_REENTRANT);
  CHECK(convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_E_REENTRANT);
  convoy_gateway_free(gateway); /* does nothing */
  /* Allowed: what is marked, and other gateways. */
  CHECK(convoy_gateway_wake_fd(gateway, &fd, NULL) == CONVOY_OK && fd >= 0);
  CHECK(convoy_http_feed(visit->begun, "x", 1, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_handle(visit->other, &request, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 200);
  convoy_reply_free(reply);
}

static void OnReply(void* user, convoy_reply* reply) {
  Visit* visit = user;
  ++visit->calls_count;
  visit->status = convoy_reply_status(reply);
  convoy_reply_free(reply);
  CheckReentrancy(visit);
}

/* Steps until `count` callbacks have run. */
static void StepUntil(convoy_gateway* gateway, const Visit* visit, int count) {
  struct pollfd wake;
  int32_t fd = -1;
  int rounds;
  CHECK(convoy_gateway_wake_fd(gateway, &fd, NULL) == CONVOY_OK);
  wake.fd = fd;
  wake.events = POLLIN;
  for (rounds = 0; visit->calls_count < count && rounds < 1000; ++rounds) {
    CHECK(convoy_gateway_step(gateway, NULL, NULL) == CONVOY_OK);
    if (visit->calls_count < count) poll(&wake, 1, 20);
  }
  CHECK(visit->calls_count == count);
}

static void CheckCallbacks(void) {
  Visit visit;
  convoy_request request;
  convoy_http* http = NULL;
  convoy_reply* reply = NULL;
  char link[128];
  int exit_status = 0;
  pid_t child;
  memset(&visit, 0, sizeof visit);
  visit.gateway = OpenSmall();
  visit.other = OpenSmall();
  MakeSource(visit.gateway, link, sizeof link);
  visit.begun = Begin(visit.gateway, link);

  request = Request("POST", link);
  request.body = Slice("{}");
  CHECK(convoy_http_handle_async(visit.gateway, &request, OnReply, &visit, NULL) == CONVOY_OK);
  CHECK(visit.calls_count == 0); /* nothing is durable yet */
  StepUntil(visit.gateway, &visit, 1);
  CHECK(visit.status == 200);

  http = Begin(visit.gateway, link);
  CHECK(convoy_http_finish_async(http, OnReply, &visit, NULL) == CONVOY_OK);
  convoy_http_free(http);
  CHECK(visit.calls_count == 1);
  StepUntil(visit.gateway, &visit, 2);
  CHECK(visit.status == 200);

  /* An answer that needs no commit comes before the return. */
  request = Request("GET", "/ingest/unknown");
  CHECK(convoy_http_handle_async(visit.gateway, &request, OnReply, &visit, NULL) == CONVOY_OK);
  CHECK(visit.calls_count == 3 && visit.status == 404);
  request = Request("GET", "/elsewhere");
  CHECK(convoy_http_handle_async(visit.gateway, &request, OnReply, &visit, NULL) ==
        CONVOY_DECLINED);
  CHECK(visit.calls_count == 3);

  child = fork();
  if (child == 0) {
    const int is_refused =
        convoy_http_begin(visit.gateway, &request, &http, &reply, NULL) == CONVOY_E_FORKED &&
        convoy_http_finish_async(visit.begun, OnReply, &visit, NULL) == CONVOY_E_FORKED &&
        convoy_http_finish(visit.begun, &reply, NULL) == CONVOY_E_FORKED;
    convoy_http_free(visit.begun);
    convoy_gateway_free(visit.gateway);
    _exit(is_refused ? 0 : 1);
  }
  CHECK(waitpid(child, &exit_status, 0) == child && exit_status == 0);
  CHECK(convoy_http_finish(visit.begun, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 200);
  convoy_reply_free(reply);
  convoy_http_free(visit.begun);
  convoy_gateway_free(visit.gateway);
  convoy_gateway_free(visit.other);
}

static void OnLog(void* user, uint32_t level, const char* event, const char* message) {
  Visit* visit = user;
  ++visit->calls_count;
  visit->status = (int)level;
  snprintf(visit->event, sizeof visit->event, "%s", event);
  snprintf(visit->message, sizeof visit->message, "%s", message);
  CheckReentrancy(visit);
}

static void OnLogFree(void* user) { ++((Visit*)user)->frees_count; }

/* Sends an event to an endpoint without a listener, which gets it disabled and logged. */
static void DisableEndpoint(convoy_gateway* gateway, char* out_endpoint, size_t size) {
  convoy_buf key = {NULL, 0};
  char answer[8192], id[64], path[128], event[256];
  CHECK(convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_OK);
  CHECK(Send(gateway, "POST", "/api/v1/projects",
             "{\"name\":\"p\",\"type\":\"outgoing\",\"config\":{\"disable_endpoint\":true,"
             "\"strategy\":{\"type\":\"linear\",\"duration\":1,\"retry_count\":1}}}",
             key.data, answer, sizeof answer) == 201);
  Pick(strstr(answer, "\"project\":"), "\"uid\":\"", id, sizeof id);
  snprintf(path, sizeof path, "/api/v1/projects/%s/endpoints", id);
  CHECK(Send(gateway, "POST", path, "{\"name\":\"e\",\"url\":\"http://127.0.0.1:1/\"}", key.data,
             answer, sizeof answer) == 201);
  Pick(answer, "\"uid\":\"", out_endpoint, size);
  snprintf(path, sizeof path, "/api/v1/projects/%s/events", id);
  snprintf(event, sizeof event, "{\"endpoint_id\":\"%s\",\"event_type\":\"t\",\"data\":{\"a\":1}}",
           out_endpoint);
  CHECK(Send(gateway, "POST", path, event, key.data, answer, sizeof answer) == 201);
  convoy_buf_free(&key);
}

static void CheckLog(void) {
  Visit visit, unused;
  convoy_config* config = NewConfig("");
  convoy_error* error = NULL;
  char endpoint[64], expected[128];
  memset(&visit, 0, sizeof visit);
  memset(&unused, 0, sizeof unused);
  /* Freed once, whatever comes of it. */
  CHECK_NAMES(convoy_config_set_log(NULL, 0, OnLog, &unused, OnLogFree, &error), "config");
  CHECK(unused.frees_count == 1);
  CHECK_NAMES(convoy_config_set_log(config, 4, OnLog, &unused, OnLogFree, &error), "level_least");
  CHECK(unused.frees_count == 2);
  CHECK(convoy_config_set_log(config, CONVOY_LOG_DEBUG, OnLog, &unused, OnLogFree, NULL) ==
        CONVOY_OK);
  CHECK(unused.frees_count == 2);
  CHECK(convoy_config_set_log(config, CONVOY_LOG_WARNING, OnLog, &visit, OnLogFree, NULL) ==
        CONVOY_OK);
  CHECK(unused.frees_count == 3); /* replaced */
  CHECK(convoy_config_set(config, "deliver.allowed_networks", 24, "127.0.0.0/8", 11, NULL) ==
        CONVOY_OK);
  CHECK(convoy_gateway_open(config, &visit.gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  CHECK(visit.frees_count == 0); /* the gateway has it */

  visit.other = OpenSmall();
  visit.begun = Begin(visit.gateway, "/healthz");
  DisableEndpoint(visit.gateway, endpoint, sizeof endpoint);
  StepUntil(visit.gateway, &visit, 1);
  snprintf(expected, sizeof expected, "endpoint disabled endpoint_id=\"%s\"", endpoint);
  CHECK(visit.status == CONVOY_LOG_WARNING);
  CHECK(strcmp(visit.event, "endpoint disabled") == 0);
  CHECK(strcmp(visit.message, expected) == 0);
  convoy_http_free(visit.begun);
  convoy_gateway_free(visit.other);
  convoy_gateway_free(visit.gateway);
  CHECK(visit.frees_count == 1 && visit.calls_count == 1);
  CHECK(unused.calls_count == 0);
}

int main(int argc, char** argv) {
  char path[256];
  (void)argc;
  (void)argv;
  snprintf(path, sizeof path, "/tmp/convoy_abi_client_%d.db", (int)getpid());
  CHECK(convoy_version_number() >= 1000);
  CHECK(strchr(convoy_version_string(), '.') != NULL);
  CheckSettings();
  CheckVerifier();
  CheckGateway(path);
  CheckArguments();
  CheckHeads();
  CheckBuffered();
  CheckBodies();
  CheckCallbacks();
  CheckLog();
  unlink(path);
  puts("the whole way through the C interface: as it should be");
  return 0;
}
