// Replacement of getaddrinfo; see scripted_resolver.h.
#include "tests/unit/transport/scripted_resolver.h"

#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace convoy::testing {
namespace {

struct Script {
  std::vector<std::vector<std::string>> answers;
  int questions_count = 0;
};

// libcurl asks on threads of its own.
struct Scripts {
  absl::Mutex mutex;
  std::map<std::string, Script> by_name ABSL_GUARDED_BY(mutex);
};

Scripts& AllScripts() {
  static auto* const scripts = new Scripts();
  return *scripts;
}

}  // namespace

void ScriptName(const std::string& name, std::vector<std::vector<std::string>> answers) {
  absl::MutexLock lock(&AllScripts().mutex);
  AllScripts().by_name[name] = {.answers = std::move(answers)};
}

int QuestionsCount(const std::string& name) {
  absl::MutexLock lock(&AllScripts().mutex);
  return AllScripts().by_name[name].questions_count;
}

// The next answer to a question about `name`; false if there is no script for it.
static bool TakeAnswer(const char* name, std::vector<std::string>* addresses) {
  absl::MutexLock lock(&AllScripts().mutex);
  const auto script = AllScripts().by_name.find(name);
  if (script == AllScripts().by_name.end()) return false;
  const auto index = static_cast<size_t>(script->second.questions_count++);
  *addresses = script->second.answers[std::min(index, script->second.answers.size() - 1)];
  return true;
}

}  // namespace convoy::testing

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* name,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** result) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  std::vector<std::string> addresses;
  if (name == nullptr || !convoy::testing::TakeAnswer(name, &addresses)) {
    return real(name, service, hints, result);
  }
  addrinfo numeric = hints == nullptr ? addrinfo{} : *hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  numeric.ai_family = AF_UNSPEC;
  addrinfo** end = result;
  *end = nullptr;
  for (const std::string& address : addresses) {
    if (real(address.c_str(), service, &numeric, end) != 0) continue;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return *result == nullptr ? EAI_NONAME : 0;
}
