/* Scenario through the C interface: scenario SCENARIO FOLDER (scenario.py says more)
 * Asynchronous calls are finished on this thread, by convoy_gateway_poll. */
#define _DEFAULT_SOURCE /* clock_gettime, strdup */

#include "scenario.h"

#include <dirent.h>
#include <poll.h>
#include <time.h>

#define HEADERS_MAX 8
#define SECRETS_MAX 4
#define FAILED_S 30

static convoy_gateway* gateway;
static cJSON* scenario;

/* ---- Verification ---- */

typedef struct Borrowed {
  convoy_request request;
  convoy_header headers[HEADERS_MAX];
} Borrowed;

static void Borrow(const cJSON* step, Borrowed* out) {
  const cJSON* fields = At(step, "request");
  const cJSON* header;
  out->request = Request(Text(fields, "method"), Text(fields, "path"));
  out->request.query = Slice(Text(fields, "query"));
  out->request.body = Slice(Text(fields, "body"));
  out->request.headers = out->headers;
  cJSON_ArrayForEach(header, At(fields, "headers")) {
    CHECK(out->request.headers_count < HEADERS_MAX);
    out->headers[out->request.headers_count].name = Slice(header->string);
    out->headers[out->request.headers_count++].value = Slice(cJSON_GetStringValue(header));
  }
}

static convoy_verifier* NewVerifier(const cJSON* step) {
  convoy_slice secrets[SECRETS_MAX];
  convoy_verifier* verifier = NULL;
  const cJSON* secret;
  size_t count = 0;
  const char* preset = Text(step, "preset");
  cJSON_ArrayForEach(secret, At(step, "secrets")) {
    CHECK(count < SECRETS_MAX);
    secrets[count++] = Slice(cJSON_GetStringValue(secret));
  }
  CHECK(convoy_verifier_new(preset, strlen(preset), secrets, count, &verifier, NULL) == CONVOY_OK);
  return verifier;
}

static int64_t NowUs(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void Verify(const cJSON* step) {
  convoy_verifier* verifier = NewVerifier(step);
  const cJSON* expected = At(step, "expect");
  convoy_verdict_view view;
  char event_id[64];
  size_t used = 0;
  Borrowed borrowed;
  Borrow(step, &borrowed);
  memset(&view, 0, sizeof view);
  view.struct_size = sizeof view;
  CHECK(convoy_verifier_check(verifier, &borrowed.request, NowUs(CLOCK_REALTIME), &view, NULL) ==
        CONVOY_OK);
  if (view.is_accepted) {
    CHECK(convoy_verifier_event_id(verifier, &borrowed.request, event_id, sizeof event_id, &used,
                                   NULL) == CONVOY_OK);
  }
  if (view.is_accepted != cJSON_IsTrue(At(expected, "is_accepted")) ||
      strcmp(view.reason, Text(expected, "reason")) != 0 ||
      view.secret_index != Number(expected, "secret_index") ||
      view.refusal_status != Number(expected, "refusal_status") ||
      !IsText((convoy_slice){event_id, used}, Text(expected, "event_id"))) {
    Fail(step, view.reason);
  }
  convoy_verifier_free(verifier);
}

static void Answer(const cJSON* step) {
  convoy_verifier* verifier = NewVerifier(step);
  const cJSON* expected = At(step, "expect");
  convoy_reply* reply = NULL;
  convoy_slice body = {"", 0};
  Borrowed borrowed;
  convoy_status status;
  Borrow(step, &borrowed);
  status = convoy_verifier_answer(verifier, &borrowed.request, NowUs(CLOCK_REALTIME), &reply, NULL,
                                  NULL, NULL);
  CHECK(status == CONVOY_OK || status == CONVOY_DECLINED);
  if (reply != NULL) convoy_reply_body(reply, &body);
  if ((reply != NULL ? convoy_reply_status(reply) : 0) != Number(expected, "status") ||
      !IsText(body, Text(expected, "body"))) {
    Fail(step, "another answer");
  }
  convoy_reply_free(reply);
  convoy_verifier_free(verifier);
}

static void Presets(const cJSON* step) {
  convoy_buf json = {NULL, 0};
  char name[64];
  CHECK(convoy_presets(&json, NULL) == CONVOY_OK);
  snprintf(name, sizeof name, "\"name\":\"%s\"", Text(step, "includes"));
  CHECK(strstr(json.data, name) != NULL);
  convoy_buf_free(&json);
}

/* ---- Gateway ---- */

static void Open(void) {
  convoy_config* config = NewConfig("");
  const cJSON* setting;
  const char* completions = "poll";
  char value[512];
  cJSON_ArrayForEach(setting, At(scenario, "settings")) {
    Fill(cJSON_GetStringValue(setting), value, sizeof value);
    CHECK(convoy_config_set(config, setting->string, strlen(setting->string), value, strlen(value),
                            NULL) == CONVOY_OK);
  }
  CHECK(convoy_config_set(config, "gateway.completions", 19, completions, strlen(completions),
                          NULL) == CONVOY_OK);
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_OK);
}

