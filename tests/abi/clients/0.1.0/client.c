/* A program of version 0.1.0: it calls every function and sets every struct of that version's
 * header, and is linked with that version's symbols. It must run unchanged with every later library
 * of the same SONAME (clients_test.py), so it is not changed any more. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <convoy.h>

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

static convoy_slice Slice(const char* text) {
  convoy_slice slice;
  slice.data = text;
  slice.size = strlen(text);
  return slice;
}

static convoy_request Request(const char* method, const char* path) {
  convoy_request request;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.method = Slice(method);
  request.path = Slice(path);
  request.query = Slice("");
  request.remote_ip = Slice("192.0.2.1");
  return request;
}

/* ---- What asynchronous calls bring; a host of this version waits for it by a pipe ---- */

static int arrivals[2];
static int last_status;
static char last_event_id[64];

static void TakeReply(void* user, convoy_reply* reply) {
  last_status = convoy_reply_status(reply);
  convoy_reply_free(reply);
  CHECK(write(*(int*)user, "r", 1) == 1);
}

static void TakeReceipt(void* user, const char* event_id, int32_t is_duplicate,
                        convoy_error* error) {
  CHECK(error == NULL && is_duplicate == 0);
  CHECK(strlen(event_id) < sizeof last_event_id);
  strcpy(last_event_id, event_id);
  CHECK(write(*(int*)user, "e", 1) == 1);
}

static void WaitFor(char what) {
  struct pollfd descriptor = {-1, POLLIN, 0};
  char got = 0;
  descriptor.fd = arrivals[0];
  CHECK(poll(&descriptor, 1, 20000) == 1);
  CHECK(read(arrivals[0], &got, 1) == 1 && got == what);
}

/* ---- Settings and log ---- */

static int logged_count;
static int log_freed_count;

static void Log(void* user, uint32_t level, const char* event, const char* message) {
  CHECK(user == &logged_count && level >= CONVOY_LOG_DEBUG && level <= CONVOY_LOG_ERROR);
  CHECK(strlen(event) > 0 && strstr(message, event) == message);
}

static void FreeLog(void* user) {
  CHECK(user == &logged_count);
  ++log_freed_count;
}

static void Set(convoy_config* config, const char* key, const char* value) {
  CHECK(convoy_config_set(config, key, strlen(key), value, strlen(value), NULL) == CONVOY_OK);
}

static convoy_config* NewConfig(const char* path) {
  convoy_config* config = NULL;
  convoy_error* error = NULL;
  const char *key = NULL, *value = NULL, *help = NULL;
  int32_t has_path = 0;
  size_t i;
  CHECK(convoy_config_new(&config, &error) == CONVOY_OK && error == NULL);
  for (i = 0; convoy_config_describe(i, &key, &value, &help); ++i) {
    CHECK(value != NULL && strlen(help) > 0);
    has_path |= strcmp(key, "storage.path") == 0;
  }
  CHECK(has_path && i >= 10);
  CHECK(convoy_config_set(config, "no.such", 7, "1", 1, &error) == CONVOY_E_INVALID);
  CHECK(CONVOY_STATUS_CLASS(convoy_error_code(error)) == CONVOY_E_INVALID);
  CHECK(strstr(convoy_error_message(error), "no.such") != NULL);
  CHECK(convoy_error_is_retriable(error) == 0);
  convoy_error_free(error);
  Set(config, "storage.path", path);
  Set(config, "gateway.body_bytes_max", "1000");
  CHECK(convoy_config_set_log(config, CONVOY_LOG_INFO, Log, &logged_count, FreeLog, NULL) ==
        CONVOY_OK);
  return config;
}

/* ---- Requests ---- */

static char api_key[256];

