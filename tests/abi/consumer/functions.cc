// A payload function run through the installed component `scripting`.
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "convoy/scripting.h"

int main() {
  auto scripting = convoy::NewQuickJsScripting();
  if (!scripting.ok()) return 1;
  std::mutex mutex;
  std::condition_variable ended;
  convoy::ScriptResult result;
  bool has_ended = false;
  (*scripting)
      ->Run({.owner = "o",
             .function = "function transform(p) { return p.map(x => x + 1) }",
             .payload = "[1]",
             .output_bytes_max = 100},
            [&](convoy::ScriptResult got) {
              const std::lock_guard<std::mutex> lock(mutex);
              result = std::move(got);
              has_ended = true;
              ended.notify_one();
            });
  std::unique_lock<std::mutex> lock(mutex);
  ended.wait(lock, [&] { return has_ended; });
  std::puts(result.payload == "[2]" ? "verified" : result.error.c_str());
  return 0;
}
