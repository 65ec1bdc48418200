/* Loading of plug-ins that go wrong: each refusal says what is wrong and has its status. The folder
 * of the plug-ins is the argument. */
#include "../client.h"

/* Opens a gateway with a setting that needs a plug-in. */
static convoy_status OpenWith(const char* key, const char* value, const char* folder,
                              const char* expected) {
  convoy_config* config = NULL;
  convoy_gateway* gateway = NULL;
  convoy_error* error = NULL;
  convoy_status status;
  CHECK(convoy_config_new(&config, NULL) == CONVOY_OK);
  CHECK(convoy_config_set(config, key, strlen(key), value, strlen(value), NULL) == CONVOY_OK);
  CHECK(convoy_config_set(config, "broker.adapters_dir", 19, folder, strlen(folder), NULL) ==
        CONVOY_OK);
  status = convoy_gateway_open(config, &gateway, &error);
  if (strstr(convoy_error_message(error), expected) == NULL) {
    fprintf(stderr, "%s: '%s' instead of '%s'\n", value, convoy_error_message(error), expected);
    exit(1);
  }
  CHECK((gateway == NULL) == (status != CONVOY_OK));
  convoy_error_free(error);
  convoy_gateway_free(gateway);
  convoy_config_free(config);
  return status;
}

static convoy_status Open(const char* name, const char* folder, const char* expected) {
  return OpenWith("broker.adapters", name, folder, expected);
}

/* A store's plug-in in a folder below. */
static convoy_status OpenStore(const char* folder, const char* below, const char* expected) {
  char path[4096];
  CHECK(snprintf(path, sizeof path, "%s/%s", folder, below) < (int)sizeof path);
  return OpenWith("storage.path", "postgres://u:sesame@127.0.0.1:1/d", path, expected);
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
  CHECK(OpenStore(folder, ".", "libconvoy-postgres.so is not there") == CONVOY_E_NOT_FOUND);
  CHECK(OpenStore(folder, "foreign", "is of another build than this libconvoy") ==
        CONVOY_E_UNSUPPORTED);
  CHECK(OpenStore(folder, "silent", "is of another build than this") == CONVOY_E_UNSUPPORTED);
  return 0;
}
