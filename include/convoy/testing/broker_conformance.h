// Conformance suite for Broker, run against an adapter and a server of its kind: no test framework,
// no main.
//
//   class MyBench : public convoy::testing::BrokerBench { … };
//   MyBench bench;
//   for (const auto& failure : convoy::testing::CheckBroker(bench).failures) Print(failure);
//
// A broker that passes may be used in a gateway (GatewayParts::brokers): no message of its sources
// is lost, and redelivered messages that have a redelivery id are recognised.
#pragma once

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/broker.h"
#include "convoy/testing/conformance.h"

namespace convoy::testing {

// A message of a producer. The bench leaves out attributes or ids that this kind of broker cannot
// carry, and its traits say so.
struct BenchMessage {
  std::string body;
  Headers attributes;
  std::string id;
};

// Promises of a kind of broker; the suite expects no more.
struct BrokerTraits {
  bool is_ordered = true;         // one consumer gets messages in the order of their publishing
  bool has_binary_bodies = true;  // bodies are any bytes, otherwise UTF-8 text
  bool has_attributes = true;
  bool has_ids = true;  // BenchMessage::id comes back as BrokerMessage::id
  // BrokerMessage::redelivery_id is set, also without a BenchMessage::id.
  bool has_redelivery_ids = true;
  bool shares_queues = true;  // two consumers of a queue of the bench both get messages
  bool tells_lag = false;     // BrokerConsumer::lag is known soon after AskLag
  bool may_restart = false;   // BrokerBench::RestartServer does something
  bool may_remake = false;    // BrokerBench::RemakeQueue does something
  bool may_repeat = false;    // a message may come twice before redelivery_max is over
  // Sources name addresses, which the guard checks. Otherwise the host gives them.
  bool has_addresses = true;
  // The longest time after the close of a consumer until its unacknowledged messages come again.
  absl::Duration redelivery_max = absl::Seconds(30);
};

// A server, and functions that prepare it for tests. Used from one thread.
class BrokerBench {
 public:
  virtual ~BrokerBench();

  virtual Broker& broker() = 0;
  // Has real clocks, and allows the network of the server.
  virtual BrokerEnvironment environment() = 0;
  virtual BrokerTraits traits() const = 0;

  // Makes a new, empty queue that is ready for reading, and returns the source that reads from it.
  virtual absl::StatusOr<Source> NewQueue() = 0;
  // Returns once the broker has the messages, in this order.
  virtual absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) = 0;

  // Each returns a copy of `source` with which opening or polling must fail. The default,
  // kUnimplemented, skips the requirements that need it.
  virtual absl::StatusOr<Source> SpoilCredentials(Source source);
  virtual absl::StatusOr<Source> SpoilQueueName(Source source);
  // Points to an address without a listener.
  virtual absl::StatusOr<Source> SpoilAddress(Source source);

  // Deletes the queue of `source` with all its messages, and makes a new one with the same name.
  // Only with BrokerTraits::may_remake.
  virtual absl::Status RemakeQueue(const Source& source);

  // Stops the server and starts it again; accepted messages are still there. Only with
  // BrokerTraits::may_restart.
  virtual absl::Status RestartServer();
};

// Runs the whole suite. It takes as long as the server's timeouts, mostly less than a minute.
ConformanceReport CheckBroker(BrokerBench& bench);

}  // namespace convoy::testing
