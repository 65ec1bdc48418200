/* A C program as a host would write it: the whole way from opening to closing, and what is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
  convoy_slice slice = {text, strlen(text)};
  return slice;
}

static convoy_config* NewConfig(const char* path) {
  convoy_config* config = NULL;
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);
  CHECK(convoy_config_set(config, "storage.path", 12, path, strlen(path), NULL) == CONVOY_OK);
  return config;
}

/* Sends a request and returns the reply's status; keeps the body for the caller. */
static int Send(const convoy_gateway* gateway, const char* method, const char* path,
                const char* body, const char* key, char* out, size_t out_size) {
  char authorization[256];
  convoy_header header;
  convoy_request request;
  convoy_reply* reply = NULL;
  convoy_slice answer;
  int status;
  snprintf(authorization, sizeof authorization, "Bearer %s", key);
  header.name = Slice("Authorization");
  header.value = Slice(authorization);
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.method = Slice(method);
  request.path = Slice(path);
  request.body = Slice(body);
  request.headers = &header;
  request.headers_count = 1;
  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_OK);
  status = convoy_reply_status(reply);
  convoy_reply_body(reply, &answer);
  CHECK(convoy_reply_headers_count(reply) > 0);
  if (out != NULL) {
    CHECK(answer.size < out_size);
    memcpy(out, answer.data, answer.size);
    out[answer.size] = '\0';
  }
  convoy_reply_free(reply);
  return status;
}

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
  convoy_request request;
  CHECK(convoy_verifier_new("github", 6, &secret, 1, &verifier, NULL) == CONVOY_OK);
  header.name = Slice("X-Hub-Signature-256");
  header.value = Slice(signature);
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
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
  convoy_request request;
  convoy_reply* reply = NULL;
  uint64_t body_bytes_max = 0;
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

  memset(&request, 0, sizeof request);
  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_E_INVALID);
  request.struct_size = sizeof request;
  request.method = Slice("GET");
  request.path = Slice("/elsewhere");
  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_DECLINED);
  request.path = Slice("/ingest/unknown");
  CHECK(convoy_http_inspect(gateway, &request, &reply, &body_bytes_max, NULL) == CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 404);
  convoy_reply_free(reply);

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
  unlink(path);
  puts("the whole way through the C interface: as it should be");
  return 0;
}
