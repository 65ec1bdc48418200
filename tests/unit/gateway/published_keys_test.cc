// A source whose keys are published, end to end: SNS. The certificate is fetched through the
// gateway's transport, from pinned hosts only; a genuine confirmation is visited once; events then
// flow.
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "lib/base/encoding.h"
#include "lib/crypto/rsa.h"
#include "lib/json/raw.h"
#include "lib/json/writer.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/dispatch/scripted_transport.h"

namespace convoy {
namespace {

using testing::ScriptedTransport;

constexpr const char* kTopic = "arn:aws:sns:eu-west-1:123456789012:topic";
constexpr const char* kCertificate =
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem";
constexpr const char* kConfirm =
    "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";

std::string ReadVector(const std::string& name) {
  std::ifstream file(CONVOY_TEST_DIR "/vectors/crypto/" + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct SnsMessage {
  std::string type = "Notification";
  std::string topic = kTopic;
  std::string certificate_url = kCertificate;
  std::string subscribe_url = kConfirm;
  std::string text = "hello";
  std::string signed_text = "hello";

  // As SNS signs it, with SignatureVersion 2.
  std::string Body() const {
    const bool is_confirmation = type == "SubscriptionConfirmation";
    std::string canonical = "Message\n" + signed_text + "\nMessageId\nm-1\n";
    if (is_confirmation) canonical += "SubscribeURL\n" + subscribe_url + "\n";
    canonical += "Timestamp\n2026-05-01T10:00:00.000Z\n";
    if (is_confirmation) canonical += "Token\nt\n";
    canonical += "TopicArn\n" + topic + "\nType\n" + type + "\n";
    const auto key = crypto::RsaPrivateKey::FromPem(ReadVector("rsa_private.pem")).value();
    json::Writer writer;
    writer.BeginObject()
        .Field("Type", type)
        .Field("MessageId", "m-1")
        .Field("Message", text)
        .Field("Timestamp", "2026-05-01T10:00:00.000Z")
        .Field("TopicArn", topic)
        .Field("SignatureVersion", "2")
        .Field("SigningCertURL", certificate_url)
        .Field("Signature", base::Base64Encode(key.SignPkcs1(canonical).value()));
    if (is_confirmation) writer.Field("SubscribeURL", subscribe_url).Field("Token", "t");
    return std::string(writer.EndObject().text());
  }
};

struct Fixture {
  Fixture() {
    auto sending = std::make_unique<ScriptedTransport>();
    transport = sending.get();
    transport->set_rule([](const OutgoingRequest& request) -> std::optional<TransportResult> {
      TransportResult result = ScriptedTransport::Status(200);
      if (request.url == kCertificate) result.body = ReadVector("rsa_certificate.pem");
      return result;
    });
    clock = std::make_shared<testing::SimClock>();
    GatewayParts parts;
    parts.storage = NewMemoryStorage();
    parts.transport = std::move(sending);
    parts.clock = clock;
    gateway = Gateway::Open({}, std::move(parts)).value();
    key = gateway->Bootstrap().value();
    const std::string project = Field(
        Call("POST", "/api/v1/projects", R"({"name":"p","type":"incoming"})"), "data.project.uid");
    const std::string made =
        Call("POST", "/api/v1/projects/" + project + "/sources",
             R"({"name":"sns","type":"http","verifier":{"type":"preset","preset":{
                 "name":"aws_sns","config":{"topic_arn":"arn:aws:sns:eu-west-1:123456789012:topic"}
                }}})");
    link = "/ingest/" + Field(made, "data.mask_id");
    events = "/api/v1/projects/" + project + "/events";
  }

  static std::string Field(const std::string& body, std::string_view path) {
    const auto value = json::FindPath(body, path, {});
    INFO(body);
    REQUIRE(value.has_value());
    return value->AsScalarText().value_or(std::string(value->text));
  }

  std::string Call(std::string_view method, const std::string& path, std::string_view body) {
    const std::string authorization = "Bearer " + key;
    const std::vector<HeaderView> headers = {{"Authorization", authorization}};
    return gateway->Handle({.method = method, .path = path, .headers = headers, .body = body})
        ->body;
  }

