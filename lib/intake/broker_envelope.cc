// Parser of broker envelopes. The form is strict, because no error reaches the producer: if a
// misspelt field were ignored, only the missing event would show it.

#include "lib/intake/broker_envelope.h"

#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/event_headers.h"
#include "lib/intake/event_object.h"
#include "lib/json/raw.h"

namespace convoy::intake {

Refusal RefuseEventFlaw(const EventFlaw& flaw) {
  const std::string_view parent = flaw.parent.empty() ? "body" : flaw.parent;
  switch (flaw.kind) {
    case EventFlaw::Kind::kRepeated:
      return Refuse(refusal::kRepeatedField, parent,
                    absl::StrCat("has the field ", base::Quote(flaw.field), " twice"));
    case EventFlaw::Kind::kUnknown:
      return Refuse(refusal::kUnknownField, parent,
                    absl::StrCat("has the unknown field ", base::Quote(flaw.field)));
    case EventFlaw::Kind::kTooManyItems:
      return Refuse(refusal::kInvalidHeader, flaw.field,
                    absl::StrCat("must not have more than ", kCustomHeadersMax, " entries"));
    case EventFlaw::Kind::kWrongType:
      break;
  }
  return Refuse(
      refusal::kWrongType, flaw.field,
      flaw.field == "custom_headers" ? "must be an object of strings" : "must be a string");
}

std::optional<Refusal> CheckEventTexts(const AddressedEvent& envelope) {
  const struct {
    std::string_view field;
    size_t bytes_max;
    const std::string& text;
  } texts[] = {{"endpoint_id", kOwnerIdBytesMax, envelope.endpoint_id},
               {"owner_id", kOwnerIdBytesMax, envelope.owner_id},
               {"event_type", kEventTypeBytesMax, envelope.event.event_type},
               {"idempotency_key", kIdempotencyKeyBytesMax, envelope.event.idempotency_key}};
  for (const auto& [field, bytes_max, text] : texts) {
    if (auto refused = CheckMessageText(field, text, bytes_max)) return refused;
  }
  if (const absl::Status status = CheckCustomHeaders(envelope.event.custom_headers); !status.ok()) {
    return Refusal{refusal::kInvalidHeader, std::string(status.message())};
  }
  return std::nullopt;
}

std::optional<Refusal> CheckEventPresent(const AddressedEvent& envelope) {
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

std::optional<Refusal> ReadEnvelope(const GatewayOptions& options, const Source& source,
                                    const BrokerMessage& message, AddressedEvent* out) {
  const json::Limits limits{.bytes_max = options.body_bytes_max, .may_split_pairs = true};
  std::vector<EventFlaw> flaws;
  const absl::Status status = ReadEventObject(message.body, limits, out, &flaws);
  if (!status.ok()) return RefuseFlaw(status, message.body, limits);
  if (!flaws.empty()) return RefuseEventFlaw(flaws.front());
  if (auto refused = CheckEventTexts(*out)) return refused;
  if (auto refused = ReadMessageType(message.attributes, &out->type)) return refused;
  if (auto refused = CheckEventPresent(*out)) return refused;
  return AddAttributes(source, message, &out->event.custom_headers);
}

}  // namespace convoy::intake
