// Processes of repeatable runs; see repeatable.h.
#include "tests/simulation/repeatable.h"

#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/personality.h>
#endif

#include <cstdio>

namespace convoy::simulation {

void FixAddresses([[maybe_unused]] char** argv) {
#ifdef __linux__
  const int now = personality(0xffffffff);
  if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0) return;
  if (personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) == -1) return;
  execv("/proc/self/exe", argv);
#endif
}

int RunApart(absl::FunctionRef<int()> run) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    std::perror("no process for a run");
    return -1;
  }
  if (child == 0) {
    const int result = run();
    std::fflush(nullptr);
    _exit(result);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  std::fprintf(stderr, "the process of a run was ended by signal %d\n", WTERMSIG(status));
  return -1;
}

}  // namespace convoy::simulation
