// Maps librdkafka errors to status codes.
#pragma once

#include <librdkafka/rdkafka.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace convoy::kafka {

// The status to report for an error; nullopt for what librdkafka gets over by itself.
std::optional<absl::StatusCode> Judge(rd_kafka_resp_err_t error);

// One line for an operator, as broker.h requires. `text` is librdkafka's.
absl::Status MakeError(absl::StatusCode code, std::string_view text);

// `text` without line ends and other control characters, cut off where it gets long.
std::string OneLine(std::string_view text);

}  // namespace convoy::kafka
