// Maps Kafka messages to broker messages. The redelivery id holds the message's timestamp beside
// topic, partition and offset: offsets begin at 0 again in a topic that was deleted and recreated,
// or in another cluster of the same name, and a new message must not be mistaken for an old one.
#include "lib/broker/kafka/message.h"

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"

namespace convoy::kafka {
namespace {

std::string ReadHeaderValue(std::string_view bytes) {
  if (base::IsHeaderValue(bytes)) return std::string(bytes);
  return absl::StrCat(":", base::Base64Encode(bytes), ":");
}

// Calls `take(name, bytes)` for each header; no value is an empty one.
template <typename Take>
void ForEachHeader(const rd_kafka_message_t& message, const Take& take) {
  rd_kafka_headers_t* list = nullptr;
  if (rd_kafka_message_headers(&message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    take(std::string_view(name), std::string_view(static_cast<const char*>(value), size));
  }
}

std::string ReadBytes(const void* bytes, size_t size) {
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

}  // namespace

BrokerMessage ReadMessage(const rd_kafka_message_t& message) {
  BrokerMessage read = {.body = ReadBytes(message.payload, message.len),
                        .id = ReadBytes(message.key, message.key_len)};
  read.key = read.id;
  ForEachHeader(message, [&](std::string_view name, std::string_view bytes) {
    read.attributes.push_back({.name = std::string(name), .value = ReadHeaderValue(bytes)});
  });
  return read;
}

size_t MessageBytes(const rd_kafka_message_t& message) {
  size_t bytes_count = message.len + message.key_len;
  ForEachHeader(message, [&](std::string_view name, std::string_view bytes) {
    bytes_count += name.size() + bytes.size();
  });
  return bytes_count;
}

}  // namespace convoy::kafka
