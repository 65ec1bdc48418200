// A message broker in memory: queues that survive their consumers, unacknowledged messages that
// come again, and faults on request. Header-only, so that every kind of test may use it.
//
// It plays RabbitMQ: a source reads from the queue that its AmqpConfig names, with its password.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "convoy/broker.h"

namespace convoy::testing {

class SimBroker : public Broker {
 public:
  enum class Call : uint8_t { kOpen, kPoll, kAcknowledge, kExtend, kPublishDeadLetter, kAskLag };

  struct DeadLetter {
    std::string body;
    std::string reason;
  };

  std::string_view type() const override { return "amqp"; }
  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source,
                                                       std::string_view consumer_id,
                                                       const BrokerEnvironment& env) override;

  // Other clients of the server.

  void MakeQueue(const std::string& queue) {
    absl::MutexLock lock(&mutex_);
    queues_[queue];
  }
  void RemakeQueue(const std::string& queue) {
    absl::MutexLock lock(&mutex_);
    queues_[queue] = {};
  }
  // A message without a redelivery id gets one, unless `has_redelivery_ids` is off.
  void Publish(const std::string& queue, BrokerMessage message) {
    absl::MutexLock lock(&mutex_);
    ++published_count_;
    if (message.redelivery_id.empty() && has_redelivery_ids_) {
      message.redelivery_id = absl::StrCat(queue, "/", published_count_);
    }
    message.tag = published_count_;
    queues_[queue].waiting.push_back(std::move(message));
  }
  // Messages that are not acknowledged.
  size_t CountLeft(const std::string& queue) {
    absl::MutexLock lock(&mutex_);
    const Queue& found = queues_[queue];
    return found.waiting.size() + found.in_flight.size();
  }
  size_t CountCalls(Call call) {
    absl::MutexLock lock(&mutex_);
    return calls_[call];
  }
  size_t CountConsumers() {
    absl::MutexLock lock(&mutex_);
    return consumers_count_;
  }
  std::vector<DeadLetter> dead_letters() {
    absl::MutexLock lock(&mutex_);
    return dead_letters_;
  }

  // The next `times` calls of this kind fail.
  void FailNext(Call call, absl::Status status, int times = 1) {
    absl::MutexLock lock(&mutex_);
    for (int i = 0; i < times; ++i) faults_[call].push_back(status);
  }
  // Acknowledgements are answered and forgotten: what a crash does to them.
  void set_loses_acknowledgements(bool value) { Set(&loses_acknowledgements_, value); }
  void set_has_redelivery_ids(bool value) { Set(&has_redelivery_ids_, value); }
  // Whether a Poll of an empty queue waits, in real time; otherwise it returns at once.
  void set_blocks(bool value) { Set(&blocks_, value); }
  // Whether consumers tell how many messages wait, as of the Poll behind the question.
  void set_tells_lag(bool value) { Set(&tells_lag_, value); }
  void set_password(std::string value) { Set(&password_, std::move(value)); }
  void set_extension_interval(absl::Duration value) { Set(&extension_interval_, value); }

 private:
  class Consumer;

  struct InFlight {
    BrokerMessage message;
    std::string consumer_id;
    absl::Time until;
  };
  struct Queue {
    std::deque<BrokerMessage> waiting;
    std::vector<InFlight> in_flight;
  };

  template <typename T>
  void Set(T* field, T value) {
    absl::MutexLock lock(&mutex_);
    *field = std::move(value);
  }

  absl::Status TakeFault(Call call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++calls_[call];
    auto& waiting = faults_[call];
    if (waiting.empty()) return absl::OkStatus();
    absl::Status status = std::move(waiting.front());
    waiting.pop_front();
    return status;
  }

  // Puts messages back in their old place that no consumer holds any more.
  template <typename Predicate>
  void PutBack(Queue& queue, Predicate is_lost) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto begin = std::stable_partition(queue.in_flight.begin(), queue.in_flight.end(),
                                             [&](const InFlight& held) { return !is_lost(held); });
    for (auto held = begin; held != queue.in_flight.end(); ++held) {
      queue.waiting.push_back(std::move(held->message));
    }
    queue.in_flight.erase(begin, queue.in_flight.end());
    std::sort(queue.waiting.begin(), queue.waiting.end(),
              [](const BrokerMessage& a, const BrokerMessage& b) { return a.tag < b.tag; });
  }

  absl::Mutex mutex_;
  std::map<std::string, Queue> queues_ ABSL_GUARDED_BY(mutex_);
  std::map<Call, std::deque<absl::Status>> faults_ ABSL_GUARDED_BY(mutex_);
  std::map<Call, size_t> calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<DeadLetter> dead_letters_ ABSL_GUARDED_BY(mutex_);
  uint64_t published_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t consumers_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool loses_acknowledgements_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_redelivery_ids_ ABSL_GUARDED_BY(mutex_) = true;
  bool blocks_ ABSL_GUARDED_BY(mutex_) = false;
  bool tells_lag_ ABSL_GUARDED_BY(mutex_) = false;
  std::string password_ ABSL_GUARDED_BY(mutex_);
  absl::Duration extension_interval_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
};

class SimBroker::Consumer : public BrokerConsumer {
 public:
  Consumer(SimBroker* broker, std::string queue, std::string id, Clock* clock,
           absl::Duration extension_interval)
      : broker_(*broker),
        queue_(std::move(queue)),
        id_(std::move(id)),
        clock_(clock),
        extension_interval_(extension_interval) {}

