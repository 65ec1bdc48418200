// A broker's message read as an event: the envelope that its body is, and its attributes.
//
//   {"endpoint_id", "owner_id", "event_type", "data", "custom_headers", "idempotency_key"}
//
// The attribute x-convoy-message-type says whom it is for: single (the default), fanout, broadcast.
// The other attributes go along to endpoints as headers, in lower case, as far as they can be
// headers; custom_headers come before them. x-broker-message-id carries the message's id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "convoy/broker.h"
#include "convoy/options.h"
#include "lib/intake/intake.h"

namespace convoy::intake {

// Why no event can be made of a message. The reasons are stored, and programs look at them: they
// stay as they are. docs/brokers.md explains them.
namespace refusal {
inline constexpr std::string_view kMalformedJson = "malformed_json";
inline constexpr std::string_view kNotAnObject = "not_an_object";
inline constexpr std::string_view kUnknownField = "unknown_field";
inline constexpr std::string_view kRepeatedField = "repeated_field";
inline constexpr std::string_view kMissingField = "missing_field";
inline constexpr std::string_view kWrongType = "wrong_type";
inline constexpr std::string_view kInvalidText = "invalid_text";
inline constexpr std::string_view kInvalidHeader = "invalid_header";
inline constexpr std::string_view kBadMessageType = "bad_message_type";
inline constexpr std::string_view kUnknownEndpoint = "unknown_endpoint";
inline constexpr std::string_view kTooLarge = "too_large";
inline constexpr std::string_view kTooDeep = "too_deep";
}  // namespace refusal

struct Refusal {
  std::string_view reason;  // one of those above
  std::string detail;       // one line that names the field
};

enum class MessageType : uint8_t { kSingle, kFanout, kBroadcast };

struct Envelope {
  MessageType type = MessageType::kSingle;
  std::string endpoint_id;
  std::string owner_id;
  RestEvent event;
};

inline constexpr std::string_view kMessageTypeAttribute = "x-convoy-message-type";
inline constexpr std::string_view kMessageIdHeader = "x-broker-message-id";

// Reads `message` into `out`, or says why that cannot be. Whether the endpoint exists is not looked
// at.
std::optional<Refusal> ReadEnvelope(const GatewayOptions& options, const Source& source,
                                    const BrokerMessage& message, Envelope* out);

}  // namespace convoy::intake
