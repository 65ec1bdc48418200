// Conformance suite for Broker, run against an adapter and a server of its kind: no test framework,
// no main.
//
//   class MyBench : public convoy::testing::BrokerBench { … };
//   MyBench bench;
//   for (const auto& failure : convoy::testing::CheckBroker(bench).failures) Print(failure);
//
// A broker that passes may be given to a gateway (GatewayParts::brokers): no message of its sources
// is lost, and a redelivered one is recognised as far as the broker gives redelivery ids.
#pragma once

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/broker.h"
#include "convoy/testing/conformance.h"

namespace convoy::testing {

// Message of a producer. An attribute or an id that this kind of broker cannot carry is left out by
// the bench, and its traits say so.
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
  bool may_repeat = false;    // the broker hands out a message twice now and then, before its time
  // Sources name addresses, which the guard judges. Otherwise the host gives them.
  bool has_addresses = true;
  // How long after its consumer was closed an unacknowledged message may stay away.
  absl::Duration redelivery_max = absl::Seconds(30);
};

// A server and what is needed to play with it. Used from one thread.
class BrokerBench {
 public:
  virtual ~BrokerBench();

  virtual Broker& broker() = 0;
  // With real time, and with the server among the allowed networks.
  virtual BrokerEnvironment environment() = 0;
  virtual BrokerTraits traits() const = 0;

  // A new, empty queue with everything that reading needs, and the source that reads from it.
  virtual absl::StatusOr<Source> NewQueue() = 0;
  // Returns once the broker has them, in this order.
  virtual absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) = 0;

  // `source` so spoilt that opening or polling must fail. The default, kUnimplemented, skips what
  // needs it.
  virtual absl::StatusOr<Source> SpoilCredentials(Source source);
  virtual absl::StatusOr<Source> SpoilQueueName(Source source);
  // Points to an address without a listener.
  virtual absl::StatusOr<Source> SpoilAddress(Source source);

  // Deletes the queue of `source` with all that is in it, and makes another one of its name. Only
  // with BrokerTraits::may_remake.
  virtual absl::Status RemakeQueue(const Source& source);

  // Stops the server and starts it again; what it had accepted is there still. Only with
  // BrokerTraits::may_restart.
  virtual absl::Status RestartServer();
};

// Runs the whole suite; takes as long as the server's timeouts make it, mostly below a minute.
ConformanceReport CheckBroker(BrokerBench& bench);

}  // namespace convoy::testing