static void Close(void) {
  CHECK(convoy_gateway_close(gateway, 10000, NULL) == CONVOY_OK);
  convoy_gateway_free(gateway);
  gateway = NULL;
}

/* Runs completions until *count has come down to 0. */
static void PollUntilZero(const int* count) {
  const int64_t end_us = NowUs(CLOCK_MONOTONIC) + FAILED_S * 1000000;
  struct pollfd descriptor = {-1, POLLIN, 0};
  int32_t fd = -1;
  CHECK(convoy_gateway_wake_fd(gateway, &fd, NULL) == CONVOY_OK);
  descriptor.fd = fd;
  while (*count > 0 && NowUs(CLOCK_MONOTONIC) < end_us) {
    poll(&descriptor, 1, 1000);
    CHECK(convoy_gateway_poll(gateway, 64, NULL, NULL) == CONVOY_OK);
  }
  CHECK(*count == 0);
}

static void Call(const cJSON* step) {
  char* body =
      cJSON_IsObject(At(step, "body")) ? cJSON_PrintUnformatted(At(step, "body")) : strdup("");
  const cJSON *each, *data;
  convoy_reply* reply = NULL;
  convoy_slice text;
  cJSON* answer;
  int status;
  CHECK(convoy_call(gateway, Text(step, "method"), Text(step, "target"), body, strlen(body), &reply,
                    NULL) == CONVOY_OK);
  status = convoy_reply_status(reply);
  convoy_reply_body(reply, &text);
  answer = cJSON_ParseWithLength(text.data, text.size);
  data = At(answer, "data");
  if (status >= 300 ? status != Number(step, "refused") : At(step, "refused") != NULL) {
    Fail(step, cJSON_PrintUnformatted(answer));
  }
  cJSON_ArrayForEach(each, At(step, "save")) {
    Save(each->string, cJSON_GetStringValue(Follow(data, cJSON_GetStringValue(each))));
  }
  cJSON_ArrayForEach(each, At(step, "expect")) {
    if (!cJSON_Compare(At(data, each->string), each, 1)) Fail(step, each->string);
  }
  cJSON_Delete(answer);
  convoy_reply_free(reply);
  free(body);
}

typedef struct Replied {
  int left;
  int status;
} Replied;

static void TakeReply(void* user, convoy_reply* reply) {
  Replied* replied = user;
  replied->status = convoy_reply_status(reply);
  replied->left = 0;
  convoy_reply_free(reply);
}

static void Handle(const cJSON* step) {
  Replied replied = {1, 0};
  Borrowed borrowed;
  convoy_status status;
  Borrow(step, &borrowed);
  status = convoy_http_handle_async(gateway, &borrowed.request, TakeReply, &replied, NULL);
  CHECK(status == CONVOY_OK || status == CONVOY_DECLINED);
  if (status == CONVOY_OK) PollUntilZero(&replied.left);
  if (replied.status != Number(step, "status")) Fail(step, "another status");
}

/* Borrows from the step; `data` is the caller's to free. */
static convoy_event EventOf(const cJSON* step, char** data) {
  const cJSON* fields = At(step, "event");
  convoy_event event;
  *data = cJSON_PrintUnformatted(At(fields, "data"));
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.audience = CONVOY_TO_EVERYONE;
  event.project_id = Slice(Text(fields, "project_id"));
  event.event_type = Slice(Text(fields, "type"));
  event.data = Slice(*data);
  event.idempotency_key = Slice(Text(fields, "idempotency_key"));
  return event;
}

