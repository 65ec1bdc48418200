// Kinds of queues of a real RabbitMQ: what is read, what is refused, and what docs/brokers-amqp.md
// says of consumers that share a queue.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/brokers/amqp/amqp_bench.h"
#include "tests/brokers/live_cases.h"

namespace convoy::testing {
namespace {

AmqpBench& Bench() { return AmqpBench::Shared(); }

// `arguments` of the declaration, as JSON.
Source NewQueue(std::string_view arguments) {
  return Bench().MakeQueue(absl::StrCat("null,\"/\",", arguments)).value();
}

void PublishMany(const Source& source, int count) {
  std::vector<BenchMessage> messages;
  for (int i = 0; i < count; ++i) messages.push_back({.body = absl::StrCat(i)});
  REQUIRE(Bench().Publish(source, messages).ok());
}

TEST_CASE("amqp: a stream is refused when it is checked and when it is opened, with the reason") {
  const Source source = NewQueue(R"({"x-queue-type": "stream"})");
  const absl::Status checked = Bench().broker().Check(source, Bench().environment());
  const absl::Status opened = OpenAt(Bench(), source).status();
  for (const absl::Status& status : {checked, opened}) {
    INFO(status.message());
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find("is a stream, which is not supported") != std::string_view::npos);
  }
}

TEST_CASE("amqp: a quorum queue is read, and counts what a closed consumer returns") {
  const Source source = NewQueue(R"({"x-queue-type": "quorum", "x-delivery-limit": 2})");
  PublishMany(source, 1);
  // Delivered and returned as often as the limit says, and once more: then the queue drops it.
  for (int i = 0; i < 3; ++i) {
    const auto consumer = OpenAt(Bench(), source).value();
    CHECK(PollUntil(*consumer, 1).size() == 1);
  }
  const auto consumer = OpenAt(Bench(), source).value();
  CHECK(consumer->Poll({}, absl::Seconds(2)).value().empty());
}

TEST_CASE("amqp: of the workers of a queue with a single active consumer one reads at a time") {
  const Source source = NewQueue(R"({"x-single-active-consumer": true})");
  auto first = Bench().broker().Open(source, "1", Bench().environment()).value();
  auto second = Bench().broker().Open(source, "2", Bench().environment()).value();
  PublishMany(source, 10);
  const auto got = PollUntil(*first, 10);
  CHECK(got.size() == 10);
  CHECK(first->Acknowledge(got).ok());
  CHECK(second->Poll({}, absl::Milliseconds(500)).value().empty());
  first.reset();
  PublishMany(source, 10);
  CHECK(PollUntil(*second, 10).size() == 10);
}

TEST_CASE("amqp: a consumer with a higher priority gets what it has room for") {
  const Source source = NewQueue("null");
  const auto consumer = OpenAt(Bench(), source).value();
  const std::string queue = absl::StrCat("\"queue\":", Bench().NumberOf(source));
  REQUIRE(Bench().server().Call("consume_first", queue + R"(,"arguments":[4])").ok());
  PublishMany(source, 10);
  CHECK(PollUntil(*consumer, 6).size() == 6);
  CHECK(consumer->Poll({}, absl::Milliseconds(500)).value().empty());
}

}  // namespace
}  // namespace convoy::testing
