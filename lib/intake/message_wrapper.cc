// Strict readers of wrappers: a message without the wrapper that its source names is a dead letter,
// since it may mean anything. Names are those of Amazon's documentation ("Amazon SNS message and
// JSON formats", "EventBridge event structure").
#include "lib/intake/message_wrapper.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace convoy::intake {
namespace {

using Refused = std::optional<Refusal>;

struct Named {
  std::string_view member;
  std::string_view attribute;  // behind the wrapper's prefix
};

constexpr Named kOfSns[] = {{"MessageId", "message-id"},
                            {"TopicArn", "topic-arn"},
                            {"Subject", "subject"},
                            {"Timestamp", "timestamp"}};
constexpr Named kOfEventBridge[] = {{"id", "id"},           {"detail-type", "detail-type"},
                                    {"source", "source"},   {"time", "time"},
                                    {"account", "account"}, {"region", "region"}};

Refused ReadText(const json::RawObject& object, std::string_view member, std::string* out) {
  const json::RawValue* const value = object.Find(member);
  if (value == nullptr) return Refuse(refusal::kMissingField, member, "is missing");
  std::optional<std::string> text = value->AsString();
  if (!text.has_value()) return Refuse(refusal::kWrongType, member, "must be a string");
  *out = *std::move(text);
  return std::nullopt;
}

void AddNamed(const json::RawObject& object, std::span<const Named> names, std::string_view prefix,
              Headers* attributes) {
  for (const Named& named : names) {
    const json::RawValue* const value = object.Find(named.member);
    std::optional<std::string> text = value == nullptr ? std::nullopt : value->AsString();
    if (!text.has_value()) continue;
    attributes->push_back({absl::StrCat(prefix, named.attribute), *std::move(text)});
  }
}

// The message's own attributes, without those that would pass themselves off as the wrapper's.
Headers WithoutPrefix(Headers attributes, std::string_view prefix) {
  std::erase_if(attributes, [prefix](const Header& attribute) {
    return absl::StartsWithIgnoreCase(attribute.name, prefix);
  });
  return attributes;
}

// {"name": {"Type": "String", "Value": "…"}}; binary values are base64.
Refused ReadSnsAttributes(const json::RawObject& object, const json::Limits& limits,
                          Headers* attributes) {
  constexpr std::string_view kField = "MessageAttributes";
  const json::RawValue* const value = object.Find(kField);
  if (value == nullptr || value->type == json::Type::kNull) return std::nullopt;
  const auto wrong = Refuse(refusal::kWrongType, kField, "must be objects with a Value");
  const auto members = json::ScanObject(value->text, limits);
  if (!members.ok()) return wrong;
  for (const json::RawMember& member : members->members) {
    const auto attribute = json::ScanObject(member.value.text, limits);
    if (!attribute.ok()) return wrong;
    std::string text;
    if (ReadText(*attribute, "Value", &text).has_value()) return wrong;
    attributes->push_back({member.key, std::move(text)});
  }
  return std::nullopt;
}

Refused TakeOffSns(const json::RawObject& object, const json::Limits& limits,
                   BrokerMessage* message) {
  std::string type, body;
  if (auto refused = ReadText(object, "Type", &type)) return refused;
  if (type != "Notification") {
    return Refuse(refusal::kWrongType, "Type", "must be Notification");
  }
  if (auto refused = ReadText(object, "Message", &body)) return refused;
  Headers attributes;
  if (auto refused = ReadSnsAttributes(object, limits, &attributes)) return refused;
  for (Header& attribute : message->attributes) attributes.push_back(std::move(attribute));
  message->attributes = WithoutPrefix(std::move(attributes), kSnsPrefix);
  AddNamed(object, kOfSns, kSnsPrefix, &message->attributes);
  message->body = std::move(body);
  return std::nullopt;
}

Refused TakeOffEventBridge(const json::RawObject& object, BrokerMessage* message) {
  std::string text;
  if (auto refused = ReadText(object, "detail-type", &text)) return refused;
  if (auto refused = ReadText(object, "source", &text)) return refused;
  const json::RawValue* const detail = object.Find("detail");
  if (detail == nullptr) return Refuse(refusal::kMissingField, "detail", "is missing");
  message->attributes = WithoutPrefix(std::move(message->attributes), kEventBridgePrefix);
  AddNamed(object, kOfEventBridge, kEventBridgePrefix, &message->attributes);
  message->body = std::string(detail->text);  // a copy first: the text lies within the body
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> TakeOffWrapper(MessageWrapper wrapper, const json::Limits& limits,
                                      BrokerMessage* message) {
  if (wrapper == MessageWrapper::kNone) return std::nullopt;
  const auto object = json::ScanObject(message->body, limits);
  if (!object.ok()) return RefuseFlaw(object.status(), message->body, limits);
  return wrapper == MessageWrapper::kSns ? TakeOffSns(*object, limits, message)
                                         : TakeOffEventBridge(*object, message);
}

}  // namespace convoy::intake
