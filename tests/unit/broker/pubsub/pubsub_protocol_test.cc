#include "lib/broker/pubsub/pubsub_protocol.h"

#include "absl/strings/match.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/broker/pubsub/service_account_key.h"

namespace convoy::broker {
namespace {

GooglePubSubConfig Config() {
  return {
      .project_id = "p", .subscription_id = "s", .service_account = testing::ServiceAccountKey()};
}

std::string TokenOf(PubSubRequests& requests, absl::Time now) {
  const auto request = requests.Make("pull", "{}", now, absl::Seconds(1));
  return std::string(base::FindHeader(request->headers, "Authorization").value_or("(none)"));
}

TEST_CASE("pubsub_protocol: a request goes to the subscription, with a token") {
  auto requests = PubSubRequests::Make(Config()).value();
  const auto request = requests.Make("pull", "{}", testing::SimEpoch(), absl::Seconds(1)).value();
  CHECK(request.url == "https://pubsub.googleapis.com/v1/projects/p/subscriptions/s:pull");
  CHECK(absl::StartsWith(TokenOf(requests, testing::SimEpoch()), "Bearer ey"));
}

TEST_CASE("pubsub_protocol: a token is made again before it ends and when the clock goes back") {
  auto requests = PubSubRequests::Make(Config()).value();
  const absl::Time begin = testing::SimEpoch();
  const std::string token = TokenOf(requests, begin);
  CHECK(TokenOf(requests, begin + absl::Minutes(54)) == token);
  const std::string second = TokenOf(requests, begin + absl::Minutes(55));
  CHECK(second != token);
  CHECK(TokenOf(requests, begin + absl::Minutes(56)) == second);
  CHECK(TokenOf(requests, begin) == token);
}

TEST_CASE("pubsub_protocol: an emulator gets no token; plain http gets one on this machine only") {
  GooglePubSubConfig config = Config();
  config.endpoint = "http://pubsub.example.com:8085";
  CHECK(PubSubRequests::Make(config).status().message() ==
        "google.endpoint is not https: a service account's token would be sent in the clear");
  config.endpoint = "http://127.0.0.1:8085";
  CHECK(PubSubRequests::Make(config).ok());
  config.service_account.clear();
  config.endpoint = "http://pubsub.example.com:8085";
  auto requests = PubSubRequests::Make(config).value();
  CHECK(TokenOf(requests, testing::SimEpoch()) == "(none)");
}

TEST_CASE("pubsub_protocol: another Google cloud has a domain of its own") {
  GooglePubSubConfig config = Config();
  config.service_account = testing::ServiceAccountKey(R"(,"universe_domain":"example.goog")");
  auto requests = PubSubRequests::Make(config).value();
  CHECK(absl::StartsWith(requests.Make("pull", "{}", testing::SimEpoch(), absl::Seconds(1))->url,
                         "https://pubsub.example.goog/"));
}

TEST_CASE("pubsub_protocol: a configuration that can never work is refused with the field's name") {
  const auto check = [](std::string_view field, auto change) {
    GooglePubSubConfig config = Config();
    change(config);
    const absl::Status status = PubSubRequests::Make(config).status();
    INFO(status);
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(absl::StartsWith(status.message(), field));
  };
  check("google.project_id", [](GooglePubSubConfig& c) { c.project_id = ""; });
  check("google.project_id", [](GooglePubSubConfig& c) { c.project_id = "a/b"; });
  check("google.subscription_id", [](GooglePubSubConfig& c) { c.subscription_id = ""; });
  check("google.subscription_id", [](GooglePubSubConfig& c) { c.subscription_id = "s?x"; });
  check("google.service_account", [](GooglePubSubConfig& c) { c.service_account = ""; });
  check("google.service_account", [](GooglePubSubConfig& c) { c.service_account = "{}"; });
  check("google.endpoint", [](GooglePubSubConfig& c) { c.endpoint = "pubsub"; });
}

TEST_CASE("pubsub_protocol: messages with bytes, attributes, and neither") {
  const auto messages = ReadPulled(R"({"receivedMessages":[
      {"ackId":"a1","message":{"data":"AP/+","attributes":{"kind":"single"},"messageId":"1",
       "publishTime":"2026-05-01T10:00:00Z","orderingKey":"k"}},
      {"ackId":"a2","message":{"messageId":"2"}}]})");
  REQUIRE(messages.ok());
  REQUIRE(messages->size() == 2);
  const ReceivedMessage& first = messages->front();
  CHECK(first.handle == "a1");
  CHECK(first.message.body == std::string("\x00\xff\xfe", 3));
  CHECK(first.message.id == "1");
  CHECK(first.message.redelivery_id == "1@2026-05-01T10:00:00Z");
  CHECK(first.message.attributes ==
        Headers{{"kind", "single"}, {"publishTime", "2026-05-01T10:00:00Z"}, {"orderingKey", "k"}});
  CHECK(messages->back().message.body.empty());
  CHECK(ReadPulled("{}").value().empty());
}

TEST_CASE("pubsub_protocol: an answer that is not Pub/Sub's says so") {
  for (const char* body :
       {"", "<html>", R"({"receivedMessages":{}})", R"({"receivedMessages":[{}]})",
        R"({"receivedMessages":[{"message":{"messageId":"1"}}]})",
        R"({"receivedMessages":[{"ackId":"a","message":{"data":"?"}}]})"}) {
    INFO(body);
    CHECK(ReadPulled(body).status().code() == absl::StatusCode::kUnavailable);
  }
}

TEST_CASE("pubsub_protocol: errors have broker.h's codes and say what to look at") {
  const auto status_of = [](int status, std::string body) {
    return PubSubStatusOf(
        {.outcome = TransportOutcome::kResponse, .http_status = status, .body = std::move(body)},
        "pull", "projects/p/subscriptions/s");
  };
  using Code = absl::StatusCode;
  const std::string error = R"({"error":{"code":1,"message":"said\nmore"}})";
  CHECK(status_of(200, "{}").ok());
  CHECK(status_of(401, error).code() == Code::kUnauthenticated);
  CHECK(status_of(403, error).code() == Code::kPermissionDenied);
  CHECK(status_of(403, error).message() == "said (pull of projects/p/subscriptions/s: status 403)");
  CHECK(status_of(404, error).code() == Code::kNotFound);
  CHECK(status_of(404, "<html>").code() == Code::kUnavailable);
  CHECK(status_of(400, error).code() == Code::kInvalidArgument);
  CHECK(status_of(400, "").code() == Code::kUnavailable);
  CHECK(status_of(429, error).code() == Code::kUnavailable);
  CHECK(status_of(503, error).code() == Code::kUnavailable);
}

}  // namespace
}  // namespace convoy::broker
