// The suite for brokers against the simulated one, and against the same broker breaking one rule at
// a time: a suite that does not notice proves nothing.
#include "convoy/testing/broker_conformance.h"

#include <algorithm>
#include <functional>

#include <catch2/catch.hpp>

#include "tests/support/sim_bench.h"

namespace convoy::testing {
namespace {

// The rules that a consumer may break.
enum class Breach {
  kNone,
  kIgnoresCount,
  kIgnoresBytes,
  kReverses,
  kCutsBodies,
  kDropsAttributes,
  kRepeatsRedeliveryIds,
  kForgetsPlaces,
  kTrustsSenders,
  kTrustsNames,
  kForgetsAcknowledgements,
  kChangesRedeliveryIds,
  kFailsWhenEmpty,
  kInventsLag,
};

class FaultyConsumer : public BrokerConsumer {
 public:
  FaultyConsumer(std::unique_ptr<BrokerConsumer> inner, Breach breach, std::string queue,
                 int number)
      : inner_(std::move(inner)), breach_(breach), queue_(std::move(queue)), number_(number) {}

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override {
    PollLimits passed = limits;
    if (breach_ == Breach::kIgnoresCount) passed.messages_max = 1000;
    if (breach_ == Breach::kIgnoresBytes) passed.bytes_max = 1 << 30;
    auto messages = inner_->Poll(passed, patience);
    if (!messages.ok()) return messages;
    if (breach_ == Breach::kFailsWhenEmpty && messages->empty()) {
      return absl::UnavailableError("nothing came");
    }
    if (breach_ == Breach::kReverses) std::reverse(messages->begin(), messages->end());
    for (BrokerMessage& message : *messages) {
      if (breach_ == Breach::kCutsBodies) message.body = message.body.c_str();
      if (breach_ == Breach::kDropsAttributes) message.attributes.clear();
      if (breach_ == Breach::kRepeatsRedeliveryIds) message.redelivery_id = "1";
      if (breach_ == Breach::kForgetsPlaces) message.redelivery_id = message.body;
      if (breach_ == Breach::kTrustsSenders) message.redelivery_id = message.id;
      if (breach_ == Breach::kTrustsNames) {
        message.redelivery_id = queue_ + "/" + message.id + "/" + message.body;
      }
      if (breach_ == Breach::kChangesRedeliveryIds)
        message.redelivery_id += std::to_string(number_);
    }
    return messages;
  }
  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override {
    if (breach_ == Breach::kForgetsAcknowledgements) return absl::OkStatus();
    return inner_->Acknowledge(messages);
  }
  void AskLag() override { inner_->AskLag(); }
  absl::StatusOr<BrokerLag> lag() const override {
    absl::StatusOr<BrokerLag> lag = inner_->lag();
    if (lag.ok() && breach_ == Breach::kInventsLag) lag->messages_count = 1000;
    return lag;
  }
  void Interrupt() override { inner_->Interrupt(); }

 private:
  const std::unique_ptr<BrokerConsumer> inner_;
  const Breach breach_;
  const std::string queue_;
  const int number_;
};

class FaultyBroker : public SimBroker {
 public:
  explicit FaultyBroker(Breach breach) : breach_(breach) {}

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source,
                                                       std::string_view consumer_id,
                                                       const BrokerEnvironment& env) override {
    auto consumer = SimBroker::Open(source, consumer_id, env);
    if (!consumer.ok() || breach_ == Breach::kNone) return consumer;
    return std::make_unique<FaultyConsumer>(*std::move(consumer), breach_, source.id,
                                            ++opened_count_);
  }

 private:
  const Breach breach_;
  int opened_count_ = 0;
};

class FaultyBench : public SimBench {
 public:
  explicit FaultyBench(Breach breach) : FaultyBench(std::make_shared<FaultyBroker>(breach)) {}

 private:
  explicit FaultyBench(std::shared_ptr<FaultyBroker> broker) : SimBench(broker, broker) {}
};

std::string TextOf(const ConformanceReport& report) {
  std::string text;
  for (const ConformanceFailure& failure : report.failures) {
    text += failure.requirement + "\n    " + failure.detail + "\n";
  }
  return text;
}

TEST_CASE("broker_conformance: the simulated broker passes") {
  FaultyBench bench(Breach::kNone);
  const ConformanceReport report = CheckBroker(bench);
  INFO(TextOf(report));
  CHECK(report.failures.empty());
  CHECK(report.checked.size() == 22);
  // Its messages stay with their consumer for ever.
  CHECK(report.skipped == std::vector<std::string>{"extended messages come to no other consumer"});
}

TEST_CASE("broker_conformance: messages that are held for a time must be extended") {
  FaultyBench bench(Breach::kNone);
  bench.sim().set_extension_interval(absl::Milliseconds(300));
  const ConformanceReport report = CheckBroker(bench);
  INFO(TextOf(report));
  CHECK(report.failures.empty());
  CHECK(report.skipped.empty());
}

TEST_CASE("broker_conformance: each broken rule is noticed") {
  const std::pair<Breach, std::string_view> breaches[] = {
      {Breach::kIgnoresCount, "a poll hands out no more messages than asked for, and loses none"},
      {Breach::kIgnoresBytes, "a poll passes its bound of bytes by at most one message"},
      {Breach::kReverses, "messages come in the order of their publishing"},
      {Breach::kCutsBodies, "a body comes out byte for byte"},
      {Breach::kDropsAttributes, "attributes come with their message"},
      {Breach::kRepeatsRedeliveryIds, "each message has a redelivery id of its own"},
      {Breach::kForgetsPlaces, "the same message in two queues has two redelivery ids"},
      {Breach::kTrustsSenders, "two messages with one sender's id have two redelivery ids"},
      {Breach::kTrustsNames, "a message of a queue that was made anew is new"},
      {Breach::kForgetsAcknowledgements, "acknowledged messages do not come again"},
      {Breach::kChangesRedeliveryIds,
       "what was not acknowledged comes again, with the same redelivery id"},
      {Breach::kFailsWhenEmpty, "an empty queue is no error"},
      {Breach::kInventsLag, "the number of messages that wait is told, and falls to none"},
  };
  for (const auto& [breach, requirement] : breaches) {
    FaultyBench bench(breach);
    const ConformanceReport report = CheckBroker(bench);
    INFO(requirement << "\n" << TextOf(report));
    CHECK(std::any_of(report.failures.begin(), report.failures.end(),
                      [&](const auto& failure) { return failure.requirement == requirement; }));
  }
}

}  // namespace
}  // namespace convoy::testing
