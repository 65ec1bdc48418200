// Parser of broker envelopes. The form is strict, because no error reaches the producer: if a
// misspelt field were ignored, only the missing event would show it.

#include "lib/intake/broker_envelope.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/event_headers.h"
#include "lib/json/raw.h"

namespace convoy::intake {
namespace {

using Refused = std::optional<Refusal>;

constexpr std::array<std::string_view, 6> kFields = {
    "endpoint_id", "owner_id", "event_type", "data", "custom_headers", "idempotency_key"};

Refused RefuseFlaw(const absl::Status& status, std::string_view body, const json::Limits& limits) {
  const std::string detail(status.message());
  switch (json::FindFlaw(body, limits)) {
    case json::Flaw::kTooDeep:
      return Refusal{refusal::kTooDeep, detail};
    case json::Flaw::kTooLarge:
      return Refusal{refusal::kTooLarge, detail};
    case json::Flaw::kNotUtf8:
      return Refusal{refusal::kInvalidText, detail};
    case json::Flaw::kNone:
      return Refusal{refusal::kNotAnObject, "the body must be a JSON object"};
    case json::Flaw::kMalformed:
      break;
  }
  return Refusal{refusal::kMalformedJson, detail};
}

// `parent` is where the object stands: empty, or "custom_headers".
Refused CheckRepeated(const json::RawObject& object, std::string_view parent) {
  absl::flat_hash_set<std::string_view> seen;
  for (const json::RawMember& member : object.members) {
    if (!seen.insert(member.key).second) {
      return Refuse(refusal::kRepeatedField, parent.empty() ? "body" : parent,
                    absl::StrCat("has the field ", base::Quote(member.key), " twice"));
    }
  }
  return std::nullopt;
}

Refused CheckFields(const json::RawObject& object) {
  for (const json::RawMember& member : object.members) {
    if (std::find(kFields.begin(), kFields.end(), member.key) == kFields.end()) {
      return Refuse(refusal::kUnknownField, "body",
                    absl::StrCat("has the unknown field ", base::Quote(member.key)));
    }
  }
  return CheckRepeated(object, "");
}

Refused ReadText(const json::RawObject& object, std::string_view field, size_t bytes_max,
                 std::string* out) {
  const json::RawValue* value = object.Find(field);
  if (value == nullptr || value->type == json::Type::kNull) return std::nullopt;
  std::optional<std::string> text = value->AsString();
  if (!text.has_value()) return Refuse(refusal::kWrongType, field, "must be a string");
  if (auto refused = CheckMessageText(field, *text, bytes_max)) return refused;
  *out = *std::move(text);
  return std::nullopt;
}

Refused ReadCustomHeaders(const json::RawObject& object, const json::Limits& limits, Headers* out) {
  constexpr std::string_view kField = "custom_headers";
  const json::RawValue* value = object.Find(kField);
  if (value == nullptr || value->type == json::Type::kNull) return std::nullopt;
  const auto headers = json::ScanObject(value->text, limits);
  if (!headers.ok()) return Refuse(refusal::kWrongType, kField, "must be an object of strings");
  if (auto refused = CheckRepeated(*headers, kField)) return refused;
  for (const json::RawMember& member : headers->members) {
    std::optional<std::string> text = member.value.AsString();
    if (!text.has_value())
      return Refuse(refusal::kWrongType, kField, "must be an object of strings");
    out->push_back({.name = member.key, .value = *std::move(text)});
  }
  if (const absl::Status status = CheckCustomHeaders(*out); !status.ok()) {
    return Refusal{refusal::kInvalidHeader, std::string(status.message())};
  }
  return std::nullopt;
}

Refused CheckPresent(const AddressedEvent& envelope) {
  const auto missing = [](std::string_view field) {
    return Refuse(refusal::kMissingField, field, "is missing");
  };
  if (envelope.type == MessageType::kSingle && envelope.endpoint_id.empty()) {
    return missing("endpoint_id");
  }
  if (envelope.type == MessageType::kFanout && envelope.owner_id.empty())
    return missing("owner_id");
  if (envelope.event.event_type.empty()) return missing("event_type");
  if (!envelope.event.data.has_value()) return missing("data");
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> ReadEnvelope(const GatewayOptions& options, const Source& source,
                                    const BrokerMessage& message, AddressedEvent* out) {
  const json::Limits limits{.bytes_max = options.body_bytes_max, .may_split_pairs = true};
  const auto object = json::ScanObject(message.body, limits);
  if (!object.ok()) return RefuseFlaw(object.status(), message.body, limits);
  if (auto refused = CheckFields(*object)) return refused;
  RestEvent& event = out->event;
  const struct {
    std::string_view field;
    size_t bytes_max;
    std::string* out;
  } texts[] = {{"endpoint_id", kOwnerIdBytesMax, &out->endpoint_id},
               {"owner_id", kOwnerIdBytesMax, &out->owner_id},
               {"event_type", kEventTypeBytesMax, &event.event_type},
               {"idempotency_key", kIdempotencyKeyBytesMax, &event.idempotency_key}};
  for (const auto& text : texts) {
    if (auto refused = ReadText(*object, text.field, text.bytes_max, text.out)) return refused;
  }
  if (auto refused = ReadCustomHeaders(*object, limits, &event.custom_headers)) return refused;
  if (const json::RawValue* data = object->Find("data")) event.data = std::string(data->text);
  if (auto refused = ReadMessageType(message.attributes, &out->type)) return refused;
  if (auto refused = CheckPresent(*out)) return refused;
  return AddAttributes(source, message, &event.custom_headers);
}

}  // namespace convoy::intake
