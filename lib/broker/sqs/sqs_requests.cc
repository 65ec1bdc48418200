// Builder of SQS requests: a POST of JSON whose operation is named in a header, signed for the
// service "sqs".
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/broker/sqs/region.h"
#include "lib/broker/sqs/sigv4.h"
#include "lib/broker/sqs/sqs_protocol.h"
#include "lib/json/writer.h"

namespace convoy::broker {
namespace {

// Ten messages of 1 MiB whose every character is written as an escape.
constexpr uint64_t kAnswerBytesMax = 32 * 1024 * 1024;

bool IsUrl(std::string_view text) {
  return absl::StartsWith(text, "https://") || absl::StartsWith(text, "http://");
}

// Letters, digits, '-', '_', and the dot of ".fifo".
bool IsQueueName(std::string_view text) {
  constexpr size_t kBytesMax = 80;
  return !text.empty() && text.size() <= kBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
         });
}

absl::StatusOr<Endpoint> EndpointOf(const SqsConfig& config) {
  if (!config.endpoint.empty()) return ParseEndpoint(config.endpoint, "sqs.endpoint");
  if (IsUrl(config.queue_name)) {
    CONVOY_ASSIGN_OR_RETURN(Endpoint endpoint, ParseEndpoint(config.queue_name, "sqs.queue_name"));
    endpoint.path.clear();  // names the queue, and the body does that
    return endpoint;
  }
  return ParseEndpoint(AmazonUrlOf("sqs", config.region), "sqs.default_region");
}

json::Writer& BeginBatch(json::Writer& writer, std::string_view queue_url) {
  return writer.BeginObject().Field("QueueUrl", queue_url).Key("Entries").BeginArray();
}

int64_t Seconds(absl::Duration duration) { return absl::ToInt64Seconds(duration); }

}  // namespace

absl::StatusOr<SqsRequests> SqsRequests::Make(const SqsConfig& config) {
  const auto refuse = [](std::string_view text) { return absl::InvalidArgumentError(text); };
  if (!IsRegion(config.region)) return refuse("sqs.default_region is not the name of a region");
  if (!IsUrl(config.queue_name) && !IsQueueName(config.queue_name)) {
    return refuse("sqs.queue_name is neither a queue's name nor its URL");
  }
  CONVOY_ASSIGN_OR_RETURN(Endpoint endpoint, EndpointOf(config));
  return SqsRequests(config, std::move(endpoint));
}

std::string_view SqsRequests::queue_url() const {
  return IsUrl(config_.queue_name) ? std::string_view(config_.queue_name) : std::string_view();
}

OutgoingRequest SqsRequests::Sign(const AwsKeys& keys, std::string_view action, std::string body,
                                  absl::Time now, absl::Duration timeout) const {
  const std::string path = absl::StrCat(endpoint_.path, "/");
  SigV4Request request = {
      .method = "POST",
      .path = path,
      .headers = {{"Host", endpoint_.authority},
                  {"Content-Type", "application/x-amz-json-1.0"},
                  {"X-Amz-Target", absl::StrCat("AmazonSQS.", action)},
                  {"X-Amz-Date", SigV4Date(now)}},
      .body = body,
  };
  if (!keys.session_token.empty()) {
    request.headers.push_back({"X-Amz-Security-Token", keys.session_token});
  }
  std::string authorization =
      SignV4(request, now, config_.region, "sqs",
             {.access_key_id = keys.access_key_id, .secret_key = keys.secret_key});
  Headers headers = std::move(request.headers);
  headers.push_back({"Authorization", std::move(authorization)});
  return {.method = "POST",
          .url = endpoint_.UrlOf("/"),
          .headers = std::move(headers),
          .body = std::make_shared<const std::string>(std::move(body)),
          .timeout = timeout,
          .response_bytes_max = kAnswerBytesMax};
}

std::string GetQueueUrlBody(std::string_view queue_name) {
  json::Writer writer;
  writer.BeginObject().Field("QueueName", queue_name).EndObject();
  return writer.TakeText();
}

std::string ReceiveBody(std::string_view queue_url, size_t messages_max, int wait_seconds,
                        absl::Duration visibility) {
  json::Writer writer;
  writer.BeginObject()
      .Field("QueueUrl", queue_url)
      .Field("MaxNumberOfMessages", static_cast<uint64_t>(messages_max))
      .Field("WaitTimeSeconds", static_cast<int64_t>(wait_seconds))
      .Field("VisibilityTimeout", Seconds(visibility));
  writer.Key("MessageAttributeNames").BeginArray().String("All").EndArray();
  writer.Key("MessageSystemAttributeNames").BeginArray();
  for (const std::string_view name : {"SentTimestamp", "SenderId", "MessageGroupId",
                                      "MessageDeduplicationId", "AWSTraceHeader"}) {
    writer.String(name);
  }
  writer.EndArray().EndObject();
  return writer.TakeText();
}

std::string LagBody(std::string_view queue_url) {
  json::Writer writer;
  writer.BeginObject().Field("QueueUrl", queue_url);
  writer.Key("AttributeNames").BeginArray().String(kSqsLagAttribute).EndArray().EndObject();
  return writer.TakeText();
}

std::string DeleteBody(std::string_view queue_url, std::span<const std::string> handles) {
  json::Writer writer;
  BeginBatch(writer, queue_url);
  for (size_t i = 0; i < handles.size(); ++i) {
    writer.BeginObject()
        .Field("Id", absl::StrCat(i))
        .Field("ReceiptHandle", handles[i])
        .EndObject();
  }
  writer.EndArray().EndObject();
  return writer.TakeText();
}

std::string ExtendBody(std::string_view queue_url, std::span<const std::string> handles,
                       absl::Duration visibility) {
  json::Writer writer;
  BeginBatch(writer, queue_url);
  for (size_t i = 0; i < handles.size(); ++i) {
    writer.BeginObject()
        .Field("Id", absl::StrCat(i))
        .Field("ReceiptHandle", handles[i])
        .Field("VisibilityTimeout", Seconds(visibility))
        .EndObject();
  }
  writer.EndArray().EndObject();
  return writer.TakeText();
}

}  // namespace convoy::broker
