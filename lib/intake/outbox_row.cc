// Parser of an outbox's row; see outbox_row.h. It is as strict as that of an envelope: an error
// could only be told to the host's transaction, which is over.
#include "lib/intake/outbox_row.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/broker/outbox/row_message.h"
#include "lib/intake/broker_envelope.h"
#include "lib/intake/event_object.h"

namespace convoy::intake {
namespace {

namespace column = broker::outbox;

// `text` is a JSON object of strings. It is read as an event's field, so it has to be whole alone.
std::optional<Refusal> ReadHeaders(const std::string& text, const json::Limits& limits,
                                   AddressedEvent* out) {
  if (text.empty()) return std::nullopt;
  if (const absl::Status status = json::Validate(text, limits); !status.ok()) {
    return Refuse(refusal::kInvalidHeader, "custom_headers", status.message());
  }
  std::vector<EventFlaw> flaws;
  const absl::Status status =
      ReadEventObject(absl::StrCat("{\"custom_headers\":", text, "}"), limits, out, &flaws);
  if (!status.ok()) return Refuse(refusal::kInvalidHeader, "custom_headers", status.message());
  if (!flaws.empty()) return RefuseEventFlaw(flaws.front());
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> ReadOutboxRow(const GatewayOptions& options, const BrokerMessage& message,
                                     AddressedEvent* out) {
  std::string headers;
  const std::pair<std::string_view, std::string*> columns[] = {
      {column::kEventType, &out->event.event_type},
      {column::kEndpointId, &out->endpoint_id},
      {column::kOwnerId, &out->owner_id},
      {column::kIdempotencyKey, &out->event.idempotency_key},
      {column::kCustomHeaders, &headers}};
  for (const auto& [name, text] : columns) {
    const std::string* found = nullptr;
    auto refused = FindAttribute(message.attributes, name, refusal::kRepeatedField, &found);
    if (refused.has_value()) return refused;
    if (found != nullptr) *text = *found;
  }
  if (!out->endpoint_id.empty() && !out->owner_id.empty()) {
    return Refuse(refusal::kBadMessageType, "owner_id", "does not go with endpoint_id");
  }
  out->type = !out->endpoint_id.empty() ? MessageType::kSingle
              : !out->owner_id.empty()  ? MessageType::kFanout
                                        : MessageType::kBroadcast;
  const json::Limits limits{.bytes_max = options.body_bytes_max, .may_split_pairs = true};
  if (const absl::Status status = json::Validate(message.body, limits); !status.ok()) {
    return RefuseFlaw(status, message.body, limits);
  }
  out->event.data = message.body;
  if (auto refused = ReadHeaders(headers, limits, out)) return refused;
  if (auto refused = CheckEventTexts(*out)) return refused;
  return CheckEventPresent(*out);
}

}  // namespace convoy::intake
