// Settings of a source's broker as text, for adapters behind the C interface: a JSON object with
// the member "type" and, beside it, the fields of the broker's configuration in model.h by their
// names. Enumerations are the lower-case names of docs/embedding.md. Secrets are in the clear.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/model.h"

namespace convoy {

// "{}" for a source without a broker.
std::string EncodeBrokerSettings(const BrokerConfig& broker);

// kDataLoss or kInvalidArgument if the text is not that of a broker's settings. Unknown members are
// ignored.
absl::StatusOr<BrokerConfig> DecodeBrokerSettings(std::string_view settings);

}  // namespace convoy
