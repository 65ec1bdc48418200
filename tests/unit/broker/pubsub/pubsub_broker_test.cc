// Cases beyond Google's emulator, against which the conformance suite runs.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/unit/broker/pubsub/service_account_key.h"
#include "tests/unit/broker/web/scripted_service.h"

namespace convoy {
namespace {

using testing::BrokerFixture;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;
using testing::ScriptedService;

Source SourceOf(const ScriptedService& service, std::string service_account = "") {
  Source source;
  source.broker = GooglePubSubConfig{.project_id = "p",
                                     .subscription_id = "s",
                                     .service_account = std::move(service_account),
                                     .endpoint = service.endpoint()};
  return source;
}

bool Asks(const ReceivedRequest& request, std::string_view verb) {
  return absl::StrContains(request.head, absl::StrCat(":", verb, " HTTP/1.1\r\n"));
}

std::string Messages(int count, std::string_view data = "e30=") {
  std::string text = "{\"receivedMessages\":[";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",", "{\"ackId\":\"a", i,
                    "\",\"message\":{\"messageId\":\"", i, "\",\"data\":\"", data, "\"}}");
  }
  return text + "]}";
}

TEST_CASE("pubsub_broker: more than was asked for waits for the next poll, and is kept meanwhile") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) {
    return ScriptedAnswer{.body = Asks(request, "pull") ? Messages(10) : "{}"};
  });
  auto consumer = NewGooglePubSubBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({.messages_max = 4}, absl::Seconds(30)).value();
  REQUIRE(polled.size() == 4);
  CHECK(consumer->Extend(polled).ok());
  CHECK(absl::StrContains(service.requests().back().body, R"("a9"],"ackDeadlineSeconds":30})"));
  CHECK(consumer->Acknowledge(polled).ok());
  CHECK(service.requests().back().body == R"({"ackIds":["a0","a1","a2","a3"]})");
  CHECK(consumer->Poll({}, absl::Seconds(30)).value().size() == 6);
  consumer.reset();  // gives back what it holds
  CHECK(absl::StrContains(service.requests().back().body, "\"ackDeadlineSeconds\":0}"));
}

TEST_CASE(
    "pubsub_broker: asks for as many messages as fit, and fewer when an answer was too large") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) {
    if (!Asks(request, "pull")) return ScriptedAnswer{};
    const bool is_small = absl::StrContains(request.body, "\"maxMessages\":1,") ||
                          absl::StrContains(request.body, "\"maxMessages\":1}");
    if (is_small && absl::StrContains(request.body, "returnImmediately")) return ScriptedAnswer{};
    if (is_small) return ScriptedAnswer{.body = Messages(1, std::string(4'000'000, 'A'))};
    return ScriptedAnswer{.body = std::string(33 * 1024 * 1024, ' ')};
  });
  auto consumer = NewGooglePubSubBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<std::vector<BrokerMessage>> polled;
    do {
      polled = consumer->Poll({.bytes_max = 1'000'000}, absl::Seconds(30));
      REQUIRE(polled.ok());
    } while (polled->empty());
    CHECK(polled->size() == 1);
    CHECK(polled->front().body.size() == 3'000'000);
  }
}

// Answers pulls with `count` messages, except the one of opening.
ScriptedAnswer AnswerPulls(const ReceivedRequest& request, int count) {
  const bool is_for_messages =
      Asks(request, "pull") && !absl::StrContains(request.body, "returnImmediately");
  return {.body = is_for_messages ? Messages(count) : "{}"};
}

int PullsCount(ScriptedService& service) {
  int count = 0;
  for (const ReceivedRequest& request : service.requests()) count += Asks(request, "pull") ? 1 : 0;
  return count;
}

