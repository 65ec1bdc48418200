// Broker configuration of a source, as clients write and see it: the object `pub_sub`.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"

namespace convoy::http {

inline constexpr uint32_t kWorkersMax = 32;
inline constexpr std::string_view kBrokerTypes[] = {"sqs", "google", "kafka", "amqp", "outbox"};
inline constexpr std::string_view kRedactedSecret = "[REDACTED]";

// Reads `pub_sub` into the broker, the workers and the message format of `source`. A secret that is
// left out, empty or as it was shown stays what it is in `source`, as long as it would still go to
// the same server; so does a format that is left out.
absl::Status ReadPubSub(const json::Value& pub_sub, Source* source);

// The member "pub_sub", without its secrets.
void WritePubSub(json::Writer& writer, const Source& source);

// The field of `pub_sub` that an error of the broker is about: of the code, not of its text.
absl::Status PubSubError(const BrokerConfig& broker, const absl::Status& error);

}  // namespace convoy::http
