/* A gateway on a storage in plain C: what the table refuses is told by class and does no harm, and
 * nothing that was accepted is lost by a process that is killed. The arguments are a folder for its
 * files and the number of kills. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "log_table.h"

#include <convoy.h>

#define KEYS_MAX 100000

static char path[512];
static char project[64], endpoint[64];

static void set(convoy_config* config, const char* key, const char* value) {
  CHECK(convoy_config_set(config, key, strlen(key), value, strlen(value), NULL) == CONVOY_OK);
}

static convoy_config* config_on(const convoy_storage* table) {
  convoy_config* config = NULL;
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);
  set(config, "local.names", "orders");
  CHECK(convoy_config_set_storage(config, table, NULL) == CONVOY_OK);
  return config;
}

static convoy_storage open_table(void) {
  convoy_storage table;
  char text[256] = "";
  convoy_failure failure = {sizeof failure, text, sizeof text};
  if (log_table_open(path, TABLE_SOUND, &table, &failure) != CONVOY_OK) {
    fprintf(stderr, "%s: %s\n", path, text);
    exit(1);
  }
  return table;
}

static convoy_gateway* open_gateway(const convoy_storage* table) {
  convoy_config* config = config_on(table);
  convoy_gateway* gateway = NULL;
  convoy_error* error = NULL;
  if (convoy_gateway_open(config, &gateway, &error) != CONVOY_OK) {
    fprintf(stderr, "%s\n", convoy_error_message(error));
    exit(1);
  }
  convoy_config_free(config);
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_OK);
  return gateway;
}

static void must_call(const convoy_gateway* gateway, const char* target, const char* body,
                      const char* member, char* out_uid, size_t out_size) {
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

static void configure(void) {
  const convoy_storage table = open_table();
  convoy_gateway* gateway = open_gateway(&table);
  char target[128];
  must_call(gateway, "/api/v1/projects", "{\"name\":\"p\",\"type\":\"outgoing\"}", "\"project\":{",
            project, sizeof project);
  snprintf(target, sizeof target, "/api/v1/projects/%s/endpoints", project);
  must_call(gateway, target, "{\"name\":\"e\",\"url\":\"local:orders\"}", "\"data\":{", endpoint,
            sizeof endpoint);
  CHECK(convoy_gateway_close(gateway, 5000, NULL) == CONVOY_OK);
  convoy_gateway_free(gateway);
  CHECK(log_tables_count() == 0);
}

/* Ingests the event whose key and contents are the number. */
static convoy_status ingest(const convoy_gateway* gateway, int number, int32_t* out_is_duplicate,
                            convoy_error** error) {
  convoy_event event;
  convoy_buf id = {NULL, 0};
  convoy_status status;
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.project_id.data = project;
  event.project_id.size = strlen(project);
  event.audience = CONVOY_TO_ENDPOINT;
  event.recipient.data = endpoint;
  event.recipient.size = strlen(endpoint);
  event.event_type.data = "order.new";
  event.event_type.size = 9;
  event.data.data = text;
  event.data.size = strlen(text);
  event.idempotency_key = event.data;
  status = convoy_ingest(gateway, &event, &id, out_is_duplicate, error);
  convoy_buf_free(&id);
  return status;
}

/* Handles deliveries; returns how many there were. `handled` counts by number. */
static size_t handle(const convoy_gateway* gateway, uint64_t wait_ms, int pipe, char* handled) {
  convoy_delivery* batch[16];
  size_t count = 0, i;
  if (convoy_local_take(gateway, "orders", 6, 16, wait_ms, batch, &count, NULL) != CONVOY_OK) {
    return 0;
  }
  for (i = 0; i < count; ++i) {
    convoy_delivery_view view;
    int told[2] = {'H', 0};
    memset(&view, 0, sizeof view);
    view.struct_size = sizeof view;
    CHECK(convoy_delivery_get(batch[i], &view, NULL) == CONVOY_OK);
    told[1] = atoi(view.body.data);
    if (handled != NULL) handled[told[1]] = 1;
    if (pipe >= 0) CHECK(write(pipe, told, sizeof told) == sizeof told);
    CHECK(convoy_local_finish(batch[i], CONVOY_LOCAL_DONE, 0, NULL, 0, NULL) == CONVOY_OK);
    convoy_delivery_free(batch[i]);
  }
  return count;
}

/* ---- Refusals ---- */

