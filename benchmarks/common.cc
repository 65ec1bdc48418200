// The end of a benchmark that went wrong, and the body that all of them send.
#include "benchmarks/common.h"

#include <cstdio>
#include <cstdlib>

namespace benchmarks {

void Die(std::string_view message) {
  std::fprintf(stderr, "benchmark: %.*s\n", static_cast<int>(message.size()), message.data());
  std::_Exit(1);
}

std::string BodyOf1KiB() {
  std::string body = R"({"id":"evt_1","text":")";
  body.resize(1022, 'x');
  return body + "\"}";
}

}  // namespace benchmarks
