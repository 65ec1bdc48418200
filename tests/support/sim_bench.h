// Bench of the conformance suite of brokers with the simulated broker as the server.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "convoy/testing/broker_conformance.h"
#include "tests/support/sim_broker.h"

namespace convoy::testing {

class SimBench : public BrokerBench {
 public:
  // `broker` is `sim`, or an adapter that reads from it.
  SimBench(std::shared_ptr<SimBroker> sim, std::shared_ptr<Broker> broker)
      : sim_(std::move(sim)), broker_(std::move(broker)) {
    sim_->set_blocks(true);
    sim_->set_tells_lag(true);
    sim_->set_password("right password");
  }

  SimBroker& sim() { return *sim_; }

  Broker& broker() override { return *broker_; }
  BrokerEnvironment environment() override {
    return {.clock = clock_.get(),
            .random = random_.get(),
            .observer = &observer_,
            .allowed_networks = {"127.0.0.0/8"}};
  }
  BrokerTraits traits() const override {
    return {.tells_lag = true,
            .may_restart = true,
            .may_remake = true,
            .redelivery_max = absl::Milliseconds(50)};
  }
  absl::StatusOr<Source> NewQueue() override {
    const std::string name = "queue" + std::to_string(++queues_count_);
    sim_->MakeQueue(name);
    return Source{.id = name,
                  .broker = AmqpConfig{.host = "sim", .password = "right password", .queue = name}};
  }
  absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) override {
    for (const BenchMessage& message : messages) {
      sim_->Publish(ConfigOf(source).queue,
                    {.body = message.body, .attributes = message.attributes, .id = message.id});
    }
    return absl::OkStatus();
  }
  absl::StatusOr<Source> SpoilCredentials(Source source) override {
    std::get<AmqpConfig>(source.broker).password = "wrong password";
    return source;
  }
  absl::StatusOr<Source> SpoilQueueName(Source source) override {
    std::get<AmqpConfig>(source.broker).queue = "nowhere";
    return source;
  }
  absl::StatusOr<Source> SpoilAddress(Source source) override {
    std::get<AmqpConfig>(source.broker).host = "elsewhere";
    return source;
  }
  absl::Status RemakeQueue(const Source& source) override {
    sim_->RemakeQueue(ConfigOf(source).queue);
    return absl::OkStatus();
  }
  absl::Status RestartServer() override {
    sim_->FailNext(SimBroker::Call::kPoll, absl::UnavailableError("connection lost"));
    sim_->FailNext(SimBroker::Call::kOpen, absl::UnavailableError("connection refused"));
    return absl::OkStatus();
  }

 private:
  static const AmqpConfig& ConfigOf(const Source& source) {
    return std::get<AmqpConfig>(source.broker);
  }

  const std::shared_ptr<SimBroker> sim_;
  const std::shared_ptr<Broker> broker_;
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<Random> random_ = NewSystemRandom();
  Observer observer_;
  int queues_count_ = 0;
};

}  // namespace convoy::testing