static void Ingest(const cJSON* step) {
  char* data;
  const convoy_event event = EventOf(step, &data);
  convoy_buf event_id = {NULL, 0};
  int32_t is_duplicate = 0;
  const convoy_status status = convoy_ingest(gateway, &event, &event_id, &is_duplicate, NULL);
  if ((status != CONVOY_OK) != (At(step, "refused") != NULL) ||
      is_duplicate != cJSON_IsTrue(At(step, "is_duplicate"))) {
    Fail(step, "another receipt");
  }
  convoy_buf_free(&event_id);
  free(data);
}

static void TakeReceipt(void* user, const char* event_id, int32_t is_duplicate,
                        convoy_error* error) {
  int* left = user;
  CHECK(event_id != NULL && !is_duplicate && error == NULL);
  --*left;
}

static void InFlight(const cJSON* step) {
  char* data;
  const convoy_event event = EventOf(step, &data);
  const int count = Number(step, "count");
  int left = count;
  for (int i = 0; i < count; ++i) {
    CHECK(convoy_ingest_async(gateway, &event, TakeReceipt, &left, NULL) == CONVOY_OK);
    Call(step);
  }
  PollUntilZero(&left);
  free(data);
}

typedef struct Called {
  const cJSON* call;
  int* left;
} Called;

static void TakeAnswer(void* user, convoy_reply* reply) {
  const Called* called = user;
  if (convoy_reply_status(reply) != Number(called->call, "status")) Fail(called->call, "status");
  --*called->left;
  convoy_reply_free(reply);
}

static void Calls(const cJSON* step) {
  Called called[8];
  const cJSON* each;
  int left = 0, count = 0;
  cJSON_ArrayForEach(each, At(step, "calls")) {
    CHECK(count < 8);
    called[count].call = each;
    called[count].left = &left;
    ++left;
    CHECK(convoy_call_async(gateway, Text(each, "method"), Text(each, "target"), "", 0, TakeAnswer,
                            &called[count++], NULL) == CONVOY_OK);
  }
  PollUntilZero(&left);
}

/* ---- Other gateways ---- */

static convoy_gateway* OpenOther(const cJSON* step, convoy_error** error) {
  convoy_config* config = NewConfig("");
  convoy_gateway* other = NULL;
  const cJSON* setting;
  cJSON_ArrayForEach(setting, At(step, "settings")) {
    const char* value = cJSON_GetStringValue(setting);
    CHECK(convoy_config_set(config, setting->string, strlen(setting->string), value, strlen(value),
                            NULL) == CONVOY_OK);
  }
  CHECK((convoy_gateway_open(config, &other, error) == CONVOY_OK) == (other != NULL));
  convoy_config_free(config);
  return other;
}

static void LogLines(const cJSON* step) {
  convoy_gateway* other = OpenOther(step, NULL);
  int is_there = 0;
  CHECK(other != NULL);
  for (;;) {
    convoy_buf event = {NULL, 0}, message = {NULL, 0};
    uint32_t level = 0;
    CHECK(convoy_gateway_next_log(other, &level, &event, &message, NULL, NULL) == CONVOY_OK);
    if (message.data == NULL) break;
    if (strcmp(event.data, Text(step, "line")) == 0 && level == CONVOY_LOG_DEBUG) is_there = 1;
    convoy_buf_free(&event);
    convoy_buf_free(&message);
  }
  if (!is_there) Fail(step, "no such line");
  convoy_gateway_free(other);
}

static void Refuse(const cJSON* step) {
  convoy_error* error = NULL;
  if (OpenOther(step, &error) != NULL) Fail(step, "opened");
  if (strstr(convoy_error_message(error), Text(step, "message")) == NULL) {
    Fail(step, convoy_error_message(error));
  }
  convoy_error_free(error);
}

/* ---- Deliveries ---- */

