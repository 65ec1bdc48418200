/* Host around the example of convoy.h that takes local deliveries: it makes an endpoint and events,
 * and runs the example until all of them are handled. */
#include "client.h"

static int handled_count;

static uint32_t handle(const convoy_delivery_view* view) {
  CHECK(view->body.size > 0 && view->event_type.size > 0);
  ++handled_count;
  return CONVOY_LOCAL_DONE;
}

static void TakeDeliveries(const convoy_gateway* gateway) {
#include "take_deliveries.inc"
}

int main(void) {
  convoy_config* config = NewConfig("");
  convoy_gateway* gateway = NULL;
  convoy_buf key = {NULL, 0};
  convoy_event event;
  char answer[8192], project[64], endpoint[64], path[192], body[192];
  int round;
  CHECK(convoy_config_set(config, "local.names", 11, "orders", 6, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_open(config, &gateway, NULL) == CONVOY_OK);
  convoy_config_free(config);
  CHECK(convoy_gateway_bootstrap(gateway, &key, NULL) == CONVOY_OK);
  CHECK(convoy_gateway_start(gateway, NULL) == CONVOY_OK);
  CHECK(Send(gateway, "POST", "/api/v1/projects", "{\"name\":\"p\",\"type\":\"outgoing\"}",
             key.data, answer, sizeof answer) == 201);
  Pick(strstr(answer, "\"project\":"), "\"uid\":\"", project, sizeof project);
  snprintf(path, sizeof path, "/api/v1/projects/%s/endpoints", project);
  CHECK(Send(gateway, "POST", path, "{\"name\":\"e\",\"url\":\"local:orders\"}", key.data, answer,
             sizeof answer) == 201);
  Pick(answer, "\"uid\":\"", endpoint, sizeof endpoint);
  snprintf(path, sizeof path, "/api/v1/projects/%s/subscriptions", project);
  snprintf(body, sizeof body, "{\"name\":\"s\",\"endpoint_id\":\"%s\"}", endpoint);
  CHECK(Send(gateway, "POST", path, body, key.data, answer, sizeof answer) == 201);
  convoy_buf_free(&key);
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.project_id = Slice(project);
  event.audience = CONVOY_TO_EVERYONE;
  event.event_type = Slice("order.created");
  event.data = Slice("{\"total\":1}");
  for (round = 0; round < 3; ++round) {
    convoy_buf id = {NULL, 0};
    CHECK(convoy_ingest(gateway, &event, &id, NULL, NULL) == CONVOY_OK);
    convoy_buf_free(&id);
  }
  for (round = 0; round < 30 && handled_count < 3; ++round) TakeDeliveries(gateway);
  CHECK(convoy_gateway_close(gateway, 5000, NULL) == CONVOY_OK);
  convoy_gateway_free(gateway);
  printf("handled %d\n", handled_count);
  return 0;
}
