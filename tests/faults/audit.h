// Audit of a database after faults.
#pragma once

#include <string>
#include <vector>

#include "tests/faults/scenario.h"

namespace convoy::testing {

// Opens `path` without faults and compares it with `history`: it must be what a store in memory is
// after the operations that were answered and some of those whose result is unknown. Then uses it
// on: keys still count, all that is unfinished can be claimed once. Returns what is wrong.
std::vector<std::string> Audit(const std::string& path, const History& history);

}  // namespace convoy::testing
