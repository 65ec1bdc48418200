// Outboxes in SQLite for the conformance suite of brokers: each queue is a file of its own.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "convoy/outbox.h"
#include "convoy/testing/broker_conformance.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::testing {

class SqliteOutboxBench final : public BrokerBench {
 public:
  SqliteOutboxBench();
  ~SqliteOutboxBench() override;

  Broker& broker() override { return *broker_; }
  BrokerEnvironment environment() override;
  BrokerTraits traits() const override;
  absl::StatusOr<Source> NewQueue() override;
  absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) override;
  absl::StatusOr<Source> SpoilQueueName(Source source) override;
  absl::StatusOr<Source> SpoilAddress(Source source) override;
  absl::Status RemakeQueue(const Source& source) override;

  std::string PathOf(const Source& source) const;
  // The host's own connection.
  std::unique_ptr<storage::Connection> Connect(const Source& source) const;
  int64_t CountRows(const Source& source) const;

 private:
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  Observer observer_;
  std::string folder_;
  std::map<std::string, std::shared_ptr<Broker>> outboxes_;
  std::shared_ptr<Broker> broker_;
};

}  // namespace convoy::testing
