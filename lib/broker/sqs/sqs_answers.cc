// Parser of SQS responses. Message bodies, which are most of a response, are read in place.
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/broker/sqs/sqs_protocol.h"
#include "lib/broker/web/fields.h"
#include "lib/broker/web/http_caller.h"
#include "lib/json/raw.h"

namespace convoy::broker {
namespace {

constexpr json::Limits kLimits = {.bytes_max = 32 * 1024 * 1024, .depth_max = 16};

absl::Status NotSqs(std::string_view what) {
  return absl::UnavailableError(absl::StrCat("sqs.endpoint does not answer as SQS does: ", what));
}

// The members of the object, or none if it has no such member.
absl::StatusOr<json::RawObject> ObjectOf(const json::RawObject& object, std::string_view key) {
  const json::RawValue* const value = object.Find(key);
  if (value == nullptr || value->type == json::Type::kNull) return json::RawObject{};
  return json::ScanObject(value->text, kLimits);
}

absl::StatusOr<std::vector<json::RawValue>> ArrayOf(const json::RawObject& object,
                                                    std::string_view key) {
  const json::RawValue* const value = object.Find(key);
  if (value == nullptr || value->type == json::Type::kNull) return std::vector<json::RawValue>{};
  return json::ScanArray(value->text, kLimits);
}

// The sender's attributes come first, so that look-ups find them if a name is used twice.
absl::StatusOr<ReceivedMessage> ReadMessage(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject object, json::ScanObject(text, kLimits));
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject given, ObjectOf(object, "MessageAttributes"));
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject system, ObjectOf(object, "Attributes"));
  ReceivedMessage received;
  BrokerMessage& message = received.message;
  for (const json::RawMember& member : given.members) {
    CONVOY_ASSIGN_OR_RETURN(const json::RawObject value,
                            json::ScanObject(member.value.text, kLimits));
    const bool is_binary = absl::StartsWith(TextOf(value, "DataType"), "Binary");
    message.attributes.push_back(
        {.name = member.key, .value = TextOf(value, is_binary ? "BinaryValue" : "StringValue")});
  }
  for (const json::RawMember& member : system.members) {
    message.attributes.push_back(
        {.name = member.key, .value = member.value.AsString().value_or("")});
  }
  message.body = TextOf(object, "Body");
  message.key = TextOf(system, "MessageGroupId");
  message.id = message.redelivery_id = TextOf(object, "MessageId");
  received.handle = TextOf(object, "ReceiptHandle");
  if (received.handle.empty()) return absl::InvalidArgumentError("a message without a handle");
  return received;
}

}  // namespace

absl::StatusOr<std::string> ReadQueueUrl(std::string_view body) {
  const auto object = json::ScanObject(body, kLimits);
  if (!object.ok()) return NotSqs(object.status().message());
  std::string url = TextOf(*object, "QueueUrl");
  if (url.empty()) return NotSqs("no QueueUrl");
  return url;
}

absl::StatusOr<std::vector<ReceivedMessage>> ReadMessages(std::string_view body) {
  const auto object = json::ScanObject(body, kLimits);
  if (!object.ok()) return NotSqs(object.status().message());
  const auto elements = ArrayOf(*object, "Messages");
  if (!elements.ok()) return NotSqs(elements.status().message());
  std::vector<ReceivedMessage> messages;
  for (const json::RawValue& element : *elements) {
    auto message = ReadMessage(element.text);
    if (!message.ok()) return NotSqs(message.status().message());
    messages.push_back(*std::move(message));
  }
  return messages;
}

absl::StatusOr<uint64_t> ReadLag(std::string_view body) {
  const auto object = json::ScanObject(body, kLimits);
  if (!object.ok()) return NotSqs(object.status().message());
  const auto attributes = ObjectOf(*object, "Attributes");
  if (!attributes.ok()) return NotSqs(attributes.status().message());
  uint64_t count = 0;
  if (!absl::SimpleAtoi(TextOf(*attributes, kSqsLagAttribute), &count)) {
    return NotSqs("no number of messages");
  }
  return count;
}

absl::StatusOr<std::vector<SqsFailedEntry>> ReadFailedEntries(std::string_view body) {
  const auto object = json::ScanObject(body, kLimits);
  if (!object.ok()) return NotSqs(object.status().message());
  const auto elements = ArrayOf(*object, "Failed");
  if (!elements.ok()) return NotSqs(elements.status().message());
  std::vector<SqsFailedEntry> failed;
  for (const json::RawValue& element : *elements) {
    const auto entry = json::ScanObject(element.text, kLimits);
    if (!entry.ok()) return NotSqs(entry.status().message());
    const json::RawValue* const fault = entry->Find("SenderFault");
    failed.push_back({.code = OneLine(TextOf(*entry, "Code")),
                      .is_final = fault != nullptr && fault->type == json::Type::kTrue});
  }
  return failed;
}

}  // namespace convoy::broker
