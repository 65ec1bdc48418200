#include "lib/broker/sqs/sqs_protocol.h"

#include "absl/strings/match.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/support/sim_clock.h"

namespace convoy::broker {
namespace {

constexpr std::string_view kSecret = "hush-hush/secret";

SqsConfig Config() { return {.queue_name = "orders", .region = "eu-central-1"}; }

const AwsKeys kKeys = {.access_key_id = "AKIDEXAMPLE", .secret_key = std::string(kSecret)};

OutgoingRequest Sign(const SqsConfig& config, const AwsKeys& keys = kKeys) {
  return SqsRequests::Make(config).value().Sign(keys, "ReceiveMessage", "{}", testing::SimEpoch(),
                                                absl::Seconds(1));
}

std::string HeaderOf(const OutgoingRequest& request, std::string_view name) {
  return std::string(base::FindHeader(request.headers, name).value_or("(none)"));
}

TransportResult Answer(int status, std::string body) {
  return {.outcome = TransportOutcome::kResponse, .http_status = status, .body = std::move(body)};
}

TEST_CASE("sqs_protocol: a request goes to the region's endpoint, signed, without the secret") {
  const OutgoingRequest request = Sign(Config());
  CHECK(request.url == "https://sqs.eu-central-1.amazonaws.com/");
  CHECK(HeaderOf(request, "Host") == "sqs.eu-central-1.amazonaws.com");
  CHECK(HeaderOf(request, "Content-Type") == "application/x-amz-json-1.0");
  CHECK(HeaderOf(request, "X-Amz-Target") == "AmazonSQS.ReceiveMessage");
  CHECK(HeaderOf(request, "X-Amz-Date") == "20260501T100000Z");
  CHECK(
      absl::StartsWith(HeaderOf(request, "Authorization"),
                       "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260501/eu-central-1/sqs/"
                       "aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, "));
  for (const Header& header : request.headers)
    CHECK_FALSE(absl::StrContains(header.value, kSecret));
}

TEST_CASE("sqs_protocol: where requests go") {
  SqsConfig config = Config();
  config.region = "cn-north-1";
  CHECK(Sign(config).url == "https://sqs.cn-north-1.amazonaws.com.cn/");
  config.queue_name = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders";
  CHECK(Sign(config).url == "https://sqs.eu-central-1.amazonaws.com/");
  CHECK(SqsRequests::Make(config).value().queue_url() == config.queue_name);
  config.endpoint = "http://localhost:9324/sqs";
  CHECK(Sign(config).url == "http://localhost:9324/sqs/");
  CHECK(HeaderOf(Sign(config), "Host") == "localhost:9324");
  CHECK(SqsRequests::Make(Config()).value().queue_url().empty());
}

TEST_CASE("sqs_protocol: a session token is sent and signed") {
  AwsKeys keys = kKeys;
  keys.session_token = "token==";
  const OutgoingRequest request = Sign(Config(), keys);
  CHECK(HeaderOf(request, "X-Amz-Security-Token") == "token==");
  CHECK(absl::StrContains(HeaderOf(request, "Authorization"), ";x-amz-security-token;"));
}

TEST_CASE("sqs_protocol: a configuration that can never work is refused with the field's name") {
  const auto check = [](std::string_view field, auto change) {
    SqsConfig config = Config();
    change(config);
    const absl::Status status = SqsRequests::Make(config).status();
    INFO(status);
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(absl::StartsWith(status.message(), field));
  };
  check("sqs.queue_name", [](SqsConfig& c) { c.queue_name = ""; });
  check("sqs.queue_name", [](SqsConfig& c) { c.queue_name = "a queue"; });
  check("sqs.queue_name", [](SqsConfig& c) { c.queue_name = "https://u:p@host/q"; });
  check("sqs.default_region", [](SqsConfig& c) { c.region = ""; });
  check("sqs.default_region", [](SqsConfig& c) { c.region = "evil.example.com/"; });
  check("sqs.endpoint", [](SqsConfig& c) { c.endpoint = "localhost:9324"; });
}

TEST_CASE("sqs_protocol: messages with their attributes, the sender's first") {
  const auto messages = ReadMessages(R"({"Messages":[{
      "MessageId":"m1","ReceiptHandle":"r1","Body":"{\"a\":\"\u00e9\ud83d\ude00\"}",
      "Attributes":{"SentTimestamp":"1777629600000","SenderId":"AIDA"},
      "MessageAttributes":{
        "kind":{"DataType":"String","StringValue":"single"},
        "count":{"DataType":"Number.int","StringValue":"3"},
        "bytes":{"DataType":"Binary.png","BinaryValue":"AAEC"}}},
      {"MessageId":"m2","ReceiptHandle":"r2","Body":""}]})");
  REQUIRE(messages.ok());
  REQUIRE(messages->size() == 2);
  const ReceivedMessage& first = messages->front();
  CHECK(first.handle == "r1");
  CHECK(first.message.id == "m1");
  CHECK(first.message.redelivery_id == "m1");
  CHECK(first.message.body == "{\"a\":\"\u00e9\U0001f600\"}");
  CHECK(first.message.attributes == Headers{{"kind", "single"},
                                            {"count", "3"},
                                            {"bytes", "AAEC"},
                                            {"SentTimestamp", "1777629600000"},
                                            {"SenderId", "AIDA"}});
  CHECK(messages->back().message.body.empty());
  CHECK(ReadMessages("{}").value().empty());
  CHECK(ReadMessages(R"({"Messages":null})").value().empty());
}

