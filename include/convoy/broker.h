// Message brokers, from which pub_sub sources read. An adapter for each kind of broker opens
// consumers. After Start the gateway runs them on threads of its own, commits their messages, and
// only then acknowledges them.
//
// Guarantee: a message is acknowledged after the commit that holds its event, or the message itself
// as a held input. A message that comes again, because that acknowledgement was lost, is recognised
// by its redelivery id and stored once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/http.h"
#include "convoy/model.h"
#include "convoy/observer.h"

namespace convoy {

struct BrokerMessage {
  std::string body;
  Headers attributes;  // the broker's headers or attributes, as they came
  std::string id;      // the broker's or the sender's name for the message (Kafka: its key)
  std::string key;     // the broker's routing, grouping or partition key; may be empty
  // The same each time this message is handed out, and different for every other message, of any
  // place: it holds the place (broker or cluster, virtual host, queue or topic) and the message's
  // name there. Empty if the broker has none: then a lost acknowledgement may bring a second event,
  // unless the message has an idempotency key.
  std::string redelivery_id;
  // The redelivery id that an earlier version of the adapter gave, or empty. A message that was
  // stored under it is recognised, too.
  std::string former_redelivery_id;
  // False if the broker vouches that it hands the message out for the first time. Then it is new,
  // even if its redelivery id is known, because senders' ids repeat.
  bool may_be_redelivery = true;
  // The body is larger than the adapter keeps: `body` is only its start, and cannot be used.
  bool is_cut = false;
  uint64_t tag = 0;  // for the consumer
};

struct PollLimits {
  uint32_t messages_max = 256;
  uint64_t bytes_max = 8 * 1024 * 1024;  // exceeded by at most one message
};

// Messages that wait at the broker and have not been handed out.
struct BrokerLag {
  uint64_t messages_count = 0;  // may be approximate
  absl::Time at;                // instant of the broker's answer
};

// One connection that reads. Used by one thread at a time, except Interrupt.
class BrokerConsumer {
 public:
  virtual ~BrokerConsumer() = default;

  // Blocks until there are messages, until `patience` is over (an empty answer is not an error) or
  // until Interrupt. After an error the consumer is dropped and, after a pause, opened again:
  //   kUnavailable         the broker cannot be reached
  //   kUnauthenticated     the credentials are wrong or have expired
  //   kPermissionDenied    the credentials may not read there, or the guard denies the address
  //   kNotFound            there is no such queue, topic or subscription
  // The message is one line without secrets that tells an operator what to check.
  virtual absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                          absl::Duration patience) = 0;

  // Reports messages of the last Poll, all or some of them, as durable: the broker may delete them.
  virtual absl::Status Acknowledge(std::span<const BrokerMessage> messages) = 0;

  // The messages are not durable yet: the broker must not hand them out again. Called well within
  // each `extension_interval` while a batch waits.
  virtual absl::Status Extend(std::span<const BrokerMessage> /*messages*/) {
    return absl::OkStatus();
  }
  virtual absl::Duration extension_interval() const { return absl::InfiniteDuration(); }

  // Asks the broker how many messages wait for this consumer, without waiting for the answer: a
  // later Poll takes it. Called about twice a minute, never for each poll.
  virtual void AskLag() {}
  // The broker's last answer. An error says why the number is not known, and says nothing about
  // reading; kUnimplemented: this broker never answers.
  virtual absl::StatusOr<BrokerLag> lag() const {
    return absl::UnimplementedError("this broker does not tell how many messages wait");
  }
  // Whether the number is that of a queue that all consumers of a source share. Then only the first
  // of them is asked.
  virtual bool is_lag_shared() const { return false; }

  // Publishes a copy of an unusable message to the broker's own dead letters, if the source names a
  // place for them. Called before the message is acknowledged.
  virtual absl::Status PublishDeadLetter(const BrokerMessage& /*message*/,
                                         std::string_view /*reason*/) {
    return absl::OkStatus();
  }

  // Makes the blocked Poll, or the next one, return at once. From any thread.
  virtual void Interrupt() = 0;
};

// Dependencies of an adapter.
struct BrokerEnvironment {
  Clock* clock = nullptr;
  Random* random = nullptr;
  Observer* observer = nullptr;
  // As in GatewayOptions: an adapter connects to no address that the guard denies.
  std::vector<std::string> allowed_networks;
};

// One kind of broker. Safe to use from any thread.
class Broker {
 public:
  virtual ~Broker() = default;

  // As in "type" of the REST API's pub_sub: "sqs", "google", "kafka", "amqp", "outbox".
  virtual std::string_view type() const = 0;

  // Opens a consumer; may connect, for at most a few seconds. Errors are those of Poll, and
  // kInvalidArgument for a configuration that can never work, with the name of the field.
  // `consumer_id` is unique among the consumers of the source, and the same when it is reopened.
  virtual absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source,
                                                               std::string_view consumer_id,
                                                               const BrokerEnvironment& env) = 0;

  // Checks that `source` can be read from, without taking a message, within a few seconds. Called
  // before a source is stored. Errors are those of Open. Override it for brokers where opening a
  // consumer disturbs others (a Kafka group) or tells little.
  virtual absl::Status Check(const Source& source, const BrokerEnvironment& env) {
    return Open(source, source.id + "-check", env).status();
  }
};

// The adapters. Each is in a component of its own, which a program that calls it must link with
// (CMake: find_package(Convoy COMPONENTS kafka amqp sqs pubsub)).
std::shared_ptr<Broker> NewKafkaBroker();
std::shared_ptr<Broker> NewAmqpBroker();
std::shared_ptr<Broker> NewSqsBroker();
std::shared_ptr<Broker> NewGooglePubSubBroker();

}  // namespace convoy