static void check_open_fails(convoy_config* config, convoy_status expected, const char* text) {
  convoy_gateway* gateway = NULL;
  convoy_error* error = NULL;
  const convoy_status status = convoy_gateway_open(config, &gateway, &error);
  if (status != expected || strstr(convoy_error_message(error), text) == NULL) {
    fprintf(stderr, "%d '%s' instead of %d '%s'\n", (int)status, convoy_error_message(error),
            (int)expected, text);
    exit(1);
  }
  convoy_error_free(error);
}

static void check_refusals(void) {
  convoy_storage table = open_table(), incomplete;
  convoy_config* config = config_on(&table);
  convoy_gateway* gateway = NULL;
  convoy_error* error = NULL;
  set(config, "storage.path", "other.db");
  check_open_fails(config, CONVOY_E_INVALID, "storage.path: must be empty");
  set(config, "storage.path", "");
  log_table_fail(&table, CONVOY_E_DENIED, CONVOY_OK);
  check_open_fails(config, CONVOY_E_DENIED, "storage log: writes fail on request");
  log_table_fail(&table, CONVOY_E_BUSY, CONVOY_OK);
  check_open_fails(config, CONVOY_E_BUSY, "storage log: writes fail on request");
  log_table_fail(&table, CONVOY_OK, CONVOY_E_INTERNAL);
  check_open_fails(config, CONVOY_E_CORRUPT, "storage log: syncs fail on request");
  log_table_fail(&table, CONVOY_OK, CONVOY_OK);
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  check_open_fails(config, CONVOY_E_STATE, "storage: another gateway uses it");
  convoy_config_free(config);
  CHECK(log_tables_count() == 1);
  convoy_gateway_free(gateway);
  CHECK(log_tables_count() == 0);

  incomplete = open_table();
  incomplete.scan = NULL;
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);
  CHECK(convoy_config_set_storage(config, &incomplete, &error) == CONVOY_E_INVALID);
  CHECK(strcmp(convoy_error_message(error), "storage.scan: must not be NULL") == 0);
  convoy_error_free(error);
  CHECK(log_tables_count() == 0);
  convoy_config_free(config);
}

/* Rows of another program are left alone. */
static void check_foreign(void) {
  convoy_storage table = open_table();
  convoy_change change;
  convoy_config* config;
  memset(&change, 0, sizeof change);
  change.key.data = change.value.data = "apple";
  change.key.size = change.value.size = 5;
  CHECK(table.write(table.self, &change, 1, NULL) == CONVOY_OK);
  config = config_on(&table);
  check_open_fails(config, CONVOY_E_STATE, "holds rows that are not a gateway's");
  convoy_config_free(config);
  CHECK(unlink(path) == 0);
}

static void check_ingest_fails(const convoy_gateway* gateway, convoy_status expected,
                               const char* text) {
  convoy_error* error = NULL;
  const convoy_status status = ingest(gateway, 7, NULL, &error);
  if (status != expected || strstr(convoy_error_message(error), text) == NULL) {
    fprintf(stderr, "%d '%s' instead of %d '%s'\n", (int)status, convoy_error_message(error),
            (int)expected, text);
    exit(1);
  }
  CHECK(convoy_error_is_retriable(error) == (expected == CONVOY_E_BUSY));
  convoy_error_free(error);
}

static int status_of(const convoy_gateway* gateway, const char* health_path) {
  convoy_request request;
  convoy_reply* reply = NULL;
  int status;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.method.data = "GET";
  request.method.size = 3;
  request.path.data = health_path;
  request.path.size = strlen(health_path);
  CHECK(convoy_http_handle(gateway, &request, &reply, NULL) == CONVOY_OK);
  status = (int)convoy_reply_status(reply);
  convoy_reply_free(reply);
  return status;
}

