// Common parts of broker messages of both formats: their recipients, the attributes that are
// forwarded, and the reasons for a dead letter.
//
// The attribute x-convoy-message-type selects the recipients: single, fanout, broadcast. Attributes
// that are not for the gateway are forwarded to endpoints as headers, in lower case, as far as they
// can be headers; x-broker-message-id carries the message's id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/broker.h"
#include "lib/intake/intake.h"
#include "lib/json/raw.h"

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
inline constexpr std::string_view kFunctionFailed = "function_failed";
inline constexpr std::string_view kCutOff = "cut_off";
}  // namespace refusal

struct Refusal {
  std::string_view reason;  // one of those above
  std::string detail;       // one line that names the field
};

Refusal Refuse(std::string_view reason, std::string_view field, std::string_view why);

// For a body that is no object, with what json::ScanObject says of it.
Refusal RefuseFlaw(const absl::Status& status, std::string_view body, const json::Limits& limits);

enum class MessageType : uint8_t { kSingle, kFanout, kBroadcast };

// Event with its recipients, read from a message.
struct AddressedEvent {
  MessageType type = MessageType::kSingle;
  std::string endpoint_id;  // of kSingle
  std::string owner_id;     // of kFanout
  RestEvent event;
};

inline constexpr std::string_view kMessageTypeAttribute = "x-convoy-message-type";
inline constexpr std::string_view kMessageIdHeader = "x-broker-message-id";
// Among the headers of a dead letter, in front of its id; not forwarded.
inline constexpr std::string_view kMessageKeyHeader = "x-broker-message-key";
// Names of attributes that tell what another service put around a message: forwarded only where the
// source's forward_headers name them.
inline constexpr std::string_view kSnsPrefix = "x-sns-";
inline constexpr std::string_view kEventBridgePrefix = "x-eventbridge-";

// Of raw messages only: envelopes have fields for these.
inline constexpr std::string_view kEndpointIdAttribute = "x-convoy-endpoint-id";
inline constexpr std::string_view kOwnerIdAttribute = "x-convoy-owner-id";
inline constexpr std::string_view kIdempotencyKeyAttribute = "x-convoy-idempotency-key";

// The beginning of names of attributes of the source's wrapper; empty if it has none.
std::string_view WrapperPrefix(const Source& source);

// `out` is the attribute's value, or null if there is none; `reason` is for one that is there
// twice.
std::optional<Refusal> FindAttribute(const Headers& attributes, std::string_view name,
                                     std::string_view reason, const std::string** out);

// `out` is left alone if there is no such attribute.
std::optional<Refusal> ReadMessageType(const Headers& attributes, MessageType* out);

// Ids and keys: short, UTF-8, no control characters.
std::optional<Refusal> CheckMessageText(std::string_view field, std::string_view text,
                                        size_t bytes_max);

// The attributes that go along, and the message's id, behind the headers that it has already, which
// win over them.
std::optional<Refusal> AddAttributes(const Source& source, const BrokerMessage& message,
                                     Headers* headers);

}  // namespace convoy::intake
