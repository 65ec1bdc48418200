// Loads the library for every question and lets go of it afterwards, as a server does that reloads
// its modules. The library stays: what others below it keep would be leaked with every load.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "host.h"
#include "host_api.h"

namespace {

template <typename Function>
void Find(void* library, const char* name, Function& out) {
  out = reinterpret_cast<Function>(dlsym(library, name));
  if (out == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(1);
  }
}

}  // namespace

bool IsGenuine(const std::string& secret, const std::string& body, const std::string& signature) {
  void* library = dlopen(CONVOY_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(1);
  }
  ConvoyApi api;
  Find(library, "convoy_verifier_new", api.verifier_new);
  Find(library, "convoy_verifier_verify", api.verifier_verify);
  Find(library, "convoy_verifier_free", api.verifier_free);
  Find(library, "convoy_verdict_is_accepted", api.verdict_is_accepted);
  Find(library, "convoy_verdict_free", api.verdict_free);
  const bool is_genuine = IsGenuineBy(api, secret, body, signature);
  dlclose(library);
  if (dlopen(CONVOY_LIBRARY, RTLD_NOW | RTLD_NOLOAD) == nullptr) {
    std::fprintf(stderr, "libconvoy was unloaded by dlclose\n");
    std::exit(1);
  }
  return is_genuine;
}
