/* Events of the host's own: to one endpoint, an owner's, everyone; once for each idempotency key.
 */
#include "client.h"

/* An outgoing project with an endpoint of the owner "acme". */
typedef struct World {
  convoy_gateway* gateway;
  convoy_buf key;
  char project[64];
  char endpoint[64];
  char base[128];
} World;

static World Open(void) {
  World world;
  char path[192], answer[8192];
  convoy_config* config = NewConfig("");
  memset(&world, 0, sizeof world);
  CHECK(convoy_gateway_open(config, &world.gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  CHECK(convoy_gateway_bootstrap(world.gateway, &world.key, NULL) == CONVOY_OK);
  CHECK(Send(world.gateway, "POST", "/api/v1/projects", "{\"name\":\"p\",\"type\":\"outgoing\"}",
             world.key.data, answer, sizeof answer) == 201);
  Pick(strstr(answer, "\"project\":"), "\"uid\":\"", world.project, sizeof world.project);
  snprintf(world.base, sizeof world.base, "/api/v1/projects/%s", world.project);
  snprintf(path, sizeof path, "%s/endpoints", world.base);
  CHECK(Send(world.gateway, "POST", path,
             "{\"name\":\"e\",\"url\":\"https://receiver.test/\",\"owner_id\":\"acme\"}",
             world.key.data, answer, sizeof answer) == 201);
  Pick(answer, "\"uid\":\"", world.endpoint, sizeof world.endpoint);
  return world;
}

static void Close(World* world) {
  convoy_buf_free(&world->key);
  convoy_gateway_free(world->gateway);
}

static convoy_event EventFor(const World* world) {
  convoy_event event;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.project_id = Slice(world->project);
  event.audience = CONVOY_TO_ENDPOINT;
  event.recipient = Slice(world->endpoint);
  event.event_type = Slice("order.created");
  event.data = Slice("{\"b\":1e400,\"a\":[0.10]}");
  return event;
}

/* Takes the event and compares how often "uid" stands in what the API tells of its deliveries. */
static void CheckDeliveries(const World* world, const convoy_event* event, int count) {
  convoy_buf id = {NULL, 0};
  char path[256], answer[16384];
  const char* at = answer;
  int seen = 0;
  CHECK(convoy_ingest(world->gateway, event, &id, NULL, NULL) == CONVOY_OK);
  CHECK(id.size == 26 && strlen(id.data) == id.size);
  snprintf(path, sizeof path, "%s/events/%s", world->base, id.data);
  CHECK(Send(world->gateway, "GET", path, "", world->key.data, answer, sizeof answer) == 200);
  CHECK(strstr(answer, "{\"b\":1e400,\"a\":[0.10]}") != NULL); /* as it was given */
  CHECK(strstr(answer, "X-Tenant") != NULL || event->custom_headers_count == 0);
  snprintf(path, sizeof path, "%s/eventdeliveries", world->base);
  CHECK(Send(world->gateway, "GET", path, "", world->key.data, answer, sizeof answer) == 200);
  while ((at = strstr(at, id.data)) != NULL) ++seen, ++at;
  CHECK((seen > 0) == (count > 0));
  convoy_buf_free(&id);
}

static void CheckAudiences(const World* world) {
  convoy_event event = EventFor(world);
  convoy_header header;
  header.name = Slice("X-Tenant");
  header.value = Slice("acme");
  event.custom_headers = &header;
  event.custom_headers_count = 1;
  CheckDeliveries(world, &event, 1);
  event.audience = CONVOY_TO_OWNER;
  event.recipient = Slice("acme");
  CheckDeliveries(world, &event, 1);
  event.recipient = Slice("nobody");
  CheckDeliveries(world, &event, 0);
  event.audience = CONVOY_TO_EVERYONE;
  event.recipient = Slice("");
  CheckDeliveries(world, &event, 1);
}

static void CheckDuplicates(const World* world) {
  convoy_event event = EventFor(world);
  convoy_buf first = {NULL, 0}, second = {NULL, 0};
  int32_t is_duplicate = -1;
  event.idempotency_key = Slice("order-7");
  CHECK(convoy_ingest(world->gateway, &event, &first, &is_duplicate, NULL) == CONVOY_OK);
  CHECK(is_duplicate == 0);
  CHECK(convoy_ingest(world->gateway, &event, &second, &is_duplicate, NULL) == CONVOY_OK);
  CHECK(is_duplicate == 1 && strcmp(first.data, second.data) != 0);
  convoy_buf_free(&first);
  convoy_buf_free(&second);
}

/* Refusals: they name the field, and store nothing. */
static void CheckRefusals(const World* world) {
  convoy_event event = EventFor(world);
  convoy_header header = {{NULL, 1}, {NULL, 0}};
  convoy_error* error = NULL;
  convoy_buf id = {NULL, 0};
#define REFUSED(name) CHECK_NAMES(convoy_ingest(world->gateway, &event, &id, NULL, &error), name)
  CHECK_NAMES(convoy_ingest(NULL, &event, &id, NULL, &error), "gateway");
  CHECK_NAMES(convoy_ingest(world->gateway, NULL, &id, NULL, &error), "event");
  CHECK_NAMES(convoy_ingest(world->gateway, &event, NULL, NULL, &error), "out_event_id");
  CHECK_NAMES(convoy_ingest_async(world->gateway, &event, NULL, NULL, &error), "done");
  event.struct_size = 0;
  REFUSED("event.struct_size");
  event = EventFor(world);
  event.audience = 3;
  REFUSED("event.audience");
  event = EventFor(world);
  event.reserved = 1;
  REFUSED("event.reserved");
  event = EventFor(world);
  event.data = Slice("{\"a\":}");
  REFUSED("data");
  event.data = Slice("");
  REFUSED("data");
  event.data.data = NULL;
  event.data.size = 1;
  REFUSED("event.data");
  event = EventFor(world);
  event.event_type = Slice("\xff");
  REFUSED("event_type");
  event = EventFor(world);
  event.recipient = Slice("unknown");
  REFUSED("endpoint");
  event.audience = CONVOY_TO_EVERYONE;
  REFUSED("recipient");
  event = EventFor(world);
  event.custom_headers_count = 1;
  REFUSED("event.custom_headers");
  event.custom_headers = &header;
  REFUSED("event.custom_headers[0]");
  header.name = Slice("X\r\nY");
  REFUSED("custom_headers");
  event = EventFor(world);
  event.project_id = Slice("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  CHECK(convoy_ingest(world->gateway, &event, &id, NULL, NULL) == CONVOY_E_NOT_FOUND);
  CHECK(id.data == NULL && id.size == 0);
#undef REFUSED
}

typedef struct Receipt {
  int calls_count;
  int32_t is_duplicate;
  convoy_status status;
  char event_id[64];
} Receipt;

static void OnReceipt(void* user, const char* event_id, int32_t is_duplicate, convoy_error* error) {
  Receipt* receipt = user;
  ++receipt->calls_count;
  receipt->is_duplicate = is_duplicate;
  receipt->status = error == NULL ? CONVOY_OK : convoy_error_code(error);
  CHECK((event_id == NULL) == (error != NULL));
  snprintf(receipt->event_id, sizeof receipt->event_id, "%s", event_id == NULL ? "" : event_id);
  convoy_error_free(error);
}

static void CheckAsync(const World* world) {
  convoy_event event = EventFor(world);
  Receipt receipt;
  memset(&receipt, 0, sizeof receipt);
  event.idempotency_key = Slice("order-8");
  CHECK(convoy_ingest_async(world->gateway, &event, OnReceipt, &receipt, NULL) == CONVOY_OK);
  CHECK(receipt.calls_count == 0);    /* nothing is durable yet */
  memset(&event, 0xA5, sizeof event); /* it was copied */
  CHECK(convoy_gateway_step(world->gateway, NULL, NULL) == CONVOY_OK);
  CHECK(receipt.calls_count == 1 && receipt.status == CONVOY_OK && !receipt.is_duplicate);
  CHECK(strlen(receipt.event_id) == 26);

  event = EventFor(world);
  event.idempotency_key = Slice("order-8");
  CHECK(convoy_ingest_async(world->gateway, &event, OnReceipt, &receipt, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_step(world->gateway, NULL, NULL) == CONVOY_OK);
  CHECK(receipt.calls_count == 2 && receipt.is_duplicate);

  /* A refusal needs no commit, and is reported before the return. */
  event.recipient = Slice("unknown");
  CHECK(convoy_ingest_async(world->gateway, &event, OnReceipt, &receipt, NULL) == CONVOY_OK);
  CHECK(receipt.calls_count == 3 && receipt.status == CONVOY_E_INVALID);
  CHECK(receipt.event_id[0] == '\0');
}

static void CheckClosed(const World* world) {
  convoy_event event = EventFor(world);
  convoy_buf id = {NULL, 0};
  convoy_error* error = NULL;
  CHECK(convoy_gateway_close(world->gateway, 1000, NULL) == CONVOY_OK);
  CHECK(convoy_ingest(world->gateway, &event, &id, NULL, &error) == CONVOY_E_BUSY);
  CHECK(convoy_error_is_retriable(error));
  convoy_error_free(error);
}

int main(void) {
  World world = Open();
  CheckAudiences(&world);
  CheckDuplicates(&world);
  CheckRefusals(&world);
  CheckAsync(&world);
  CheckClosed(&world);
  Close(&world);
  puts("events of the host's own: as they should be");
  return 0;
}