  ~Consumer() override {
    absl::MutexLock lock(&broker_.mutex_);
    --broker_.consumers_count_;
    broker_.PutBack(broker_.queues_[queue_],
                    [&](const InFlight& held) { return held.consumer_id == id_; });
  }

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override {
    absl::MutexLock lock(&broker_.mutex_);
    if (absl::Status fault = broker_.TakeFault(Call::kPoll); !fault.ok()) return fault;
    if (broker_.blocks_) {
      broker_.mutex_.AwaitWithTimeout(absl::Condition(this, &Consumer::HasSomething), patience);
    }
    const bool was_interrupted = std::exchange(is_interrupted_, false);
    std::vector<BrokerMessage> messages;
    if (!was_interrupted) Take(limits, messages);
    if (std::exchange(is_lag_asked_, false)) {
      lag_ =
          BrokerLag{.messages_count = broker_.queues_[queue_].waiting.size(), .at = clock_->Now()};
    }
    return messages;
  }

  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override {
    absl::MutexLock lock(&broker_.mutex_);
    if (absl::Status fault = broker_.TakeFault(Call::kAcknowledge); !fault.ok()) return fault;
    if (broker_.loses_acknowledgements_) return absl::OkStatus();
    std::vector<InFlight>& in_flight = broker_.queues_[queue_].in_flight;
    for (const BrokerMessage& message : messages) {
      std::erase_if(in_flight, [&](const InFlight& held) {
        return held.message.tag == message.tag && held.consumer_id == id_;
      });
    }
    return absl::OkStatus();
  }

  absl::Status Extend(std::span<const BrokerMessage> messages) override {
    absl::MutexLock lock(&broker_.mutex_);
    if (absl::Status fault = broker_.TakeFault(Call::kExtend); !fault.ok()) return fault;
    for (InFlight& held : broker_.queues_[queue_].in_flight) {
      const bool is_meant =
          std::any_of(messages.begin(), messages.end(), [&](const BrokerMessage& message) {
            return message.tag == held.message.tag && held.consumer_id == id_;
          });
      if (is_meant) held.until = clock_->Now() + extension_interval_;
    }
    return absl::OkStatus();
  }
  absl::Duration extension_interval() const override { return extension_interval_; }

  absl::Status PublishDeadLetter(const BrokerMessage& message, std::string_view reason) override {
    absl::MutexLock lock(&broker_.mutex_);
    if (absl::Status fault = broker_.TakeFault(Call::kPublishDeadLetter); !fault.ok()) return fault;
    broker_.dead_letters_.push_back({message.body, std::string(reason)});
    return absl::OkStatus();
  }

  void AskLag() override {
    absl::MutexLock lock(&broker_.mutex_);
    const absl::Status fault = broker_.TakeFault(Call::kAskLag);
    is_lag_asked_ = fault.ok();
    if (!fault.ok()) lag_ = fault;
  }
  absl::StatusOr<BrokerLag> lag() const override {
    absl::MutexLock lock(&broker_.mutex_);
    return broker_.tells_lag_ ? lag_ : BrokerConsumer::lag();
  }
  bool is_lag_shared() const override { return true; }

  void Interrupt() override {
    absl::MutexLock lock(&broker_.mutex_);
    is_interrupted_ = true;
  }

 private:
  bool HasSomething() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_.mutex_) {
    return is_interrupted_ || !broker_.queues_[queue_].waiting.empty();
  }

  void Take(const PollLimits& limits, std::vector<BrokerMessage>& out_messages)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(broker_.mutex_) {
    Queue& queue = broker_.queues_[queue_];
    const absl::Time now = clock_->Now();
    broker_.PutBack(queue, [&](const InFlight& held) { return held.until <= now; });
    uint64_t bytes = 0;
    while (!queue.waiting.empty() && out_messages.size() < limits.messages_max &&
           bytes < limits.bytes_max) {
      BrokerMessage message = std::move(queue.waiting.front());
      queue.waiting.pop_front();
      bytes += message.body.size();
      out_messages.push_back(message);
      queue.in_flight.push_back({std::move(message), id_, now + extension_interval_});
    }
  }

  SimBroker& broker_;
  const std::string queue_;
  const std::string id_;
  Clock* const clock_;
  const absl::Duration extension_interval_;
  bool is_interrupted_ ABSL_GUARDED_BY(broker_.mutex_) = false;
  bool is_lag_asked_ ABSL_GUARDED_BY(broker_.mutex_) = false;
  absl::StatusOr<BrokerLag> lag_ ABSL_GUARDED_BY(broker_.mutex_) =
      absl::UnavailableError("not asked yet");
};

inline absl::StatusOr<std::unique_ptr<BrokerConsumer>> SimBroker::Open(
    const Source& source, std::string_view consumer_id, const BrokerEnvironment& env) {
  const AmqpConfig& config = std::get<AmqpConfig>(source.broker);
  absl::MutexLock lock(&mutex_);
  if (absl::Status fault = TakeFault(Call::kOpen); !fault.ok()) return fault;
  if (env.allowed_networks.empty()) return absl::PermissionDeniedError("the guard denies it");
  if (config.host != "sim") return absl::UnavailableError("connection refused: no listener");
  if (config.password != password_) return absl::UnauthenticatedError("wrong user or password");
  if (!queues_.contains(config.queue)) {
    return absl::NotFoundError(absl::StrCat("there is no queue ", config.queue));
  }
  ++consumers_count_;
  return std::make_unique<Consumer>(this, config.queue, std::string(consumer_id), env.clock,
                                    extension_interval_);
}

}  // namespace convoy::testing
