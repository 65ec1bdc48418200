// Reports of a fuzz target about forbidden behaviour of the code under test.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace convoy::fuzz {

// Ends the process, so that the fuzzer and the replay both keep the input.
inline void Require(bool is_as_promised, std::string_view promise) {
  if (is_as_promised) return;
  std::fprintf(stderr, "FINDING: broken promise: %.*s\n", static_cast<int>(promise.size()),
               promise.data());
  std::abort();
}

}  // namespace convoy::fuzz
