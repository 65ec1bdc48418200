/* Loading of plug-ins that go wrong: each refusal says what is wrong and has its status. The folder
 * of the plug-ins is the argument. */
#include "../client.h"

static convoy_status Open(const char* name, const char* folder, const char* expected) {
  convoy_config* config = NULL;
  convoy_gateway* gateway = NULL;
  convoy_error* error = NULL;
  convoy_status status;
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);
  CHECK(convoy_config_set(config, "broker.adapters", 15, name, strlen(name), NULL) == CONVOY_OK);
  CHECK(convoy_config_set(config, "broker.adapters_dir", 19, folder, strlen(folder), NULL) ==
        CONVOY_OK);
  status = convoy_gateway_open(config, &gateway, &error);
  if (strstr(convoy_error_message(error), expected) == NULL) {
    fprintf(stderr, "%s: '%s' instead of '%s'\n", name, convoy_error_message(error), expected);
    exit(1);
  }
  CHECK((gateway == NULL) == (status != CONVOY_OK));
  convoy_error_free(error);
  convoy_gateway_free(gateway);
  convoy_config_free(config);
  return status;
}

int main(int argc, char** argv) {
  const char* folder = argv[argc - 1];
  CHECK(argc == 2);
  CHECK(Open("sound", folder, "") == CONVOY_OK);
  CHECK(Open("sound, sound", folder, "") == CONVOY_OK);
  CHECK(Open("missing", folder, "libconvoy-missing.so is not there: install") ==
        CONVOY_E_NOT_FOUND);
  CHECK(Open("future", folder, "goes with libconvoy 9.9, and this is") == CONVOY_E_UNSUPPORTED);
  CHECK(Open("misnamed", folder, "is no plug-in: it has another name") == CONVOY_E_STATE);
  CHECK(Open("empty", folder, "is no plug-in: plugin: must not be NULL") == CONVOY_E_STATE);
  CHECK(Open("incomplete", folder, "is no plug-in: broker.open: must not be NULL") ==
        CONVOY_E_STATE);
  CHECK(Open("sound,missing", folder, "is not there") == CONVOY_E_NOT_FOUND);
  return 0;
}
