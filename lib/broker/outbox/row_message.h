// Form in which a row of an outbox is handed out: its data is the message's body, and the other
// columns are attributes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "convoy/broker.h"

namespace convoy::broker::outbox {

// Names of the attributes. Empty columns have none.
inline constexpr std::string_view kEventType = "x-convoy-event-type";
inline constexpr std::string_view kEndpointId = "x-convoy-endpoint-id";
inline constexpr std::string_view kOwnerId = "x-convoy-owner-id";
inline constexpr std::string_view kIdempotencyKey = "x-convoy-idempotency-key";
inline constexpr std::string_view kCustomHeaders = "x-convoy-custom-headers";

// Of a longer `data` only the beginning is kept: the row is unusable.
inline constexpr size_t kDataBytesMax = 64 * 1024 * 1024;
inline constexpr size_t kCutDataBytes = 64 * 1024;
// The beginning that is kept of the other columns; more than any event may have.
inline constexpr size_t kTextBytesMax = 4 * 1024;
inline constexpr size_t kHeadersBytesMax = 256 * 1024;
inline constexpr size_t kRowKeyBytesMax = 64;

struct Row {
  int64_t id = 0;
  std::string row_key;  // random, of this row alone: a number may come again with a restored backup
  std::string data;
  bool is_cut = false;
  std::string_view event_type, endpoint_id, owner_id, idempotency_key, custom_headers;
};

// `identity` is the table's.
BrokerMessage MessageOf(Row row, std::string_view identity);

}  // namespace convoy::broker::outbox