  int Post(const SnsMessage& message) {
    const std::vector<HeaderView> headers = {{"x-amz-sns-message-type", message.type},
                                             {"Content-Type", "text/plain; charset=UTF-8"}};
    const std::string body = message.Body();
    return gateway->Handle({.method = "POST", .path = link, .headers = headers, .body = body})
        ->status;
  }

  // Posts until the certificate that it names is here.
  int PostAndFetch(const SnsMessage& message) {
    const int first = Post(message);
    if (first != 503) return first;
    Drive();
    return Post(message);
  }

  void Drive() {
    for (int i = 0; i < 4; ++i) REQUIRE(gateway->Step().ok());
  }

  bool HasEvents() { return Field(Call("GET", events, ""), "data.content") != "[]"; }

  ScriptedTransport* transport = nullptr;
  std::shared_ptr<testing::SimClock> clock;
  std::unique_ptr<Gateway> gateway;
  std::string key, link, events;
};

TEST_CASE(
    "published keys: a genuine confirmation of SNS is visited, and then events are accepted") {
  Fixture sns;
  CHECK(sns.Post({.type = "SubscriptionConfirmation"}) == 503);  // its certificate is on its way
  sns.Drive();
  CHECK(sns.transport->sent_count_to(kCertificate) == 1);
  CHECK(sns.transport->sent_count_to(kConfirm) == 0);
  CHECK(sns.Post({.type = "SubscriptionConfirmation"}) == 200);
  sns.Drive();
  CHECK(sns.transport->sent_count_to(kConfirm) == 1);
  CHECK(sns.transport->sent().back().method == "GET");
  CHECK_FALSE(sns.HasEvents());
  CHECK(sns.Post({}) == 200);
  CHECK(sns.HasEvents());
  CHECK(sns.transport->sent_count_to(kCertificate) == 1);
}

TEST_CASE("published keys: neither a forged nor a stranger's confirmation is visited") {
  Fixture sns;
  REQUIRE(sns.PostAndFetch({}) == 200);
  const size_t sent_before = sns.transport->sent().size();
  for (const SnsMessage& message :
       {SnsMessage{.type = "SubscriptionConfirmation", .text = "other"},
        // A topic of another account, signed by SNS all the same.
        SnsMessage{.type = "SubscriptionConfirmation", .topic = "arn:aws:sns:eu-west-1:666:topic"},
        SnsMessage{.topic = "arn:aws:sns:eu-west-1:666:topic"}, SnsMessage{.text = "other"}}) {
    CHECK(sns.Post(message) == 400);
    sns.Drive();
    CHECK(sns.transport->sent().size() == sent_before);
  }
  // Validly signed, but leading elsewhere: accepted as an event, for inspection.
  for (const char* url :
       {"https://evil.test/?Action=ConfirmSubscription",
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.s3.amazonaws.com/", "https://sns.eu-west-1.amazonaws.com:8443/",
        "https://169.254.169.254/", "https://u@sns.eu-west-1.amazonaws.com/"}) {
    sns.Post({.type = "SubscriptionConfirmation", .subscribe_url = url});
    sns.Drive();
    CHECK(sns.transport->sent().size() == sent_before);
  }
}

TEST_CASE("published keys: a certificate is fetched from the provider's hosts only") {
  Fixture sns;
  for (const char* url : {"https://evil.test/SimpleNotificationService-1.pem",
                          "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
                          "https://sns.eu-west-1.amazonaws.com.evil.test/1.pem",
                          "https://sns.s3-us-west-2.amazonaws.com/1.pem", "https://127.0.0.1/1.pem",
                          "https://sns.eu-west-1.amazonaws.com/1.txt",
                          "https://sns.eu-west-1.amazonaws.com/?x=.pem"}) {
    INFO(url);
    CHECK(sns.Post({.certificate_url = url}) == 400);
    sns.Drive();
  }
  CHECK(sns.transport->sent().empty());
  // A pinned host that answers with no certificate: try again later, and do not ask in a loop.
  const std::string empty = "https://sns.eu-west-1.amazonaws.com/other.pem";
  for (int i = 0; i < 20; ++i) {
    CHECK(sns.Post({.certificate_url = empty}) == 503);
    sns.Drive();
  }
  CHECK(sns.transport->sent_count_to(empty) == 1);
}

}  // namespace
}  // namespace convoy
