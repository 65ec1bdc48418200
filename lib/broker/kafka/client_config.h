// Maps a source's settings to librdkafka's configuration.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "lib/broker/kafka/handles.h"

namespace convoy::kafka {

// kInvalidArgument names the field of the REST API. Sets no callbacks.
absl::StatusOr<ConfigHandle> MakeClientConfig(const KafkaConfig& config,
                                              std::string_view consumer_id);

}  // namespace convoy::kafka
