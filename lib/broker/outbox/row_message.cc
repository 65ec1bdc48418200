// Message of a row; see row_message.h.
#include "lib/broker/outbox/row_message.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace convoy::broker::outbox {

BrokerMessage MessageOf(Row row, std::string_view identity) {
  BrokerMessage message{
      .body = std::move(row.data),
      .id = absl::StrCat(row.id),
      .redelivery_id = absl::StrCat("outbox/", identity, "/", row.id, "/", row.row_key),
      .is_cut = row.is_cut,
      .tag = static_cast<uint64_t>(row.id)};
  const struct {
    std::string_view name;
    std::string_view value;
    size_t bytes_max;
  } columns[] = {{kEventType, row.event_type, kTextBytesMax},
                 {kEndpointId, row.endpoint_id, kTextBytesMax},
                 {kOwnerId, row.owner_id, kTextBytesMax},
                 {kIdempotencyKey, row.idempotency_key, kTextBytesMax},
                 {kCustomHeaders, row.custom_headers, kHeadersBytesMax}};
  for (const auto& [name, value, bytes_max] : columns) {
    if (value.empty()) continue;
    message.attributes.push_back({std::string(name), std::string(value.substr(0, bytes_max))});
  }
  return message;
}

}  // namespace convoy::broker::outbox
