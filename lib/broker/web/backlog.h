// Backlog of messages that were received and not yet handed out: a service returns as many as it
// likes, a poll takes as many as its limits allow.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "convoy/broker.h"

namespace convoy::broker {

// A message with the service's name for this handing-out of it: a receipt handle, an ack id.
struct ReceivedMessage {
  BrokerMessage message;
  std::string handle;
};

class Backlog {
 public:
  // Names the queue or subscription: redelivery ids begin with it from now on. A service names its
  // messages within one of them only.
  void set_place(std::string place) { place_ = std::move(place); }

  void Add(ReceivedMessage received);

  // The next messages within the limits, numbered by their tags.
  std::vector<BrokerMessage> Take(const PollLimits& limits);

  // Those of messages that were given and not forgotten. Of very many, the handles of older ones
  // are lost: those messages come again by themselves.
  std::vector<std::string> HandlesOf(std::span<const BrokerMessage> messages) const;
  // The same and those of the messages that wait here: what has to be kept.
  std::vector<std::string> HandlesToKeep(std::span<const BrokerMessage> messages) const;
  // And of all that is held, for giving it back.
  std::vector<std::string> AllHandles() const;
  void Forget(std::span<const BrokerMessage> messages);

  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t bytes_per_message() const { return bytes_ / (waiting_.empty() ? 1 : waiting_.size()); }

 private:
  std::string place_;
  std::deque<ReceivedMessage> waiting_;
  uint64_t bytes_ = 0;  // of those that wait
  uint64_t last_tag_ = 0;
  absl::flat_hash_map<uint64_t, std::string> handles_;  // of those handed out, by tag
};

}  // namespace convoy::broker
