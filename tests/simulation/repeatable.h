// Repeatable runs: the same seed gives the same run, alone or among others. Tables that are ordered
// by hashes are ordered by addresses, too, so each run begins with the same ones.
#pragma once

#include "absl/functional/function_ref.h"

namespace convoy::simulation {

// Starts the program anew, once, without the random choice of addresses. Of no effect on systems
// that cannot do that.
void FixAddresses(char** argv);

// Calls `run` in a process of its own, which has the heap that this one has now. Returns its
// result; -1 if the process ended in another way, of which standard error tells.
int RunApart(absl::FunctionRef<int()> run);

}  // namespace convoy::simulation
