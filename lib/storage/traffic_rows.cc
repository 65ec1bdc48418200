// Timings of attempts in a row.
#include "lib/storage/traffic_rows.h"

namespace convoy::storage {

std::string EncodeTimings(const Attempt& attempt) {
  if (attempt.elapsed == absl::ZeroDuration()) return "";
  const auto& phases = attempt.phases;
  return EncodeNumbers(
      {absl::ToInt64Microseconds(attempt.elapsed), absl::ToInt64Microseconds(phases.name_lookup),
       absl::ToInt64Microseconds(phases.connect), absl::ToInt64Microseconds(phases.tls),
       absl::ToInt64Microseconds(phases.first_byte)});
}

absl::Status DecodeTimings(std::string_view bytes, Attempt* attempt) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, DecodeNumbers(bytes));
  if (numbers.empty()) return absl::OkStatus();
  if (numbers.size() < 5) return absl::DataLossError("the timings of an attempt are damaged");
  attempt->elapsed = absl::Microseconds(numbers[0]);
  attempt->phases = {.name_lookup = absl::Microseconds(numbers[1]),
                     .connect = absl::Microseconds(numbers[2]),
                     .tls = absl::Microseconds(numbers[3]),
                     .first_byte = absl::Microseconds(numbers[4])};
  return absl::OkStatus();
}

}  // namespace convoy::storage
