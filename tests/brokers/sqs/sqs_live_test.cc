// The adapter against two real servers: the conformance suite, and what is SQS's own.
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/brokers/live_cases.h"
#include "tests/brokers/sqs/sqs_bench.h"

namespace convoy::testing {
namespace {

// One of each for all tests; stopped when the program ends.
SqsBench& ElasticMq() {
  static const std::unique_ptr<SqsBench> bench = SqsBench::StartElasticMq().value();
  return *bench;
}
SqsBench& Moto() {
  static const std::unique_ptr<SqsBench> bench = SqsBench::StartMoto().value();
  return *bench;
}

// Asks the server for credentials: (key, secret) or (key, secret, token).
Source WithCredentials(Source source, std::string_view call, std::string_view actions) {
  const auto answer = Moto().server().Call(call, absl::StrCat("\"arguments\":", actions));
  REQUIRE(answer.ok());
  const json::Value& credentials = (*answer)["answer"];
  SqsOf(source).access_key_id = credentials[0].GetString();
  SqsOf(source).secret_key = credentials[1].GetString();
  if (credentials.Size() > 2) SqsOf(source).session_token = credentials[2].GetString();
  return source;
}

constexpr std::string_view kReading = R"(["sqs:GetQueueUrl","sqs:ReceiveMessage",)"
                                      R"("sqs:DeleteMessage*","sqs:ChangeMessageVisibility*"])";

TEST_CASE("sqs: the adapter does what every adapter must do, with ElasticMQ") {
  CheckConformance(ElasticMq(), 16);
  CheckThousands(ElasticMq());
  CheckAbandonedPoll(ElasticMq());
}

TEST_CASE("sqs: the adapter does what every adapter must do, with moto") {
  CheckConformance(Moto(), 16);
}

TEST_CASE("sqs: attributes of every type that boto3 sends") {
  const Source source = ElasticMq().NewQueue().value();
  REQUIRE(ElasticMq()
              .server()
              .Call("produce", absl::StrCat("\"queue\":", ElasticMq().NumberOf(source), R"(,
                    "messages":[{"body":"e30=","attributes":{
                      "text":"gr\u00fcn",
                      "number":{"DataType":"Number.int","StringValue":"3"},
                      "bytes":{"DataType":"Binary","BinaryValue":"\u0000\u0001"}}}])"))
              .ok());
  const auto consumer = OpenAt(ElasticMq(), source).value();
  const auto got = PollUntil(*consumer, 1);
  REQUIRE(got.size() == 1);
  const auto value_of = [&](std::string_view name) {
    return base::FindHeader(got[0].attributes, name).value_or("(none)");
  };
  CHECK(value_of("text") == "grün");
  CHECK(value_of("number") == "3");
  CHECK(value_of("bytes") == "AAE=");
  CHECK(value_of("SentTimestamp").size() == 13);
}

TEST_CASE("sqs: a queue by its URL") {
  Source source = ElasticMq().NewQueue().value();
  SqsConfig& config = SqsOf(source);
  config.queue_name = absl::StrCat(config.endpoint, "/000000000000/", config.queue_name);
  config.endpoint.clear();
  const BenchMessage messages[] = {{.body = "a"}};
  REQUIRE(ElasticMq().Publish(source, messages).ok());
  const auto consumer = OpenAt(ElasticMq(), source).value();
  CHECK(PollUntil(*consumer, 1).size() == 1);
  config.queue_name += "-missing";
  CHECK(absl::IsNotFound(OpenAt(ElasticMq(), source).status()));
}

TEST_CASE("sqs: temporary credentials work with their token and not without") {
  const Source queue = Moto().NewQueue().value();
  Source source = WithCredentials(queue, "new_session", kReading);
  const BenchMessage messages[] = {{.body = "a"}};
  REQUIRE(Moto().Publish(queue, messages).ok());
  const auto consumer = OpenAt(Moto(), source).value();
  const auto got = PollUntil(*consumer, 1);
  CHECK(got.size() == 1);
  CHECK(consumer->Acknowledge(got).ok());
  SqsOf(source).session_token = "another";
  CHECK(absl::IsUnauthenticated(OpenAt(Moto(), source).status()));
}

TEST_CASE("sqs: what is missing or forbidden is told by its kind") {
  const Source queue = Moto().NewQueue().value();
  Source stranger = queue;
  SqsOf(stranger).access_key_id = "AKIDNOBODY";
  CHECK(absl::IsUnauthenticated(OpenAt(Moto(), stranger).status()));
  const auto open_with = [&](std::string_view actions) {
    return OpenAt(Moto(), WithCredentials(queue, "new_user", actions));
  };
  CHECK(absl::IsPermissionDenied(open_with(R"(["sqs:ReceiveMessage"])").status()));
  CHECK(absl::IsPermissionDenied(open_with(R"(["sqs:GetQueueUrl"])").status()));

  constexpr std::string_view kMayNotDelete = R"(["sqs:GetQueueUrl","sqs:ReceiveMessage"])";
  CHECK(absl::IsPermissionDenied(open_with(kMayNotDelete).status()));
  constexpr std::string_view kMayNotExtend =
      R"(["sqs:GetQueueUrl","sqs:ReceiveMessage","sqs:DeleteMessage*"])";
  const BenchMessage messages[] = {{.body = "a"}};
  REQUIRE(Moto().Publish(queue, messages).ok());
  const auto may_not_extend = open_with(kMayNotExtend).value();
  const auto got = PollUntil(*may_not_extend, 1);
  CHECK(absl::IsPermissionDenied(may_not_extend->Extend(got)));
  CHECK(may_not_extend->Acknowledge(got).ok());
}

TEST_CASE("sqs: credentials that are revoked while a consumer reads are an error of its poll") {
  const Source source = WithCredentials(Moto().NewQueue().value(), "new_user", kReading);
  const auto consumer = OpenAt(Moto(), source).value();
  const std::string key_id = std::get<SqsConfig>(source.broker).access_key_id;
  REQUIRE(Moto().server().Call("revoke", absl::StrCat("\"arguments\":[\"", key_id, "\"]")).ok());
  CHECK(absl::IsUnauthenticated(consumer->Poll({}, absl::Seconds(60)).status()));
}

}  // namespace
}  // namespace convoy::testing
