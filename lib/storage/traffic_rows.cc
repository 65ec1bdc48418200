// Timings of attempts in a row.
#include "lib/storage/traffic_rows.h"

namespace convoy::storage {

std::string EncodeTimings(const Attempt& attempt) {
  if (attempt.elapsed == absl::ZeroDuration()) return "";
  std::vector<int64_t> numbers;
  for (const absl::Duration duration :
       {attempt.elapsed, attempt.phases.name_lookup, attempt.phases.connect, attempt.phases.tls,
        attempt.phases.first_byte}) {
    numbers.push_back(absl::ToInt64Microseconds(duration));
  }
  return EncodeNumbers(numbers);
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
