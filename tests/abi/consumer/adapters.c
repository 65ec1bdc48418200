/* Opens a gateway with the adapters of message brokers that the argument names (broker.adapters).
 */
#include <stdio.h>
#include <string.h>

#include <convoy.h>

int main(int argc, char** argv) {
  const char* names = argc == 2 ? argv[1] : "";
  convoy_config* config = NULL;
  convoy_gateway* gateway = NULL;
  convoy_error* error = NULL;
  if (convoy_config_new(&config, &error) == CONVOY_OK &&
      convoy_config_set(config, "broker.adapters", 15, names, strlen(names), &error) == CONVOY_OK &&
      convoy_gateway_open(config, &gateway, &error) == CONVOY_OK) {
    printf("loaded %s\n", names);
  } else {
    printf("%s\n", convoy_error_message(error));
  }
  convoy_gateway_free(gateway);
  convoy_config_free(config);
  convoy_error_free(error);
  return 0;
}
