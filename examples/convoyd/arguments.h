// Splitting a command line into flags and their values.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace convoyd {

struct Argument {
  std::string flag;  // without the dashes: "listen"
  std::string value;
};

struct ArgumentList {
  bool is_help_wanted = false;
  std::vector<Argument> arguments;  // in the order given
};

// Reads `--flag value` and `--flag=value`. Every flag must be one of `flags`, every flag but --help
// needs a value, and nothing may stand outside a flag: kInvalidArgument says what is wrong.
absl::StatusOr<ArgumentList> ReadArguments(std::span<char* const> words,
                                           std::span<const std::string> flags);

// Digits only, at most `max`. `what` names the setting in the error.
absl::StatusOr<uint64_t> ParseNumber(std::string_view what, std::string_view text, uint64_t max);

// "90s", "15m", "12h" or "30d".
absl::StatusOr<absl::Duration> ParseDuration(std::string_view what, std::string_view text);

}  // namespace convoyd
