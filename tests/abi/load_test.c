/* A program that loads the library, uses it and unloads it, again and again: its memory does not
 * grow, and no thread or descriptor is left. Argument: the library. */
#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <convoy.h>

#define ROUNDS 20
#define BYTES_MAX 4096 /* a round, for what the C library keeps of its own */

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

typedef convoy_status (*OpenFn)(const convoy_config*, convoy_gateway**, convoy_error**);
typedef convoy_status (*StartFn)(convoy_gateway*, convoy_error**);
typedef void (*FreeFn)(convoy_gateway*);

static int CountOf(const char* folder) {
  DIR* opened = opendir(folder);
  int count = 0;
  CHECK(opened != NULL);
  while (readdir(opened) != NULL) ++count;
  closedir(opened);
  return count;
}

static void Use(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  convoy_gateway* gateway = NULL;
  OpenFn open_gateway;
  StartFn start;
  FreeFn free_gateway;
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(library != NULL);
  *(void**)&open_gateway = dlsym(library, "convoy_gateway_open");
  *(void**)&start = dlsym(library, "convoy_gateway_start");
  *(void**)&free_gateway = dlsym(library, "convoy_gateway_free");
  CHECK(open_gateway(NULL, &gateway, NULL) == CONVOY_OK);
  CHECK(start(gateway, NULL) == CONVOY_OK);
  free_gateway(gateway);
  CHECK(dlclose(library) == 0);
}

int main(int argc, char** argv) {
  size_t before, after;
  int i, threads, descriptors;
  CHECK(argc == 2);
  for (i = 0; i < 3; ++i) Use(argv[1]); /* what is kept for the process */
  before = mallinfo2().uordblks;
  threads = CountOf("/proc/self/task");
  descriptors = CountOf("/proc/self/fd");
  for (i = 0; i < ROUNDS; ++i) Use(argv[1]);
  after = mallinfo2().uordblks;
  printf("%ld bytes a round\n", ((long)after - (long)before) / ROUNDS);
  CHECK(after < before + ROUNDS * BYTES_MAX);
  CHECK(CountOf("/proc/self/task") == threads);
  CHECK(CountOf("/proc/self/fd") == descriptors);
  return 0;
}
