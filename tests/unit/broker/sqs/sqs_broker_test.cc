// Cases beyond ElasticMQ and moto, against which the conformance suite runs.
#include <atomic>
#include <set>
#include <span>

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

// Answers like a queue that never ends, as ReceiveMessage asks.
class EndlessQueue {
 public:
  explicit EndlessQueue(std::string body = "{}") : body_(std::move(body)) {}

  ScriptedAnswer operator()(const ReceivedRequest& request) {
    if (!Asks(request, "ReceiveMessage")) return {};
    const int count = absl::StrContains(request.body, "\"MaxNumberOfMessages\":1,") ? 1 : 10;
    next_ += count;
    return {.body = Messages(count, next_ - count, body_)};
  }

 private:
  const std::string body_;
  int next_ = 0;
};

int CountOf(ScriptedService& service, std::string_view action) {
  int count = 0;
  for (const ReceivedRequest& request : service.requests()) count += Asks(request, action) ? 1 : 0;
  return count;
}

TEST_CASE("sqs_broker: a full queue is read by several receives at once, up to the limit") {
  BrokerFixture fixture;
  ScriptedService service((EndlessQueue()));
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({.messages_max = 95}, absl::Seconds(30)).value();
  CHECK(polled.size() == 95);
  CHECK(polled.front().redelivery_id.starts_with("sqs/http"));
  CHECK(polled.front().redelivery_id.ends_with("/m0"));
  CHECK(polled.front().former_redelivery_id == "m0");
  CHECK(CountOf(service, "ReceiveMessage") == 11);  // one on opening, ten for the rest
  CHECK(consumer->Poll({.messages_max = 5}, absl::Seconds(30)).value().size() == 5);
}

TEST_CASE("sqs_broker: a nearly empty queue is asked once for what it has") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) {
    const bool is_long_poll = absl::StrContains(request.body, "\"WaitTimeSeconds\":20");
    return ScriptedAnswer{.body = is_long_poll ? Messages(3) : "{}"};
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  CHECK(consumer->Poll({}, absl::Seconds(30)).value().size() == 3);
  CHECK(CountOf(service, "ReceiveMessage") == 2);
}

