// A bench of the conformance suite whose server is one of tests/brokers/servers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

#include "convoy/testing/broker_conformance.h"
#include "tests/brokers/server_process.h"

namespace convoy::testing {

class LiveBench : public BrokerBench {
 public:
  Broker& broker() override { return *broker_; }
  BrokerEnvironment environment() override;

  absl::StatusOr<Source> NewQueue() override { return MakeQueue(""); }
  // The server's new_queue with `arguments`, a list as JSON without its brackets.
  absl::StatusOr<Source> MakeQueue(std::string_view arguments);
  absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) override;
  absl::Status RemakeQueue(const Source& source) override {
    return server_->Call("remake", absl::StrCat("\"queue\":", NumberOf(source))).status();
  }
  absl::Status RestartServer() override { return server_->Call("restart").status(); }

  ServerProcess& server() { return *server_; }
  uint64_t NumberOf(const Source& source) const { return numbers_.at(source.id); }
  absl::StatusOr<uint64_t> Left(const Source& source) { return server_->Left(NumberOf(source)); }

 protected:
  LiveBench(std::unique_ptr<ServerProcess> server, std::shared_ptr<Broker> broker)
      : server_(std::move(server)), broker_(std::move(broker)) {}

 private:
  // Out of the REST API's pub_sub object.
  virtual absl::StatusOr<BrokerConfig> ReadConfig(const json::Value& pub_sub) = 0;

  const std::unique_ptr<ServerProcess> server_;
  const std::shared_ptr<Broker> broker_;
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<Random> random_ = NewSystemRandom();
  Observer observer_;
  std::map<std::string, uint64_t> numbers_;  // of the server's queues, by source
};

}  // namespace convoy::testing