/* A crash is a delivery that is let go of without being finished. */
static void HandleOne(const cJSON* step, convoy_delivery* delivery, Lines* bodies) {
  convoy_delivery_view view;
  const cJSON* behaviours;
  const char* behaviour = "done";
  char type[64];
  memset(&view, 0, sizeof view);
  view.struct_size = sizeof view;
  CHECK(convoy_delivery_get(delivery, &view, NULL) == CONVOY_OK);
  Add(bodies, view.body.data, view.body.size);
  snprintf(type, sizeof type, "%.*s", (int)view.event_type.size, view.event_type.data);
  behaviours = At(At(step, "attempts"), type);
  if (behaviours != NULL) {
    behaviour = cJSON_GetStringValue(cJSON_GetArrayItem(behaviours, (int)view.attempt_number - 1));
  }
  if (strcmp(behaviour, "crash") != 0) {
    const uint32_t outcome = strcmp(behaviour, "retry") == 0    ? CONVOY_LOCAL_RETRY
                             : strcmp(behaviour, "refuse") == 0 ? CONVOY_LOCAL_FAIL
                                                                : CONVOY_LOCAL_DONE;
    CHECK(convoy_local_finish(delivery, outcome, 0, behaviour, strlen(behaviour), NULL) ==
          CONVOY_OK);
  }
  convoy_delivery_free(delivery);
}

static size_t TakeSome(const char* name, uint64_t wait_ms, convoy_delivery** batch, size_t max) {
  size_t count = 0;
  CHECK(convoy_local_take(gateway, name, strlen(name), max, wait_ms, batch, &count, NULL) ==
        CONVOY_OK);
  return count;
}

static void AddOutcomes(Lines* lines) {
  for (;;) {
    convoy_outcome* outcome = NULL;
    convoy_outcome_view view;
    char line[256];
    memset(&view, 0, sizeof view);
    view.struct_size = sizeof view;
    CHECK(convoy_gateway_next_outcome(gateway, &outcome, NULL, NULL) == CONVOY_OK);
    if (outcome == NULL) return;
    CHECK(convoy_outcome_get(outcome, &view, NULL) == CONVOY_OK);
    if (view.kind == CONVOY_OUTCOME_DELIVERY) {
      snprintf(line, sizeof line, "%.*s %.*s", (int)view.event_type.size, view.event_type.data,
               (int)view.outcome.size, view.outcome.data);
      Add(lines, line, strlen(line));
    }
    convoy_outcome_free(outcome);
  }
}

static void Deliver(const cJSON* step) {
  const int64_t end_us = NowUs(CLOCK_MONOTONIC) + FAILED_S * 1000000;
  Lines bodies = {{NULL}, 0}, outcomes = {{NULL}, 0}, expected = {{NULL}, 0};
  const cJSON* each;
  convoy_delivery* batch[8];
  char line[256];
  cJSON_ArrayForEach(each, At(step, "outcomes")) {
    snprintf(line, sizeof line, "%s %s", Text(each, "event_type"), Text(each, "outcome"));
    Add(&expected, line, strlen(line));
  }
  while (outcomes.count < expected.count && NowUs(CLOCK_MONOTONIC) < end_us) {
    const size_t count = TakeSome(Text(step, "name"), 50, batch, 8);
    for (size_t i = 0; i < count; ++i) HandleOne(step, batch[i], &bodies);
    AddOutcomes(&outcomes);
  }
  ExpectSame(step, &outcomes, &expected);
  expected.count = 0;
  cJSON_ArrayForEach(each, At(step, "bodies")) {
    const char* text = cJSON_GetStringValue(each);
    Add(&expected, text, strlen(text));
  }
  ExpectSame(step, &bodies, &expected);
}

/* ---- The whole ---- */