static void check_failures(void) {
  const convoy_status refusals[] = {CONVOY_E_BUSY, CONVOY_E_DENIED, CONVOY_E_NO_MEMORY,
                                    CONVOY_E_TOO_LARGE};
  convoy_storage table = open_table();
  convoy_gateway* gateway = open_gateway(&table);
  int32_t is_duplicate = -1;
  size_t i;
  for (i = 0; i < sizeof refusals / sizeof refusals[0]; ++i) {
    log_table_fail(&table, refusals[i], CONVOY_OK);
    check_ingest_fails(gateway, CONVOY_E_BUSY, "storage log: writes fail on request");
    CHECK(status_of(gateway, "/readyz") == 503 && status_of(gateway, "/healthz") == 200);
  }
  log_table_fail(&table, CONVOY_OK, CONVOY_OK);
  CHECK(ingest(gateway, 7, &is_duplicate, NULL) == CONVOY_OK); /* by itself */
  CHECK(is_duplicate == 0 && status_of(gateway, "/readyz") == 200);
  log_table_fail(&table, CONVOY_E_INTERNAL, CONVOY_OK);
  check_ingest_fails(gateway, CONVOY_E_CORRUPT, "storage log: writes fail on request");
  log_table_fail(&table, CONVOY_OK, CONVOY_OK);
  check_ingest_fails(gateway, CONVOY_E_CORRUPT, "until the store is opened anew");
  CHECK(status_of(gateway, "/healthz") == 503); /* it must be opened anew */
  convoy_gateway_free(gateway);
  table = open_table();
  gateway = open_gateway(&table);
  CHECK(ingest(gateway, 7, &is_duplicate, NULL) == CONVOY_OK);
  CHECK(is_duplicate == 1);
  while (handle(gateway, 1000, -1, NULL) == 0) continue;
  CHECK(convoy_gateway_close(gateway, 5000, NULL) == CONVOY_OK);
  convoy_gateway_free(gateway);
}

/* ---- Death ---- */

static int told_pipe;

static void* handle_on(void* gateway) {
  for (;;) handle(gateway, 50, told_pipe, NULL);
  return NULL;
}

/* The child: ingests events from `number` on and handles deliveries, until it is killed. Each
 * number that was accepted or handled is told. */
static void work_until_killed(int number) {
  const convoy_storage table = open_table();
  convoy_gateway* gateway = open_gateway(&table);
  pthread_t handler;
  CHECK(pthread_create(&handler, NULL, handle_on, gateway) == 0);
  for (;; ++number) {
    const int told[2] = {'A', number};
    CHECK(ingest(gateway, number, NULL, NULL) == CONVOY_OK);
    CHECK(write(told_pipe, told, sizeof told) == sizeof told);
  }
}

/* Lets a child work for a while and kills it. Returns the next number to ingest. */
static int run(int number, int kill_number, char* accepted, char* handled) {
  int ends[2], told[2], status, is_first = 1;
  pid_t child;
  CHECK(pipe(ends) == 0);
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    close(ends[0]);
    told_pipe = ends[1];
    work_until_killed(number);
  }
  close(ends[1]);
  while (read(ends[0], told, sizeof told) == sizeof told) {
    CHECK(told[1] >= 0 && told[1] < KEYS_MAX);
    if (told[0] == 'A') {
      accepted[told[1]] = 1;
      number = told[1] + 1;
    } else {
      handled[told[1]] = 1;
    }
    if (is_first) {
      usleep((useconds_t)(2000 + kill_number * 7919 % 60000));
      CHECK(kill(child, SIGKILL) == 0);
    }
    is_first = 0;
  }
  close(ends[0]);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return number;
}

static void check_kills(int kills_count) {
  static char accepted[KEYS_MAX], handled[KEYS_MAX];
  int number = 100, accepted_count = 0, late_count = 0, i;
  convoy_storage table;
  convoy_gateway* gateway;
  for (i = 0; i < kills_count; ++i) number = run(number, i, accepted, handled);
  table = open_table();
  gateway = open_gateway(&table);
  for (i = 0; i < number; ++i) {
    int32_t is_duplicate = 0;
    if (!accepted[i]) continue;
    ++accepted_count;
    late_count += !handled[i];
    CHECK(ingest(gateway, i, &is_duplicate, NULL) == CONVOY_OK);
    CHECK(is_duplicate == 1);
  }
  for (i = 0; i < 20; ++i) {
    while (handle(gateway, 100, -1, handled) > 0) continue;
  }
  for (i = 0; i < number; ++i) CHECK(!accepted[i] || handled[i]);
  fprintf(stderr, "%d kills: %d events accepted, all handled, %d of them after the last kill\n",
          kills_count, accepted_count, late_count);
  CHECK(accepted_count >= kills_count);
  CHECK(convoy_gateway_close(gateway, 5000, NULL) == CONVOY_OK);
  convoy_gateway_free(gateway);
}

int main(int argc, char** argv) {
  CHECK(snprintf(path, sizeof path, "%s/gateway.log", argc > 1 ? argv[1] : ".") < (int)sizeof path);
  unlink(path);
  check_foreign();
  configure();
  check_kills(argc > 2 ? atoi(argv[2]) : 20); /* first: it forks, and so far there are no threads */
  check_refusals();
  check_failures();
  unlink(path);
  puts("verified");
  return 0;
}
