// Requests and responses of Pub/Sub's REST interface; see pubsub_protocol.h.
#include "lib/broker/pubsub/pubsub_protocol.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/broker/web/fields.h"
#include "lib/broker/web/http_caller.h"
#include "lib/json/raw.h"
#include "lib/json/writer.h"

namespace convoy::broker {
namespace {

// A message has 10 MB at most, and a third more as base64.
constexpr uint64_t kAnswerBytesMax = 32 * 1024 * 1024;
constexpr json::Limits kLimits = {.bytes_max = kAnswerBytesMax, .depth_max = 16};
// Before its end: for what is under way and for clocks that differ.
constexpr absl::Duration kTokenMargin = absl::Minutes(5);

absl::Status CheckName(std::string_view name, std::string_view field) {
  constexpr size_t kBytesMax = 255;
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || std::string_view("-_.~+%:").find(c) != std::string_view::npos;
  });
  if (!name.empty() && name.size() <= kBytesMax && is_plain) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, name.empty() ? " must not be empty" : " is not an id of that kind"));
}

absl::StatusOr<Endpoint> EndpointOf(const GooglePubSubConfig& config,
                                    const std::optional<ServiceAccount>& account) {
  if (config.endpoint.empty()) {
    if (!account.has_value()) {
      return absl::InvalidArgumentError("google.service_account must not be empty");
    }
    return Endpoint{.scheme = "https",
                    .authority = absl::StrCat("pubsub.", account->universe_domain())};
  }
  CONVOY_ASSIGN_OR_RETURN(Endpoint endpoint, ParseEndpoint(config.endpoint, "google.endpoint"));
  if (account.has_value() && endpoint.scheme == "http" && !IsLoopback(endpoint)) {
    return absl::InvalidArgumentError(
        "google.endpoint is not https: a service account's token would be sent in the clear");
  }
  return endpoint;
}

void WriteAckIds(json::Writer& writer, std::span<const std::string> ack_ids) {
  writer.Key("ackIds").BeginArray();
  for (const std::string& ack_id : ack_ids) writer.String(ack_id);
  writer.EndArray();
}

absl::StatusOr<ReceivedMessage> ReadMessage(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject object, json::ScanObject(text, kLimits));
  const json::RawValue* const inner = object.Find("message");
  if (inner == nullptr) return absl::InvalidArgumentError("a received message without a message");
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject given, json::ScanObject(inner->text, kLimits));
  ReceivedMessage received;
  received.handle = TextOf(object, "ackId");
  if (received.handle.empty()) return absl::InvalidArgumentError("a message without an ack id");
  BrokerMessage& message = received.message;
  if (const json::RawValue* attributes = given.Find("attributes"); attributes != nullptr) {
    CONVOY_ASSIGN_OR_RETURN(const json::RawObject members,
                            json::ScanObject(attributes->text, kLimits));
    for (const json::RawMember& member : members.members) {
      message.attributes.push_back(
          {.name = member.key, .value = member.value.AsString().value_or("")});
    }
  }
  for (const std::string_view name : {"publishTime", "orderingKey"}) {
    std::string value = TextOf(given, name);
    if (!value.empty()) message.attributes.push_back({std::string(name), std::move(value)});
  }
  std::optional<std::string> data = base::Base64Decode(TextOf(given, "data"));
  if (!data.has_value()) return absl::InvalidArgumentError("data that is not base64");
  message.body = *std::move(data);
  message.id = TextOf(given, "messageId");
  message.key = TextOf(given, "orderingKey");
  if (!message.id.empty()) {
    message.redelivery_id = absl::StrCat(message.id, "@", TextOf(given, "publishTime"));
  }
  return received;
}

absl::Status NotPubSub(std::string_view what) {
  return absl::UnavailableError(
      absl::StrCat("google.endpoint does not answer as Pub/Sub does: ", what));
}

}  // namespace

std::string PubSubRequests::place() const {
  return absl::StrCat("pubsub/", endpoint_.authority, "/", subscription_);
}

absl::StatusOr<PubSubRequests> PubSubRequests::Make(const GooglePubSubConfig& config) {
  CONVOY_RETURN_IF_ERROR(CheckName(config.project_id, "google.project_id"));
  CONVOY_RETURN_IF_ERROR(CheckName(config.subscription_id, "google.subscription_id"));
  std::optional<ServiceAccount> account;
  if (!config.service_account.empty()) {
    CONVOY_ASSIGN_OR_RETURN(account, ServiceAccount::Parse(config.service_account));
  }
  CONVOY_ASSIGN_OR_RETURN(Endpoint endpoint, EndpointOf(config, account));
  std::string subscription =
      absl::StrCat("projects/", config.project_id, "/subscriptions/", config.subscription_id);
  return PubSubRequests(std::move(endpoint), std::move(subscription), std::move(account));
}