static int32_t Send(const convoy_gateway* gateway, const char* method, const char* path,
                    const char* body, char* out, size_t out_size) {
  convoy_request request = Request(method, path);
  convoy_header authorization, header;
  convoy_reply* reply = NULL;
  convoy_slice answer;
  char value[300];
  int32_t status, is_json = 0;
  size_t i;
  snprintf(value, sizeof value, "Bearer %s", api_key);
  authorization.name = Slice("Authorization");
  authorization.value = Slice(value);
  request.headers = &authorization;
  request.headers_count = 1;
  request.body = Slice(body);
  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_OK);
  status = convoy_reply_status(reply);
  convoy_reply_body(reply, &answer);
  for (i = 0; i < convoy_reply_headers_count(reply); ++i) {
    CHECK(convoy_reply_header(reply, i, &header) == 1);
    is_json |= header.value.size >= 16 && memcmp(header.value.data, "application/json", 16) == 0;
  }
  CHECK(is_json && convoy_reply_header(reply, i, &header) == 0);
  CHECK(answer.size < out_size);
  memcpy(out, answer.data, answer.size);
  out[answer.size] = '\0';
  convoy_reply_free(reply);
  return status;
}

/* Copies the text between `before` and the next quote. */
static void Pick(const char* text, const char* before, char* out, size_t out_size) {
  const char* begin = text == NULL ? NULL : strstr(text, before);
  size_t size;
  CHECK(begin != NULL);
  begin += strlen(before);
  size = strcspn(begin, "\"");
  CHECK(size < out_size);
  memcpy(out, begin, size);
  out[size] = '\0';
}

/* An incoming project with a source that takes anything, whose link is `out_link`. */
static void MakeSource(const convoy_gateway* gateway, char* out_link, size_t link_size) {
  char answer[8192], project[64], path[128], mask[64];
  CHECK(Send(gateway, "POST", "/api/v1/projects", "{\"name\":\"in\",\"type\":\"incoming\"}", answer,
             sizeof answer) == 201);
  Pick(strstr(answer, "\"project\":"), "\"uid\":\"", project, sizeof project);
  snprintf(path, sizeof path, "/api/v1/projects/%s/sources", project);
  CHECK(Send(gateway, "POST", path,
             "{\"name\":\"s\",\"type\":\"http\",\"verifier\":{\"type\":\"noop\"}}", answer,
             sizeof answer) == 201);
  Pick(answer, "\"mask_id\":\"", mask, sizeof mask);
  snprintf(out_link, link_size, "/ingest/%s", mask);
}

