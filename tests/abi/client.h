/* Shared parts of the C programs of this folder: checks, and calls that must succeed. */
#ifndef CONVOY_TESTS_ABI_CLIENT_H_
#define CONVOY_TESTS_ABI_CLIENT_H_

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <convoy.h>

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

static inline convoy_slice Slice(const char* text) {
  convoy_slice slice = {text, strlen(text)};
  return slice;
}

/* The call failed because of an argument, and its message begins with the argument's name. */
static inline void CheckNames(convoy_status status, convoy_error** given, const char* name,
                              int line) {
  convoy_error* error = *given;
  if (status == CONVOY_E_INVALID && convoy_error_code(error) == status &&
      strncmp(convoy_error_message(error), name, strlen(name)) == 0) {
    convoy_error_free(error);
    return;
  }
  fprintf(stderr, "%s:%d: status %d, '%s' instead of '%s'\n", __FILE__, line, (int)status,
          convoy_error_message(error), name);
  exit(1);
}
#define CHECK_NAMES(call, name) CheckNames((call), &error, (name), __LINE__)

static inline convoy_request Request(const char* method, const char* path) {
  convoy_request request;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.method = Slice(method);
  request.path = Slice(path);
  return request;
}

static inline convoy_config* NewConfig(const char* path) {
  convoy_config* config = NULL;
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);
  CHECK(convoy_config_set(config, "storage.path", 12, path, strlen(path), NULL) == CONVOY_OK);
  return config;
}

/* Sends a request and returns the reply's status; keeps the body for the caller. */
static inline int Send(const convoy_gateway* gateway, const char* method, const char* path,
                       const char* body, const char* key, char* out, size_t out_size) {
  char authorization[256];
  convoy_header header;
  convoy_request request = Request(method, path);
  convoy_reply* reply = NULL;
  convoy_slice answer;
  int status;
  snprintf(authorization, sizeof authorization, "Bearer %s", key);
  header.name = Slice("Authorization");
  header.value = Slice(authorization);
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

/* Copies the text between `before` and the next quote. */
static inline void Pick(const char* text, const char* before, char* out, size_t out_size) {
  const char* begin = strstr(text, before);
  size_t size;
  CHECK(begin != NULL);
  begin += strlen(before);
  size = strcspn(begin, "\"");
  CHECK(size < out_size);
  memcpy(out, begin, size);
  out[size] = '\0';
}

#endif