TEST_CASE("sqs_protocol: an answer that is not SQS's says so") {
  for (const char* body : {"", "[]", "<html>", R"({"Messages":{}})", R"({"Messages":[1]})",
                           R"({"Messages":[{"Body":"no handle"}]})",
                           R"({"Messages":[{"ReceiptHandle":"r","MessageAttributes":[]}]})"}) {
    INFO(body);
    CHECK(ReadMessages(body).status().code() == absl::StatusCode::kUnavailable);
  }
  CHECK_FALSE(ReadQueueUrl("{}").ok());
  CHECK(ReadQueueUrl(R"({"QueueUrl":"http://q"})").value() == "http://q");
}

TEST_CASE("sqs_protocol: entries of a batch that failed") {
  CHECK(ReadFailedEntries(R"({"Successful":[{"Id":"0"}]})").value().empty());
  const auto failed = ReadFailedEntries(R"({"Failed":[
      {"Id":"0","Code":"ReceiptHandleIsInvalid","SenderFault":true},
      {"Id":"1","Code":"InternalError","SenderFault":false}]})");
  REQUIRE(failed.ok());
  REQUIRE(failed->size() == 2);
  CHECK(failed->at(0).is_final);
  CHECK(failed->at(0).code == "ReceiptHandleIsInvalid");
  CHECK_FALSE(failed->at(1).is_final);
}

TEST_CASE("sqs_protocol: errors have broker.h's codes, however they are spelt") {
  const auto code_of = [](int status, std::string body) {
    return SqsStatusOf(Answer(status, std::move(body)), "ReceiveMessage", Config()).code();
  };
  using Code = absl::StatusCode;
  CHECK(code_of(200, "{}") == Code::kOk);
  CHECK(code_of(400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist"})") == Code::kNotFound);
  CHECK(code_of(400, R"({"__type":"AWS.SimpleQueueService.NonExistentQueue"})") == Code::kNotFound);
  CHECK(code_of(403, R"({"__type":"InvalidClientTokenId"})") == Code::kUnauthenticated);
  CHECK(code_of(400, R"({"__type":"x#UnrecognizedClientException"})") == Code::kUnauthenticated);
  CHECK(code_of(403, R"({"__type":"SignatureDoesNotMatch"})") == Code::kUnauthenticated);
  CHECK(code_of(403, R"({"__type":"ExpiredTokenException"})") == Code::kUnauthenticated);
  CHECK(code_of(400, R"({"__type":"RequestTimeTooSkewed"})") == Code::kUnauthenticated);
  CHECK(code_of(400, R"({"__type":"AccessDeniedException"})") == Code::kPermissionDenied);
  CHECK(code_of(403, R"({"__type":"SomethingNew"})") == Code::kPermissionDenied);
  CHECK(code_of(400, R"({"__type":"ThrottlingException"})") == Code::kUnavailable);
  CHECK(code_of(400, R"({"__type":"InvalidParameterValue"})") == Code::kInvalidArgument);
  CHECK(code_of(500, R"({"__type":"InternalFailure"})") == Code::kUnavailable);
  CHECK(code_of(403, "<E><Code>SignatureDoesNotMatch</Code></E>") == Code::kUnauthenticated);
  CHECK(code_of(503, "busy") == Code::kUnavailable);
  CHECK(code_of(404, "<html>") == Code::kUnavailable);
  CHECK(code_of(301, "") == Code::kUnavailable);
}

TEST_CASE("sqs_protocol: errors say what to look at and never quote a refused request") {
  const absl::Status status = SqsStatusOf(
      Answer(403,
             R"({"__type":"InvalidSignatureException","message":"x-amz-security-token:hush"})"),
      "DeleteMessageBatch", Config());
  CHECK(status.message() ==
        "the secret key is not that of the access key (DeleteMessageBatch in eu-central-1: "
        "InvalidSignature)");
  CHECK(absl::StartsWith(SqsStatusOf(Answer(403, R"({"__type":"InvalidSignatureException",
                                  "message":"Signature expired: 20260501T100000Z is earlier"})"),
                                     "ReceiveMessage", Config())
                             .message(),
                         "the clock of this machine"));
  CHECK(absl::StartsWith(
      SqsStatusOf(Answer(400, R"({"__type":"x#InvalidAttributeName","message":"bad\nSecond"})"),
                  "ReceiveMessage", Config())
          .message(),
      "bad ("));
}

}  // namespace
}  // namespace convoy::broker
