// Common parts of the benchmarks.
#pragma once

#include <string>
#include <string_view>

namespace benchmarks {

// Prints the message and ends the program: a benchmark that went wrong has no figures.
[[noreturn]] void Die(std::string_view message);

std::string BodyOf1KiB();

}  // namespace benchmarks
