// Maps librdkafka errors to status codes.
#pragma once

#include <librdkafka/rdkafka.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace convoy::kafka {

// The status code to report for an error; nullopt if librdkafka recovers by itself.
std::optional<absl::StatusCode> StatusCodeOf(rd_kafka_resp_err_t error);

// One line for an operator, as broker.h requires. `text` is librdkafka's.
absl::Status MakeError(absl::StatusCode code, std::string_view text);

// `text` without line ends and other control characters, cut off where it gets long.
std::string OneLine(std::string_view text);

}  // namespace convoy::kafka
