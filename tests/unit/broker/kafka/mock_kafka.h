// A Kafka cluster in this process, librdkafka's own: it speaks the protocol over sockets, keeps
// topics, groups and offsets, and fails on demand. What it cannot do (SASL, TLS, authorisation) is
// tested against a real Kafka in tests/brokers.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"

#include "convoy/broker.h"
#include "lib/broker/kafka/handles.h"

namespace convoy::kafka {

class MockKafka {
 public:
  explicit MockKafka(int brokers_count = 1);
  ~MockKafka();

  void MakeTopic(const std::string& topic, int partitions_count);

  struct Produced {
    std::string topic;
    int32_t partition = 0;
    std::string body;
    std::string key = {};
    Headers headers = {};
  };
  // Returns when the cluster has it.
  void Produce(const Produced& message);
  // Messages of one partition, their bodies "<prefix>0", "<prefix>1" …
  void ProduceMany(const std::string& topic, int32_t partition, const std::string& prefix,
                   int count);

  // Where a group goes on reading; -1 if it has committed nothing.
  int64_t Committed(const std::string& topic, int32_t partition, const std::string& group) const;

  Source MakeSource(const std::string& topic, const std::string& group) const;
  std::string address() const { return address_; }
  rd_kafka_mock_cluster_t* cluster() { return cluster_; }

 private:
  void Send(const Produced& message);
  void Flush();

  rd_kafka_t* owner_;
  rd_kafka_mock_cluster_t* cluster_;
  std::string address_;
  rd_kafka_t* producer_;
};

// One for all tests that do not break it.
MockKafka& SharedKafka();

// Keeps the lines.
class RecordingObserver final : public Observer {
 public:
  void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) override;
  std::string lines() const;

 private:
  mutable absl::Mutex mutex_;
  std::string lines_;
};

// An environment in which the mock's address is allowed.
BrokerEnvironment AllowLocal(Observer* observer = nullptr);

// Opens a consumer that must open.
std::unique_ptr<BrokerConsumer> MustOpen(const Source& source,
                                         const std::string& consumer_id = "1");

// Polls until `count` messages have come; fails the test when they do not.
std::vector<BrokerMessage> PollMany(BrokerConsumer& consumer, size_t count,
                                    const PollLimits& limits = {});

// Polls until there is an error; fails the test if there is none.
absl::Status PollUntilError(BrokerConsumer& consumer);

std::vector<std::string> Bodies(const std::vector<BrokerMessage>& messages);

}  // namespace convoy::kafka
