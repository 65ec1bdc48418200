// Sources without an access key: refused unless the host allows it, and then read with its own.
#include <atomic>

#include "absl/strings/match.h"
#include <catch2/catch.hpp>

#include "tests/unit/broker/sqs/scripted_sts.h"

namespace convoy {
namespace {

using testing::BrokerFixture;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;
using testing::ScriptedService;

Source SourceWithout(std::string queue_name = "https://elsewhere.example.com/1/orders") {
  Source source;
  source.broker = SqsConfig{.queue_name = std::move(queue_name), .region = "eu-central-1"};
  return source;
}

SqsConfig& SqsOf(Source& source) { return std::get<SqsConfig>(source.broker); }

std::shared_ptr<Broker> BrokerWith(SqsOptions options) {
  return NewSqsBroker(std::move(options)).value();
}

bool IsSignedBy(const ReceivedRequest& request, std::string_view access_key_id) {
  return absl::StrContains(request.head, absl::StrCat(" Credential=", access_key_id, "/"));
}

TEST_CASE("own_credentials: a source without a key is refused unless the host allows it") {
  BrokerFixture fixture;
  for (const auto& broker : {NewSqsBroker(), BrokerWith({})}) {
    const absl::Status status = broker->Open(SourceWithout(), "c", fixture.env()).status();
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(absl::StartsWith(status.message(), "sqs.access_key_id is missing: "));
  }
}

TEST_CASE("own_credentials: half of a key is never completed with the host's") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest&) { return ScriptedAnswer{}; });
  const auto broker = BrokerWith(
      {.own_credentials = AwsKeys{"AKIDHOST", "secret", ""}, .own_endpoint = service.endpoint()});
  const auto check = [&](std::string_view field, auto change) {
    Source source = SourceWithout();
    change(SqsOf(source));
    const absl::Status status = broker->Open(source, "c", fixture.env()).status();
    INFO(status);
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(absl::StartsWith(status.message(), field));
    CHECK_FALSE(absl::StrContains(status.message(), "hush"));
  };
  check("sqs.access_key_id", [](SqsConfig& c) { c.secret_key = "hush"; });
  check("sqs.secret_key", [](SqsConfig& c) { c.access_key_id = "AKIDHUSH"; });
  check("sqs.access_key_id", [](SqsConfig& c) { c.session_token = "hush"; });
  check("sqs.access_key_id", [](SqsConfig& c) {
    c.access_key_id = "hush\r\n";
    c.secret_key = "hush";
  });
  check("sqs.session_token", [](SqsConfig& c) {
    c.access_key_id = "AKIDHUSH";
    c.secret_key = "hush";
    c.session_token = "hush\n";
  });
  CHECK(service.requests().empty());
}

TEST_CASE("own_credentials: the host's keys sign, and go only where the host says") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest&) { return ScriptedAnswer{}; });
  ScriptedService stranger([](const ReceivedRequest&) { return ScriptedAnswer{}; });
  const auto broker = BrokerWith({.own_credentials = AwsKeys{"ASIAHOST", "secret", "session"},
                                  .own_endpoint = service.endpoint()});
  CHECK(broker->Open(SourceWithout(stranger.endpoint() + "/1/orders"), "c", fixture.env()).ok());
  REQUIRE(service.requests().size() == 2);
  for (const ReceivedRequest& request : service.requests()) {
    CHECK(IsSignedBy(request, "ASIAHOST"));
    CHECK(absl::StrContains(request.head, "X-Amz-Security-Token: session\r\n"));
    CHECK_FALSE(absl::StrContains(request.head, "secret"));
  }
  Source source = SourceWithout();
  SqsOf(source).endpoint = stranger.endpoint();
  const absl::Status status = broker->Open(source, "c", fixture.env()).status();
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(absl::StartsWith(status.message(), "sqs.endpoint "));
  CHECK(stranger.requests().empty());
  // A source with a key goes its own way.
  SqsOf(source).access_key_id = "AKIDSOURCE";
  SqsOf(source).secret_key = "another";
  CHECK(broker->Open(source, "c", fixture.env()).ok());
  REQUIRE(stranger.requests().size() == 2);
  CHECK(IsSignedBy(stranger.requests().front(), "AKIDSOURCE"));
}

TEST_CASE("own_credentials: a session is shared by consumers, and another had when it is refused") {
  BrokerFixture fixture;
  testing::TokenFile file;
  int sessions = 0;
  ScriptedService sts([&](const ReceivedRequest&) {
    return testing::AssumedRole(++sessions, fixture.clock().Now() + absl::Hours(1));
  });
  std::atomic<bool> is_first_good = true;
  ScriptedService service([&](const ReceivedRequest& request) {
    if (is_first_good || !IsSignedBy(request, "ASIA1")) return ScriptedAnswer{};
    return ScriptedAnswer{.status = 403, .body = R"({"__type":"ExpiredTokenException"})"};
  });
  const auto broker = BrokerWith(
      {.own_credentials = testing::IdentityAt(sts, file), .own_endpoint = service.endpoint()});
  const auto consumer = broker->Open(SourceWithout(), "c1", fixture.env()).value();
  REQUIRE(broker->Open(SourceWithout(), "c2", fixture.env()).ok());
  CHECK(sessions == 1);
  for (const ReceivedRequest& request : service.requests()) CHECK(IsSignedBy(request, "ASIA1"));
  is_first_good = false;
  CHECK(absl::IsUnauthenticated(consumer->Poll({}, absl::Seconds(60)).status()));
  const absl::Time deadline = fixture.clock().Now() + absl::Minutes(2);
  absl::StatusOr<std::unique_ptr<BrokerConsumer>> next;
  do {
    next = broker->Open(SourceWithout(), "c1", fixture.env());
  } while (!next.ok() && fixture.clock().Now() < deadline);
  CHECK(next.ok());
  CHECK(sessions == 2);
  CHECK(IsSignedBy(service.requests().back(), "ASIA2"));
}

TEST_CASE("own_credentials: options that can never work are refused with their names") {
  const auto check = [](std::string_view option, SqsOptions options) {
    const absl::Status status = NewSqsBroker(std::move(options)).status();
    INFO(status);
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(absl::StartsWith(status.message(), option));
  };
  check("own_credentials.access_key_id", {.own_credentials = AwsKeys{"", "secret", ""}});
  check("own_credentials.secret_key", {.own_credentials = AwsKeys{"AKID", "", ""}});
  check("web_identity.role_arn", {.own_credentials = AwsWebIdentity{}});
  check("own_endpoint", {.own_endpoint = "sqs.example.com"});
}

}  // namespace
}  // namespace convoy