static void Play(const cJSON* raw) {
  cJSON* step = FillStep(raw);
  const char* action = Text(step, "do");
  if (strcmp(action, "presets") == 0)
    Presets(step);
  else if (strcmp(action, "verify") == 0)
    Verify(step);
  else if (strcmp(action, "answer") == 0)
    Answer(step);
  else if (strcmp(action, "open") == 0)
    Open();
  else if (strcmp(action, "call") == 0)
    Call(step);
  else if (strcmp(action, "handle") == 0)
    Handle(step);
  else if (strcmp(action, "ingest") == 0)
    Ingest(step);
  else if (strcmp(action, "deliver") == 0)
    Deliver(step);
  else if (strcmp(action, "calls") == 0)
    Calls(step);
  else if (strcmp(action, "log_lines") == 0)
    LogLines(step);
  else if (strcmp(action, "refuse") == 0)
    Refuse(step);
  else if (strcmp(action, "run") == 0)
    CHECK(system(Text(step, "command")) == 0);
  else if (strcmp(action, "in_flight") == 0)
    InFlight(step);
  else if (strcmp(action, "close") == 0)
    Close();
  else
    Fail(step, "unknown step");
  cJSON_Delete(step);
}

static int CountEntries(const char* path) {
  DIR* folder = opendir(path);
  int count = 0;
  CHECK(folder != NULL);
  while (readdir(folder) != NULL) ++count;
  closedir(folder);
  return count;
}

static void CheckLeftovers(void) {
  const int cycles = Number(scenario, "cycles");
  int threads, descriptors;
  Open();
  Close();
  threads = CountEntries("/proc/self/task");
  descriptors = CountEntries("/proc/self/fd");
  for (int i = 0; i < cycles; ++i) {
    Open();
    Close();
  }
  CHECK(CountEntries("/proc/self/task") == threads);
  CHECK(CountEntries("/proc/self/fd") == descriptors);
  printf("after %d gateways: 0 threads and 0 descriptors more\n", cycles);
}

static double MeasureVerify(void) {
  const cJSON* step = cJSON_GetArrayItem(At(scenario, "steps"), 1);
  const int count = Number(scenario, "verify_count");
  convoy_verifier* verifier = NewVerifier(step);
  const int64_t begun_us = NowUs(CLOCK_MONOTONIC);
  Borrowed borrowed;
  Borrow(step, &borrowed);
  for (int i = 0; i < count; ++i) {
    convoy_verdict_view view = {.struct_size = sizeof view};
    CHECK(convoy_verifier_check(verifier, &borrowed.request, begun_us, &view, NULL) == CONVOY_OK);
  }
  convoy_verifier_free(verifier);
  return (double)(NowUs(CLOCK_MONOTONIC) - begun_us) / count;
}

static double MeasureDelivery(void) {
  const int count = Number(scenario, "deliver_count");
  convoy_event event = {.struct_size = sizeof event, .audience = CONVOY_TO_EVERYONE};
  convoy_delivery* batch[64];
  int left = count;
  int64_t begun_us;
  Open();
  for (size_t i = 0; i < saved_count; ++i) {
    if (strcmp(saved[i].name, "out") == 0) event.project_id = Slice(saved[i].value);
  }
  event.event_type = Slice("order.good");
  event.data = Slice("{}");
  for (int i = 0; i < count; ++i) {
    CHECK(convoy_ingest_async(gateway, &event, TakeReceipt, &left, NULL) == CONVOY_OK);
  }
  PollUntilZero(&left);
  begun_us = NowUs(CLOCK_MONOTONIC);
  for (left = count; left > 0;) {
    const size_t taken = TakeSome("orders", 1000, batch, 64);
    for (size_t i = 0; i < taken; ++i) {
      CHECK(convoy_local_finish(batch[i], CONVOY_LOCAL_DONE, 0, NULL, 0, NULL) == CONVOY_OK);
      convoy_delivery_free(batch[i]);
    }
    left -= (int)taken;
  }
  begun_us = NowUs(CLOCK_MONOTONIC) - begun_us;
  Close();
  return count / ((double)begun_us / 1e6);
}

int main(int argc, char** argv) {
  static char text[65536];
  FILE* file;
  const cJSON* step;
  double rate;
  if (argc != 3) return 2;
  file = fopen(argv[1], "rb");
  CHECK(file != NULL);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  scenario = cJSON_Parse(text);
  CHECK(scenario != NULL);
  Save("folder", argv[2]);
  cJSON_ArrayForEach(step, At(scenario, "steps")) Play(step);
  CheckLeftovers();
  rate = MeasureDelivery();
  printf("verify %.1f µs, local delivery %.0f/s\n", MeasureVerify(), rate);
  puts("scenario passed");
  cJSON_Delete(scenario);
  return 0;
}
