// Parser of command lines: flags and their values. Knows nothing of what the flags mean.
#include "examples/convoyd/arguments.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace convoyd {

absl::StatusOr<ArgumentList> ReadArguments(std::span<char* const> words,
                                           std::span<const std::string> flags) {
  ArgumentList list;
  for (size_t index = 0; index < words.size(); ++index) {
    std::string_view word = words[index];
    if (word == "--help" || word == "-h") {
      list.is_help_wanted = true;
      continue;
    }
    if (!word.starts_with("--")) {
      return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", word, "'"));
    }
    word.remove_prefix(2);
    const size_t equals = word.find('=');
    Argument argument{.flag = std::string(word.substr(0, equals))};
    if (std::find(flags.begin(), flags.end(), argument.flag) == flags.end()) {
      return absl::InvalidArgumentError(absl::StrCat("unknown flag '--", argument.flag, "'"));
    }
    if (equals != std::string_view::npos) {
      argument.value = word.substr(equals + 1);
    } else if (++index < words.size()) {
      argument.value = words[index];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", argument.flag, " needs a value"));
    }
    list.arguments.push_back(std::move(argument));
  }
  return list;
}

absl::StatusOr<uint64_t> ParseNumber(std::string_view what, std::string_view text, uint64_t max) {
  uint64_t number = 0;
  const bool is_digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (!is_digits || !absl::SimpleAtoi(text, &number) || number > max) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " must be a whole number of at most ", max));
  }
  return number;
}

absl::StatusOr<absl::Duration> ParseDuration(std::string_view what, std::string_view text) {
  constexpr std::pair<char, absl::Duration> kUnits[] = {{'s', absl::Seconds(1)},
                                                        {'m', absl::Minutes(1)},
                                                        {'h', absl::Hours(1)},
                                                        {'d', absl::Hours(24)}};
  constexpr uint64_t kMost = 1'000'000'000;
  for (const auto& [unit, duration] : kUnits) {
    if (!text.ends_with(unit)) continue;
    text.remove_suffix(1);
    const auto number = ParseNumber(absl::StrCat(what, " before its unit"), text, kMost);
    if (!number.ok()) return number.status();
    return duration * static_cast<int64_t>(*number);
  }
  return absl::InvalidArgumentError(absl::StrCat(what, " must be like 90s, 15m, 12h or 30d"));
}

}  // namespace convoyd