absl::StatusOr<OutgoingRequest> PubSubRequests::Make(std::string_view verb, std::string body,
                                                     absl::Time now, absl::Duration timeout) {
  Headers headers = {{"Content-Type", "application/json"}};
  if (account_.has_value()) {
    // Also after a clock was set back: a token from the future is not valid yet.
    const absl::Duration age = now - token_made_at_;
    if (age < absl::ZeroDuration() || age >= ServiceAccount::kLifetime - kTokenMargin) {
      const std::string audience =
          absl::StrCat("https://pubsub.", account_->universe_domain(), "/");
      CONVOY_ASSIGN_OR_RETURN(token_, account_->MakeToken(audience, now));
      token_made_at_ = now;
    }
    headers.push_back({"Authorization", absl::StrCat("Bearer ", token_)});
  }
  return OutgoingRequest{.method = "POST",
                         .url = endpoint_.UrlOf(absl::StrCat("/v1/", subscription_, ":", verb)),
                         .headers = std::move(headers),
                         .body = std::make_shared<const std::string>(std::move(body)),
                         .timeout = timeout,
                         .response_bytes_max = kAnswerBytesMax};
}

std::string PullBody(size_t messages_max, bool at_once) {
  json::Writer writer;
  writer.BeginObject().Field("maxMessages", static_cast<uint64_t>(messages_max));
  if (at_once) writer.Field("returnImmediately", true);
  writer.EndObject();
  return writer.TakeText();
}

std::string AcknowledgeBody(std::span<const std::string> ack_ids) {
  json::Writer writer;
  writer.BeginObject();
  WriteAckIds(writer, ack_ids);
  writer.EndObject();
  return writer.TakeText();
}

std::string ExtendBody(std::span<const std::string> ack_ids, absl::Duration deadline) {
  json::Writer writer;
  writer.BeginObject();
  WriteAckIds(writer, ack_ids);
  writer.Field("ackDeadlineSeconds", absl::ToInt64Seconds(deadline)).EndObject();
  return writer.TakeText();
}

absl::Status PubSubStatusOf(const TransportResult& result, std::string_view verb,
                            std::string_view subscription) {
  if (result.outcome != TransportOutcome::kResponse) return TransportFailure(result);
  if (result.http_status == 200) return absl::OkStatus();
  const auto object = json::ScanObject(result.body, kLimits);
  const json::RawValue* const inner = object.ok() ? object->Find("error") : nullptr;
  const auto error = json::ScanObject(inner == nullptr ? "{}" : inner->text, kLimits);
  const std::string said = error.ok() ? OneLine(TextOf(*error, "message")) : "";
  const std::string where =
      absl::StrCat(" (", verb, " of ", subscription, ": status ", result.http_status, ")");
  switch (result.http_status) {
    case 401:
      return absl::UnauthenticatedError(absl::StrCat(
          "Google does not accept the service account's token: is its key still valid, and this "
          "machine's clock right?",
          where));
    case 403:
      return absl::PermissionDeniedError(absl::StrCat(said, where));
    case 404:
      if (inner == nullptr) return NotPubSub("status 404");
      return absl::NotFoundError(absl::StrCat("there is no such subscription", where));
    case 429:
      return absl::UnavailableError(absl::StrCat("the quota is used up: ", said, where));
    default:
      break;
  }
  if (inner == nullptr) return NotPubSub(absl::StrCat("status ", result.http_status));
  const auto code = result.http_status >= 500 ? absl::StatusCode::kUnavailable
                                              : absl::StatusCode::kInvalidArgument;
  return absl::Status(code, absl::StrCat(said, where));
}

absl::StatusOr<std::vector<ReceivedMessage>> ReadPulled(std::string_view body) {
  const auto object = json::ScanObject(body, kLimits);
  if (!object.ok()) return NotPubSub(object.status().message());
  std::vector<ReceivedMessage> messages;
  const json::RawValue* const list = object->Find("receivedMessages");
  if (list == nullptr) return messages;
  const auto elements = json::ScanArray(list->text, kLimits);
  if (!elements.ok()) return NotPubSub(elements.status().message());
  for (const json::RawValue& element : *elements) {
    auto message = ReadMessage(element.text);
    if (!message.ok()) return NotPubSub(message.status().message());
    messages.push_back(*std::move(message));
  }
  return messages;
}

}  // namespace convoy::broker
