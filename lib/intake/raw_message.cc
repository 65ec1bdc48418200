// Parser of raw broker messages; see raw_message.h.

#include "lib/intake/raw_message.h"

#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/intake/event_checks.h"
#include "lib/json/raw.h"

namespace convoy::intake {
namespace {

using Refused = std::optional<Refusal>;

constexpr std::string_view kContentTypeAttributes[] = {"content-type", "x-amqp-content-type"};

Refused ReadText(const Headers& attributes, std::string_view name, size_t bytes_max,
                 std::string* out) {
  const std::string* value = nullptr;
  if (auto refused = FindAttribute(attributes, name, refusal::kRepeatedField, &value)) {
    return refused;
  }
  if (value == nullptr) return std::nullopt;
  *out = *value;
  return CheckMessageText(name, *value, bytes_max);
}

// An id that goes with another type is not passed over: what is meant for one would go to all.
Refused ReadRecipient(const Headers& attributes, AddressedEvent* out) {
  out->type = MessageType::kBroadcast;
  if (auto refused = ReadMessageType(attributes, &out->type)) return refused;
  const struct {
    std::string_view name;
    std::string* id;
    MessageType type;
    std::string_view type_name;
  } ids[] = {{kEndpointIdAttribute, &out->endpoint_id, MessageType::kSingle, "single"},
             {kOwnerIdAttribute, &out->owner_id, MessageType::kFanout, "fanout"}};
  for (const auto& [name, id, type, type_name] : ids) {
    if (auto refused = ReadText(attributes, name, kOwnerIdBytesMax, id)) return refused;
    if (out->type == type && id->empty()) return Refuse(refusal::kMissingField, name, "is missing");
    if (out->type != type && !id->empty()) {
      return Refuse(refusal::kBadMessageType, kMessageTypeAttribute,
                    absl::StrCat("must be ", type_name, " where there is ", name));
    }
  }
  return std::nullopt;
}

// "type/subtype", parameters aside.
bool IsMediaType(std::string_view text) {
  const std::string_view essence = absl::StripAsciiWhitespace(text.substr(0, text.find(';')));
  const size_t slash = essence.find('/');
  return slash != std::string_view::npos && base::IsHeaderName(essence.substr(0, slash)) &&
         base::IsHeaderName(essence.substr(slash + 1)) && base::IsHeaderValue(text) &&
         base::IsValidUtf8(text);
}

std::string ContentTypeOf(const BrokerMessage& message) {
  for (const std::string_view name : kContentTypeAttributes) {
    const auto type = base::FindHeader(message.attributes, name);
    if (type.has_value() && IsMediaType(*type)) return std::string(*type);
  }
  return json::Validate(message.body, json::kPayloadLimits).ok() ? "application/json"
                                                                 : "application/octet-stream";
}

}  // namespace

std::optional<Refusal> ReadRawMessage(const Source& source, const BrokerMessage& message,
                                      AddressedEvent* out) {
  if (auto refused = ReadRecipient(message.attributes, out)) return refused;
  RestEvent& event = out->event;
  if (auto refused = ReadText(message.attributes, kIdempotencyKeyAttribute, kIdempotencyKeyBytesMax,
                              &event.idempotency_key)) {
    return refused;
  }
  event.event_type = source.raw_event_type;
  event.data = message.body;
  event.custom_headers.push_back({"Content-Type", ContentTypeOf(message)});
  return AddAttributes(source, message, &event.custom_headers);
}

}  // namespace convoy::intake
