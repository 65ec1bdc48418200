// Attributes and recipients of broker messages; see broker_message.h.

#include "lib/intake/broker_message.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/intake/event_headers.h"

namespace convoy::intake {
namespace {

// Attributes that are not for endpoints, or would pass themselves off as ours.
bool IsForGateway(const Source& source, std::string_view name) {
  constexpr std::string_view kOfRaw[] = {kEndpointIdAttribute, kOwnerIdAttribute,
                                         kIdempotencyKeyAttribute};
  const auto is_name = [name](std::string_view other) {
    return base::EqualsIgnoreCase(name, other);
  };
  const std::string_view prefix = WrapperPrefix(source);
  if (!prefix.empty() && absl::StartsWithIgnoreCase(name, prefix)) {
    return std::none_of(source.forward_headers.begin(), source.forward_headers.end(), is_name);
  }
  return is_name(kMessageTypeAttribute) || is_name(kMessageIdHeader) ||
         is_name(kMessageKeyHeader) ||
         (source.message_format == MessageFormat::kRaw &&
          std::any_of(std::begin(kOfRaw), std::end(kOfRaw), is_name));
}

}  // namespace

std::string_view WrapperPrefix(const Source& source) {
  const auto* sqs = std::get_if<SqsConfig>(&source.broker);
  if (sqs == nullptr) return {};
  switch (sqs->wrapper) {
    case MessageWrapper::kSns:
      return kSnsPrefix;
    case MessageWrapper::kEventBridge:
      return kEventBridgePrefix;
    case MessageWrapper::kNone:
      break;
  }
  return {};
}

Refusal Refuse(std::string_view reason, std::string_view field, std::string_view why) {
  return {reason, absl::StrCat(field, ": ", why)};
}

Refusal RefuseFlaw(const absl::Status& status, std::string_view body, const json::Limits& limits) {
  const std::string detail(status.message());
  switch (json::FindFlaw(body, limits)) {
    case json::Flaw::kTooDeep:
      return {refusal::kTooDeep, detail};
    case json::Flaw::kTooLarge:
      return {refusal::kTooLarge, detail};
    case json::Flaw::kNotUtf8:
      return {refusal::kInvalidText, detail};
    case json::Flaw::kNone:
      return {refusal::kNotAnObject, "the body must be a JSON object"};
    case json::Flaw::kMalformed:
      break;
  }
  return {refusal::kMalformedJson, detail};
}

std::optional<Refusal> FindAttribute(const Headers& attributes, std::string_view name,
                                     std::string_view reason, const std::string** out) {
  *out = nullptr;
  for (const Header& attribute : attributes) {
    if (!base::EqualsIgnoreCase(attribute.name, name)) continue;
    if (*out != nullptr) return Refuse(reason, name, "is given twice");
    *out = &attribute.value;
  }
  return std::nullopt;
}

std::optional<Refusal> ReadMessageType(const Headers& attributes, MessageType* out) {
  const std::string* given = nullptr;
  if (auto refused =
          FindAttribute(attributes, kMessageTypeAttribute, refusal::kBadMessageType, &given)) {
    return refused;
  }
  if (given == nullptr) return std::nullopt;
  if (*given == "single") {
    *out = MessageType::kSingle;
  } else if (*given == "fanout") {
    *out = MessageType::kFanout;
  } else if (*given == "broadcast") {
    *out = MessageType::kBroadcast;
  } else {
    return Refuse(refusal::kBadMessageType, kMessageTypeAttribute,
                  absl::StrCat("must be single, fanout or broadcast, not ", base::Quote(*given)));
  }
  return std::nullopt;
}

std::optional<Refusal> CheckMessageText(std::string_view field, std::string_view text,
                                        size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Refuse(refusal::kTooLarge, field,
                  absl::StrCat("must not be longer than ", bytes_max, " bytes"));
  }
  if (!base::IsValidUtf8(text)) return Refuse(refusal::kInvalidText, field, "must be UTF-8");
  // An idempotency key leaves the house as a header; nothing good has a control character anyway.
  if (!base::IsHeaderValue(text)) {
    return Refuse(refusal::kInvalidText, field, "must not have control characters");
  }
  return std::nullopt;
}

std::optional<Refusal> AddAttributes(const Source& source, const BrokerMessage& message,
                                     Headers* headers) {
  absl::flat_hash_set<std::string> named;
  for (const Header& header : *headers) named.insert(absl::AsciiStrToLower(header.name));
  std::vector<HeaderView> attributes;
  for (const Header& attribute : message.attributes) {
    if (IsForGateway(source, attribute.name) ||
        named.contains(absl::AsciiStrToLower(attribute.name))) {
      continue;
    }
    attributes.push_back({.name = attribute.name, .value = attribute.value});
  }
  const absl::StatusOr<Headers> kept = KeepForwardable(source, {}, attributes);
  if (!kept.ok()) return Refuse(refusal::kTooLarge, "attributes", "too many or too large");
  for (const Header& header : *kept) {
    headers->push_back({absl::AsciiStrToLower(header.name), header.value});
  }
  if (!message.id.empty() && !named.contains(kMessageIdHeader) && base::IsHeaderValue(message.id)) {
    headers->push_back({std::string(kMessageIdHeader), message.id});
  }
  if (!CheckCustomHeaders(*headers).ok()) {  // each is well-formed, but all of them are too many
    return Refuse(refusal::kTooLarge, "attributes", "too many or too large with custom_headers");
  }
  return std::nullopt;
}

}  // namespace convoy::intake
