/* Orders handled in this process, each at least once: local_orders DATABASE
 * A project in it has an endpoint whose URL is "local:orders". Each order is handled when it comes
 * the second time. Ends after three seconds without orders. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <convoy.h>

#define BATCH 64

static void Check(convoy_status status, convoy_error* error) {
  if (status == CONVOY_OK) return;
  fprintf(stderr, "%s\n", convoy_error_message(error));
  exit(1);
}

static void Set(convoy_config* config, const char* key, const char* value) {
  convoy_error* error = NULL;
  Check(convoy_config_set(config, key, strlen(key), value, strlen(value), &error), error);
}

/* Handles one order, and says what became of it: the first time it asks for another. */
static void Handle(convoy_delivery* delivery) {
  convoy_delivery_view view = {.struct_size = sizeof view};
  convoy_delivery_get(delivery, &view, NULL);
  printf("%.*s, attempt %" PRIu32 "\n", (int)view.body.size, view.body.data, view.attempt_number);
  const uint32_t outcome = view.attempt_number == 1 ? CONVOY_LOCAL_RETRY : CONVOY_LOCAL_DONE;
  convoy_local_finish(delivery, outcome, 0, "out of stock", 12, NULL);
  convoy_delivery_free(delivery);
}

int main(int argc, char** argv) {
  convoy_error* error = NULL;
  convoy_config* config = NULL;
  convoy_gateway* gateway = NULL;
  if (argc != 2) return 2;
  Check(convoy_config_new(&config, &error), error);
  Set(config, "storage.path", argv[1]);
  Set(config, "local.names", "orders");
  Check(convoy_gateway_open(config, &gateway, &error), error);
  convoy_config_free(config);
  Check(convoy_gateway_start(gateway, &error), error);

  size_t count = 0;
  do {
    convoy_delivery* batch[BATCH];
    Check(convoy_local_take(gateway, "orders", 6, BATCH, 3000, batch, &count, &error), error);
    for (size_t i = 0; i < count; ++i) Handle(batch[i]);
  } while (count > 0);

  Check(convoy_gateway_close(gateway, 1000, &error), error);
  convoy_gateway_free(gateway);
  return 0;
}