TEST_CASE("sqs_broker: large messages are not gathered beyond the limit of bytes") {
  BrokerFixture fixture;
  ScriptedService service(EndlessQueue(std::string(100'000, 'x')));
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({.bytes_max = 1'550'000}, absl::Seconds(30)).value();
  CHECK(polled.size() == 16);
  CHECK(CountOf(service, "ReceiveMessage") == 3);
}

TEST_CASE("sqs_broker: one receive that fails does not take the others' messages along") {
  BrokerFixture fixture;
  EndlessQueue queue;
  int receives = 0;
  ScriptedService service([&](const ReceivedRequest& request) {
    if (Asks(request, "ReceiveMessage") && ++receives == 4) return ScriptedAnswer{.status = 503};
    return queue(request);
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  std::set<std::string> ids;
  while (ids.size() < 100) {
    const auto messages = consumer->Poll({}, absl::Seconds(30)).value();
    for (const auto& message : messages) ids.insert(message.id);
  }
  for (int i = 0; i < 100; ++i) CHECK(ids.contains(absl::StrCat("m", i)));
}

TEST_CASE("sqs_broker: an answer too large to be read is asked for again in smaller parts") {
  BrokerFixture fixture;
  int ones = 0;
  ScriptedService service([&](const ReceivedRequest& request) {
    if (absl::StrContains(request.body, "\"MaxNumberOfMessages\":1,")) {
      return ScriptedAnswer{.body = ++ones == 1 ? "{}" : Messages(1)};
    }
    if (!Asks(request, "ReceiveMessage")) return ScriptedAnswer{};
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
  CHECK(CountOf(service, "ReceiveMessage") <= seconds + 2);
}

TEST_CASE(
    "sqs_broker: the number of messages is asked for beside the long poll, and costs no message") {
  BrokerFixture fixture;
  std::atomic<bool> is_denied = false;
  ScriptedService service([&](const ReceivedRequest& request) {
    if (Asks(request, "ReceiveMessage")) return ScriptedAnswer{.body = Messages(1)};
    if (!Asks(request, "GetQueueAttributes")) return ScriptedAnswer{};
    if (is_denied) {
      return ScriptedAnswer{.status = 403, .body = R"({"__type":"x#AccessDeniedException"})"};
    }
    return ScriptedAnswer{.body = R"({"Attributes":{"ApproximateNumberOfMessages":"1234"}})"};
  });
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  CHECK(absl::IsUnavailable(consumer->lag().status()));
  CHECK(consumer->is_lag_shared());
  const auto poll_until = [&](auto is_done) {
    for (int i = 0; i < 100 && !is_done(); ++i) {
      const auto polled = consumer->Poll({.messages_max = 1}, absl::Milliseconds(100));
      REQUIRE(polled.ok());
      CHECK(consumer->Acknowledge(*polled).ok());
    }
    CHECK(is_done());
  };
  consumer->AskLag();
  consumer->AskLag();
  poll_until([&] { return consumer->lag().ok(); });
  CHECK(consumer->lag()->messages_count == 1234);
  CHECK(CountOf(service, "GetQueueAttributes") == 1);
  is_denied = true;
  consumer->AskLag();
  poll_until([&] { return absl::IsPermissionDenied(consumer->lag().status()); });
}

TEST_CASE("sqs_broker: an entry that failed for good comes again and is no error; others are") {
  BrokerFixture fixture;
  std::atomic<bool> is_final = true;
  ScriptedService service([&](const ReceivedRequest& request) {
    if (Asks(request, "ReceiveMessage")) return ScriptedAnswer{.body = Messages(3)};
    // The one on opening is expected to fail, too.
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

TEST_CASE("sqs_broker: acknowledges in batches of ten, and gives back what it holds when closed") {
  BrokerFixture fixture;
  ScriptedService service((EndlessQueue()));
  auto consumer = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env()).value();
  const auto polled = consumer->Poll({.messages_max = 31}, absl::Seconds(30)).value();
  REQUIRE(polled.size() == 31);
  const std::span<const BrokerMessage> some(polled.data(), 25);
  REQUIRE(consumer->Acknowledge(some).ok());
  REQUIRE(consumer->Acknowledge(some).ok());           // forgotten: asks for nothing
  CHECK(CountOf(service, "DeleteMessageBatch") == 4);  // one of them on opening
  consumer.reset();
  std::string given_back;  // in several calls, if more was received than was polled
  for (const ReceivedRequest& request : service.requests()) {
    if (Asks(request, "ChangeMessageVisibilityBatch")) given_back += request.body;
  }
  for (size_t i = 0; i < polled.size(); ++i) {
    const std::string handle = absl::StrCat("\"r", polled[i].id.substr(1), "\"");
    CHECK(absl::StrContains(given_back, absl::StrCat("\"ReceiptHandle\":", handle,
                                                     ",\"VisibilityTimeout\":0}")) ==
          (i >= some.size()));
  }
}

TEST_CASE("sqs_broker: a consumer that may not delete is not opened") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) {
    if (Asks(request, "ReceiveMessage")) return ScriptedAnswer{};
    return ScriptedAnswer{.status = 403, .body = R"({"__type":"AccessDeniedException"})"};
  });
  const auto refused = NewSqsBroker()->Open(SourceOf(service), "c", fixture.env());
  CHECK(refused.status().code() == absl::StatusCode::kPermissionDenied);
  CHECK(absl::StrContains(refused.status().message(), "DeleteMessageBatch"));
}

TEST_CASE("sqs_broker: opening looks the queue up by its name and tells what is wrong") {
  BrokerFixture fixture;
  ScriptedService service([](const ReceivedRequest& request) {
    if (Asks(request, "GetQueueUrl")) return ScriptedAnswer{.body = R"({"QueueUrl":"http://q"})"};
    return ScriptedAnswer{.status = 403, .body = R"({"__type":"AccessDeniedException"})"};
  });
  const auto refused = NewSqsBroker()->Open(SourceOf(service, "orders"), "c", fixture.env());
  CHECK(refused.status().code() == absl::StatusCode::kPermissionDenied);
  CHECK(service.requests().size() == 3);
  Source source;
  CHECK(NewSqsBroker()->Open(source, "c", fixture.env()).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(NewSqsBroker()->type() == "sqs");
}

}  // namespace
}  // namespace convoy
