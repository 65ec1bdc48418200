// Parser of raw broker messages; see raw_message.h.

#include "lib/intake/raw_message.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/body/body_view.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/locations.h"
#include "lib/json/raw.h"

namespace convoy::intake {
namespace {

using Refused = std::optional<Refusal>;

constexpr std::string_view kContentTypeAttributes[] = {"content-type", "x-amqp-content-type"};
constexpr std::string_view kContentCodingAttributes[] = {"content-encoding",
                                                         "x-amqp-content-encoding"};

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

// A message with the locations of its source.
class Reader {
 public:
  Reader(const Source& source, const BrokerMessage& message, const std::string& content_type)
      : locations_(source.message_locations),
        fallback_type_(source.raw_event_type),
        message_(message),
        headers_{{.name = "Content-Type", .value = content_type}},
        body_(WithCoding(), message.body) {}

  Refused ReadEventType(std::string* out) {
    *out = fallback_type_;
    if (locations_.event_type.empty()) return std::nullopt;
    std::string found;
    if (auto refused = Find("event_type", locations_.event_type, &found)) return refused;
    if (!found.empty()) *out = std::move(found);
    if (out->empty()) return Missing("event_type", locations_.event_type);
    return CheckMessageText("event_type", *out, kEventTypeBytesMax);
  }

  // A key that is looked for has to be there: without it the message would not be recognised.
  Refused ReadIdempotencyKey(std::string* out) {
    const std::string& location = locations_.idempotency_key;
    if (auto refused = ReadText("idempotency_key", kIdempotencyKeyAttribute, location,
                                kIdempotencyKeyBytesMax, out)) {
      return refused;
    }
    return out->empty() && !location.empty() ? Missing("idempotency_key", location) : std::nullopt;
  }

  // An id that goes with another type is not passed over: what is meant for one would go to all.
  Refused ReadRecipient(AddressedEvent* out) {
    out->type = !locations_.endpoint_id.empty() ? MessageType::kSingle
                : !locations_.owner_id.empty()  ? MessageType::kFanout
                                                : MessageType::kBroadcast;
    if (auto refused = ReadMessageType(message_.attributes, &out->type)) return refused;
    const struct {
      std::string_view field;
      std::string_view attribute;
      const std::string& location;
      std::string* id;
      MessageType type;
      std::string_view type_name;
    } ids[] = {{"endpoint_id", kEndpointIdAttribute, locations_.endpoint_id, &out->endpoint_id,
                MessageType::kSingle, "single"},
               {"owner_id", kOwnerIdAttribute, locations_.owner_id, &out->owner_id,
                MessageType::kFanout, "fanout"}};
    for (const auto& [field, attribute, location, id, type, type_name] : ids) {
      if (auto refused = ReadText(field, attribute, location, kOwnerIdBytesMax, id)) return refused;
      if (out->type == type && id->empty()) {
        return location.empty() ? Refuse(refusal::kMissingField, attribute, "is missing")
                                : Missing(field, location);
      }
      if (out->type != type && !id->empty()) {
        return Refuse(refusal::kBadMessageType, kMessageTypeAttribute,
                      absl::StrCat("must be ", type_name, " where there is ",
                                   location.empty() ? attribute : field));
      }
    }
    return std::nullopt;
  }

 private:
  std::span<const HeaderView> WithCoding() {
    for (const std::string_view name : kContentCodingAttributes) {
      const auto coding = base::FindHeader(message_.attributes, name);
      if (!coding.has_value()) continue;
      headers_.push_back({.name = "Content-Encoding", .value = *coding});
      break;
    }
    return headers_;
  }

  // At the location, if there is one, or else the attribute.
  Refused ReadText(std::string_view field, std::string_view attribute, const std::string& location,
                   size_t bytes_max, std::string* out) {
    const std::string_view name = location.empty() ? attribute : field;
    auto refused = location.empty() ? FindHeader(attribute, out) : Find(field, location, out);
    return refused.has_value() ? refused : CheckMessageText(name, *out, bytes_max);
  }

  Refused FindHeader(std::string_view name, std::string* out) {
    const std::string* value = nullptr;
    if (auto refused = FindAttribute(message_.attributes, name, refusal::kRepeatedField, &value)) {
      return refused;
    }
    if (value != nullptr) *out = *value;
    return std::nullopt;
  }

  // `out` is left alone if there is nothing.
  Refused Find(std::string_view field, std::string_view location, std::string* out) {
    const std::optional<MessageLocation> place = ParseMessageLocation(location);
    if (!place.has_value()) return Missing(field, location);
    switch (place->part) {
      case MessagePart::kHeader:
        return FindHeader(place->selector, out);
      case MessagePart::kBody:
        if (const json::Place found = body_.Find(place->selector); found.is_found()) {
          *out = found.value.AsScalarText().value_or("");
        }
        return std::nullopt;
      case MessagePart::kKey:
        *out = message_.key;
        return std::nullopt;
      case MessagePart::kId:
        *out = message_.id;
        return std::nullopt;
    }
    return std::nullopt;
  }

  Refused Missing(std::string_view field, std::string_view location) const {
    const std::string_view why =
        body_.opacity() == body::Opacity::kNone ? "" : body::OpacityText(body_.opacity());
    return Refuse(refusal::kMissingField, field,
                  absl::StrCat("is missing at ", location, why.empty() ? "" : ": ", why));
  }

  const MessageLocations& locations_;
  const std::string& fallback_type_;
  const BrokerMessage& message_;
  std::vector<HeaderView> headers_;
  body::BodyView body_;
};

}  // namespace

std::optional<Refusal> ReadRawMessage(const Source& source, const BrokerMessage& message,
                                      AddressedEvent* out) {
  const std::string content_type = ContentTypeOf(message);
  Reader reader(source, message, content_type);
  if (auto refused = reader.ReadRecipient(out)) return refused;
  RestEvent& event = out->event;
  if (auto refused = reader.ReadIdempotencyKey(&event.idempotency_key)) return refused;
  if (auto refused = reader.ReadEventType(&event.event_type)) return refused;
  event.data = message.body;
  event.custom_headers.push_back({"Content-Type", content_type});
  return AddAttributes(source, message, &event.custom_headers);
}

}  // namespace convoy::intake