static void CheckIntake(const convoy_gateway* gateway) {
  convoy_request request;
  convoy_http* http = NULL;
  convoy_reply* reply = NULL;
  char link[128];
  MakeSource(gateway, link, sizeof link);
  request = Request("POST", link);
  request.body = Slice("{\"a\":1}");
  CHECK(convoy_http_handle_async(gateway, &request, TakeReply, &arrivals[1], NULL) == CONVOY_OK);
  WaitFor('r');
  CHECK(last_status == 200);

  request.body = Slice("");
  CHECK(convoy_http_begin(gateway, &request, &http, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(http, "{\"a\":", 5, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_feed(http, "2}", 2, &reply, NULL) == CONVOY_OK && reply == NULL);
  CHECK(convoy_http_finish(http, &reply, NULL) == CONVOY_OK && convoy_reply_status(reply) == 200);
  convoy_reply_free(reply);
  convoy_http_free(http);

  CHECK(convoy_http_begin(gateway, &request, &http, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_http_feed(http, "{}", 2, &reply, NULL) == CONVOY_OK);
  CHECK(convoy_http_finish_async(http, TakeReply, &arrivals[1], NULL) == CONVOY_OK);
  convoy_http_free(http);
  WaitFor('r');
  CHECK(last_status == 200);

  request = Request("GET", "/not/ours");
  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_DECLINED && reply == NULL);
}

static void CheckEvents(const convoy_gateway* gateway) {
  char answer[16384], project[64], endpoint[64], path[256];
  convoy_event event;
  convoy_header header;
  convoy_buf id = {NULL, 0}, again = {NULL, 0};
  convoy_error* error = NULL;
  int32_t is_duplicate = -1;
  CHECK(Send(gateway, "POST", "/api/v1/projects", "{\"name\":\"out\",\"type\":\"outgoing\"}",
             answer, sizeof answer) == 201);
  Pick(strstr(answer, "\"project\":"), "\"uid\":\"", project, sizeof project);
  snprintf(path, sizeof path, "/api/v1/projects/%s/endpoints", project);
  CHECK(Send(gateway, "POST", path,
             "{\"name\":\"e\",\"url\":\"https://receiver.test/\",\"owner_id\":\"acme\"}", answer,
             sizeof answer) == 201);
  Pick(answer, "\"uid\":\"", endpoint, sizeof endpoint);

  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.project_id = Slice(project);
  event.audience = CONVOY_TO_ENDPOINT;
  event.recipient = Slice(endpoint);
  event.event_type = Slice("order.created");
  event.data = Slice("{\"n\":1.50}");
  event.idempotency_key = Slice("order-1");
  header.name = Slice("X-Tenant");
  header.value = Slice("acme");
  event.custom_headers = &header;
  event.custom_headers_count = 1;
  CHECK(convoy_ingest(gateway, &event, &id, &is_duplicate, NULL) == CONVOY_OK && !is_duplicate);
  CHECK(convoy_ingest(gateway, &event, &again, &is_duplicate, NULL) == CONVOY_OK && is_duplicate);
  snprintf(path, sizeof path, "/api/v1/projects/%s/events/%s", project, id.data);
  CHECK(Send(gateway, "GET", path, "", answer, sizeof answer) == 200);
  CHECK(strstr(answer, "{\"n\":1.50}") != NULL && strstr(answer, "X-Tenant") != NULL);
  convoy_buf_free(&id);
  convoy_buf_free(&again);
  CHECK(id.data == NULL && id.size == 0);

  event.audience = CONVOY_TO_OWNER;
  event.recipient = Slice("acme");
  event.idempotency_key = Slice("");
  CHECK(convoy_ingest_async(gateway, &event, TakeReceipt, &arrivals[1], NULL) == CONVOY_OK);
  WaitFor('e');
  CHECK(strlen(last_event_id) == 26);
  event.audience = CONVOY_TO_EVERYONE;
  CHECK(convoy_ingest(gateway, &event, &id, NULL, &error) == CONVOY_E_INVALID && id.data == NULL);
  convoy_error_free(error); /* the recipient is named, and everyone is meant */
}

static void CheckGateway(const char* path) {
  convoy_config* config = NewConfig(path);
  convoy_gateway* gateway = NULL;
  convoy_error* error = NULL;
  convoy_buf key = {NULL, 0};
  int64_t next_us = 0;
  int32_t fd = -1;
  CHECK(pipe(arrivals) == 0);
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_OK && key.size < sizeof api_key);
  strcpy(api_key, key.data);
  convoy_buf_free(&key);
  CHECK(convoy_gateway_bootstrap(gateway, &key, &error) == CONVOY_E_ALREADY_EXISTS);
  convoy_error_free(error);
  CHECK(convoy_gateway_wake_fd(gateway, &fd, NULL) == CONVOY_OK && fd >= 0);
  CHECK(convoy_gateway_step(gateway, &next_us, NULL) == CONVOY_OK && next_us > 0);
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_step(gateway, &next_us, NULL) == CONVOY_E_STATE);
  CheckIntake(gateway);
  CheckEvents(gateway);
  CHECK(convoy_gateway_close(gateway, 5000, NULL) == CONVOY_OK);
  convoy_gateway_free(gateway);
  CHECK(log_freed_count == 0);
  convoy_config_free(config);
  CHECK(log_freed_count == 1);
}

/* ---- Verification ---- */

static void CheckVerdicts(const convoy_verifier* verifier, convoy_request* request) {
  struct {
    convoy_verdict_view view;
    char behind[8];
  } guarded;
  convoy_verdict* verdict = NULL;
  convoy_slice event_id;
  CHECK(convoy_verifier_verify(verifier, request, 0, &verdict, NULL) == CONVOY_OK);
  CHECK(convoy_verdict_is_accepted(verdict) == 1);
  CHECK(strcmp(convoy_verdict_reason(verdict), "accepted") == 0);
  CHECK(strcmp(convoy_verdict_integrity(verdict), "full") == 0);
  CHECK(convoy_verdict_secret_index(verdict) == 1);
  convoy_verdict_event_id(verdict, &event_id);
  CHECK(event_id.size == 4 && memcmp(event_id.data, "id-1", 4) == 0);
  convoy_verdict_free(verdict);

  /* A later library knows a longer view: it must not write beyond this one. */
  memset(&guarded, 0x5A, sizeof guarded);
  guarded.view.struct_size = sizeof guarded.view;
  CHECK(convoy_verifier_check(verifier, request, 0, &guarded.view, NULL) == CONVOY_OK);
  CHECK(guarded.view.is_accepted == 1 && guarded.view.secret_index == 1);
  CHECK(strcmp(guarded.view.reason, "accepted") == 0 && guarded.view.scheme.size > 0);
  CHECK(strcmp(guarded.view.integrity, "full") == 0 && guarded.view.signed_at_us == INT64_MIN);
  CHECK(memcmp(guarded.behind, "\x5A\x5A\x5A\x5A\x5A\x5A\x5A\x5A", 8) == 0);
  request->body = Slice("Hello, World?");
  CHECK(convoy_verifier_check(verifier, request, 0, &guarded.view, NULL) == CONVOY_OK);
  CHECK(guarded.view.is_accepted == 0);
  CHECK(strcmp(guarded.view.reason, "signature_mismatch") == 0);
}

