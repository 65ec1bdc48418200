// Lag of a member of a consumer group: of each partition that it was assigned, the offsets between
// the next message to be read and the partition's end. Asked for on a thread of its own, which ends
// with the answer, with requests that cover all partitions at once.
//
// Ends are those of committed transactions. The marks of transactions take up offsets, too, so the
// lag of a topic with transactions does not always fall to 0.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/broker.h"
#include "convoy/clock.h"
#include "lib/broker/kafka/handles.h"

namespace convoy::kafka {

// Used by the thread that polls. Must be dropped before the client is destroyed.
class Lag {
 public:
  explicit Lag(Clock* clock) : clock_(clock) {}
  ~Lag() { Drop(); }

  // Makes the next Step that finds partitions send the question.
  void Ask() { is_wanted_ = true; }
  // Sends the question that is wanted, unless one is under way, and takes the answer that has come.
  // Does not wait.
  void Step(rd_kafka_t* client);
  // Makes a question under way end with the request that it waits for; the answer is not used.
  void GiveUp() { is_given_up_ = true; }
  // Gives up, and waits for the end: for the patience of one request at most.
  void Drop();

  const absl::StatusOr<BrokerLag>& value() const { return value_; }

 private:
  // Offsets of one partition; kUnknown where there is none.
  struct Partition {
    int64_t position = kUnknown;   // next one to read, where something has been read
    int64_t committed = kUnknown;  // of the group, otherwise
    int64_t begin = kUnknown;
    int64_t end = kUnknown;
  };
  static constexpr int64_t kUnknown = -1;

  void Send(rd_kafka_t* client);
  void ReleasePartitions();
  // These four run on the thread.
  absl::Status AskBrokers(rd_kafka_t* client);
  absl::Status AskForOffsets(rd_kafka_t* client, const rd_kafka_topic_partition_list_t& partitions,
                             int64_t what, int64_t Partition::*into);
  absl::Status AskForCommitted(rd_kafka_t* client);
  absl::Status Keep(const rd_kafka_topic_partition_list_t& answer, int64_t Partition::*into);

  absl::StatusOr<BrokerLag> Sum() const;

  Clock* const clock_;
  bool is_wanted_ = false;
  std::thread thread_;
  std::atomic<bool> is_given_up_ = false;
  std::atomic<bool> is_answered_ = false;
  absl::StatusOr<BrokerLag> value_ = absl::UnavailableError("the brokers have not answered yet");

  // The thread's while one runs.
  PartitionsHandle assigned_;
  PartitionsHandle unread_;  // those of the assigned without a position
  absl::flat_hash_map<int32_t, Partition> partitions_;
  absl::Status outcome_;
};

}  // namespace convoy::kafka