TEST_CASE("pubsub_broker: while there is plenty, more is pulled before the next poll, and kept") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) { return AnswerPulls(request, 100); });
  auto consumer = NewGooglePubSubBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({}, absl::Seconds(30)).value();
  REQUIRE(polled.size() == 100);
  std::string extension;
  const absl::Time deadline = fixture.clock().Now() + absl::Seconds(60);
  // A comma follows each id. Of the first pull, and of four that were started with it:
  const auto kept_count = [&] { return std::count(extension.begin(), extension.end(), ','); };
  while (kept_count() < 500 && fixture.clock().Now() < deadline) {
    REQUIRE(consumer->Extend(polled).ok());
    extension = service.requests().back().body;
  }
  CHECK(kept_count() == 500);
  CHECK(consumer->Acknowledge(polled).ok());
  CHECK(PullsCount(service) == 6);  // and the one of opening
  CHECK(consumer->Poll({}, absl::Seconds(30)).value().size() == 256);
}

TEST_CASE("pubsub_broker: an acknowledgement that goes on is over when the consumer is closed") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) { return AnswerPulls(request, 100); });
  auto consumer = NewGooglePubSubBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({}, absl::Seconds(30)).value();
  CHECK(consumer->Acknowledge(polled).ok());
  consumer.reset();
  const auto requests = service.requests();
  CHECK(std::count_if(requests.begin(), requests.end(), [](const ReceivedRequest& request) {
          return Asks(request, "acknowledge") && absl::StrContains(request.body, "\"a99\"");
        }) == 1);
}

TEST_CASE("pubsub_broker: an acknowledgement that goes on and is refused is a later call's error") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) {
    if (Asks(request, "acknowledge")) return ScriptedAnswer{.status = 403};
    return AnswerPulls(request, 100);
  });
  auto consumer = NewGooglePubSubBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  absl::Status status;
  for (int i = 0; i < 2 && status.ok(); ++i) {
    const auto polled = consumer->Poll({}, absl::Seconds(30));
    status = polled.ok() ? consumer->Acknowledge(*polled) : polled.status();
  }
  CHECK(status.code() == absl::StatusCode::kPermissionDenied);
}

TEST_CASE("pubsub_broker: few messages are no reason to pull more") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) { return AnswerPulls(request, 3); });
  auto consumer = NewGooglePubSubBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({}, absl::Seconds(30)).value();
  CHECK(polled.size() == 3);
  CHECK(consumer->Acknowledge(polled).ok());
  CHECK(PullsCount(service) == 2);
}

TEST_CASE("pubsub_broker: a server that does not wait is not asked in a tight loop") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest&) { return ScriptedAnswer{}; });
  const absl::Time begin = fixture.clock().Now();
  auto consumer = NewGooglePubSubBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  for (int i = 0; i < 10; ++i) {
    CHECK(consumer->Poll({}, absl::Milliseconds(20)).value().empty());
  }
  const double seconds = absl::ToDoubleSeconds(fixture.clock().Now() - begin);
  CHECK(static_cast<double>(service.requests().size()) <= seconds + 2);
}

TEST_CASE("pubsub_broker: a refused token is an error that an opened-anew consumer gets over") {
  BrokerFixture fixture;
  std::atomic<bool> is_refused = false;
  ScriptedService service([&](const ReceivedRequest& request) {
    CHECK(absl::StrContains(request.head, "Authorization: Bearer ey"));
    if (is_refused) return ScriptedAnswer{.status = 401, .body = R"({"error":{}})"};
    return ScriptedAnswer{.body = Messages(1)};
  });
  const Source source = SourceOf(service, testing::ServiceAccountKey());
  const auto broker = NewGooglePubSubBroker();
  CHECK(broker->type() == "google");
  auto consumer = broker->Open(source, "c", fixture.env()).value();
  const auto polled = consumer->Poll({}, absl::Seconds(30)).value();
  is_refused = true;
  CHECK(consumer->Acknowledge(polled).code() == absl::StatusCode::kUnauthenticated);
  CHECK(consumer->Poll({}, absl::Seconds(30)).status().code() ==
        absl::StatusCode::kUnauthenticated);
  CHECK(broker->Open(source, "c", fixture.env()).status().code() ==
        absl::StatusCode::kUnauthenticated);
  is_refused = false;
  CHECK(broker->Open(source, "c", fixture.env()).ok());
}

}  // namespace
}  // namespace convoy
