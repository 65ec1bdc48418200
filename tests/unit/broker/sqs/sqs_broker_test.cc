// What ElasticMQ and moto do not do: the conformance suite runs against those.
#include <atomic>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/unit/broker/web/scripted_service.h"

namespace convoy {
namespace {

using testing::BrokerFixture;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;
using testing::ScriptedService;

bool Asks(const ReceivedRequest& request, std::string_view action) {
  return absl::StrContains(request.head, absl::StrCat("AmazonSQS.", action, "\r\n"));
}

// Never mind the region: the endpoint is the service's.
Source SourceOf(const ScriptedService& service, std::string queue_name = "https://q/1/orders") {
  Source source;
  source.broker = SqsConfig{.queue_name = std::move(queue_name),
                            .region = "eu-central-1",
                            .access_key_id = "AKIDEXAMPLE",
                            .secret_key = "secret",
                            .endpoint = service.endpoint()};
  return source;
}

std::string Messages(int count, int first = 0, std::string_view body = "{}") {
  std::string text = "{\"Messages\":[";
  for (int i = first; i < first + count; ++i) {
    absl::StrAppend(&text, i == first ? "" : ",", "{\"MessageId\":\"m", i,
                    "\",\"ReceiptHandle\":\"r", i, "\",\"Body\":\"", body, "\"}");
  }
  return text + "]}";
}

TEST_CASE("sqs_broker: a full queue is read by several receives at once, up to the limit") {
  BrokerFixture fixture;
  int next = 0;
  ScriptedService service([&](const ReceivedRequest&) {
    const int first = next;
    next += 10;
    return ScriptedAnswer{.body = Messages(10, first)};
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({.messages_max = 95}, absl::Seconds(30)).value();
  CHECK(polled.size() == 95);
  CHECK(polled.front().position == "m0");
  CHECK(service.requests().size() <= 11);  // and not one for each message
  CHECK(consumer->Poll({.messages_max = 5}, absl::Seconds(30)).value().size() == 5);
}

TEST_CASE("sqs_broker: large messages are not gathered beyond the limit of bytes") {
  BrokerFixture fixture;
  int next = 0;
  ScriptedService service([&](const ReceivedRequest&) {
    const int first = next;
    next += 10;
    return ScriptedAnswer{.body = Messages(10, first, std::string(100'000, 'x'))};
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({.bytes_max = 1'500'000}, absl::Seconds(30)).value();
  CHECK(polled.size() == 15);
  CHECK(service.requests().size() == 2);
}

TEST_CASE("sqs_broker: an answer too large to be read is asked for again in smaller parts") {
  BrokerFixture fixture;
  ScriptedService service([&](const ReceivedRequest& request) {
    if (absl::StrContains(request.body, "\"MaxNumberOfMessages\":1,")) {
      return ScriptedAnswer{.body = Messages(1)};
    }
    return ScriptedAnswer{.body = std::string(33 * 1024 * 1024, ' ')};
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  absl::StatusOr<std::vector<BrokerMessage>> polled;
  do {
    polled = consumer->Poll({.messages_max = 1}, absl::Seconds(30));
    REQUIRE(polled.ok());
  } while (polled->empty());
  CHECK(polled->size() == 1);
}

TEST_CASE("sqs_broker: a server without long polls is not asked in a tight loop") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest&) { return ScriptedAnswer{}; });
  const absl::Time begin = fixture.clock().Now();
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  for (int i = 0; i < 10; ++i) {
    CHECK(consumer->Poll({}, absl::Milliseconds(20)).value().empty());
  }
  const double seconds = absl::ToDoubleSeconds(fixture.clock().Now() - begin);
  CHECK(static_cast<double>(service.requests().size()) <= seconds + 2);
}

TEST_CASE("sqs_broker: an entry that failed for good comes again and is no error; others are") {
  BrokerFixture fixture;
  std::atomic<bool> is_final = true;
  ScriptedService service([&](const ReceivedRequest& request) {
    if (Asks(request, "ReceiveMessage")) return ScriptedAnswer{.body = Messages(3)};
    return ScriptedAnswer{.body = absl::StrCat("{\"Failed\":[{\"Id\":\"1\",\"Code\":\"Oops\","
                                               "\"SenderFault\":",
                                               is_final ? "true" : "false", "}]}")};
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  auto polled = consumer->Poll({.messages_max = 3}, absl::Seconds(30)).value();
  CHECK(consumer->Extend(polled).ok());
  CHECK(consumer->Acknowledge(polled).ok());
  is_final = false;
  polled = consumer->Poll({.messages_max = 3}, absl::Seconds(30)).value();
  CHECK(consumer->Acknowledge(polled).code() == absl::StatusCode::kUnavailable);
}

TEST_CASE("sqs_broker: acknowledges in batches of ten, by the handles it was given") {
  BrokerFixture fixture;
  ScriptedService service([&](const ReceivedRequest& request) {
    return ScriptedAnswer{.body = Asks(request, "ReceiveMessage") ? Messages(10) : "{}"};
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({.messages_max = 25}, absl::Seconds(30)).value();
  REQUIRE(polled.size() == 25);
  REQUIRE(consumer->Acknowledge(polled).ok());
  REQUIRE(consumer->Acknowledge(polled).ok());  // forgotten: asks for nothing
  int batches = 0;
  for (const ReceivedRequest& request : service.requests()) {
    if (!Asks(request, "DeleteMessageBatch")) continue;
    ++batches;
    CHECK(absl::StrContains(request.body, "\"QueueUrl\":\"https://q/1/orders\""));
    CHECK(absl::StrContains(request.body, "{\"Id\":\"0\",\"ReceiptHandle\":\"r"));
  }
  CHECK(batches == 3);
}

TEST_CASE("sqs_broker: opening looks the queue up by its name and tells what is wrong") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) {
    if (Asks(request, "GetQueueUrl")) return ScriptedAnswer{.body = R"({"QueueUrl":"http://q"})"};
    return ScriptedAnswer{.status = 403, .body = R"({"__type":"AccessDeniedException"})"};
  });
  const auto refused = NewSqsBroker()->Open(SourceOf(service, "orders"), "c", fixture.env());
  CHECK(refused.status().code() == absl::StatusCode::kPermissionDenied);
  CHECK(service.requests().size() == 2);
  Source source;
  CHECK(NewSqsBroker()->Open(source, "c", fixture.env()).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(NewSqsBroker()->type() == "sqs");
}

}  // namespace
}  // namespace convoy