static void CheckVerifier(void) {
  convoy_slice secrets[2];
  convoy_header headers[2];
  convoy_verifier* verifier = NULL;
  convoy_error* error = NULL;
  convoy_request request = Request("POST", "/hook");
  secrets[0] = Slice("another");
  secrets[1] = Slice("It's a Secret to Everybody");
  headers[0].name = Slice("X-Hub-Signature-256");
  headers[0].value =
      Slice("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  headers[1].name = Slice("X-GitHub-Delivery");
  headers[1].value = Slice("id-1");
  request.headers = headers;
  request.headers_count = 2;
  request.body = Slice("Hello, World!");
  request.url = Slice("https://example.com/hook");
  CHECK(convoy_verifier_new("github", 6, secrets, 2, &verifier, NULL) == CONVOY_OK);
  CheckVerdicts(verifier, &request);
  convoy_verifier_free(verifier);
  CHECK(convoy_verifier_new("no_such", 7, secrets, 2, &verifier, &error) == CONVOY_E_NOT_FOUND);
  CHECK(verifier == NULL);
  convoy_error_free(error);
}

static void CheckHandshake(void) {
  convoy_slice secret = Slice("secret");
  convoy_header parameter;
  convoy_verifier_settings settings;
  convoy_verifier* verifier = NULL;
  convoy_request request = Request("GET", "/hook");
  convoy_reply* reply = NULL;
  convoy_slice answer;
  convoy_buf learned = {NULL, 0}, visit = {NULL, 0};
  memset(&settings, 0, sizeof settings);
  settings.struct_size = sizeof settings;
  settings.preset = Slice("x");
  settings.secrets = &secret;
  settings.secrets_count = 1;
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  request.query = Slice("crc_token=abc");
  CHECK(convoy_verifier_answer(verifier, &request, 0, &reply, &learned, &visit, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 200 && learned.data == NULL && visit.data == NULL);
  convoy_reply_body(reply, &answer);
  CHECK(answer.size > 30 && memcmp(answer.data, "{\"response_token\":\"sha256=", 26) == 0);
  convoy_reply_free(reply);
  request.query = Slice("");
  CHECK(convoy_verifier_answer(verifier, &request, 0, &reply, NULL, NULL, NULL) == CONVOY_DECLINED);
  convoy_verifier_free(verifier);

  settings.preset = Slice("");
  settings.definition = Slice(
      "{\"type\":\"hmac\",\"signature\":{\"in\":\"header\",\"name\":\"X-Sign\"},"
      "\"message\":\"{config:tenant}.{body}\"}");
  parameter.name = Slice("tenant");
  parameter.value = Slice("acme");
  settings.parameters = &parameter;
  settings.parameters_count = 1;
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  convoy_verifier_free(verifier);
  settings.definition = Slice("");
  settings.preset = Slice("github");
  settings.scheme = Slice("no_such");
  settings.parameters_count = 0;
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_E_NOT_FOUND);
}

int main(int argc, char** argv) {
  CHECK(argc == 2); /* the path of a database that does not exist yet */
  CHECK(convoy_version_number() >= 1000);
  CHECK(strchr(convoy_version_string(), '.') != NULL);
  CheckVerifier();
  CheckHandshake();
  CheckGateway(argv[1]);
  puts("passed");
  return 0;
}
