// Lag of a member of a consumer group: of each partition that it was assigned, the offsets between
// the next message to be read and the partition's end. Asked for in the background with requests
// that answer for all partitions at once.
//
// Ends are those of committed transactions. The marks of transactions take up offsets, too, so the
// lag of a topic with transactions does not always fall to 0.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "convoy/broker.h"
#include "convoy/clock.h"
#include "lib/broker/kafka/handles.h"

namespace convoy::kafka {

// Used by the thread that polls. Must be gone before the client is.
class Lag {
 public:
  Lag(std::string group, Clock* clock) : group_(std::move(group)), clock_(clock) {}

  // Makes the next Step that finds partitions send the questions.
  void Ask() { is_wanted_ = true; }
  // Sends questions that are wanted, and takes the answers that have come. Does not wait.
  void Step(rd_kafka_t* client);
  // Drops the questions: before the client is destroyed.
  void Drop() { answers_.reset(); }

  const absl::StatusOr<BrokerLag>& value() const { return value_; }

 private:
  // Offsets of one partition; kUnknown where the question was not asked or not answered.
  struct Partition {
    int64_t position = kUnknown;   // next one to read, where something has been read
    int64_t committed = kUnknown;  // of the group, otherwise
    int64_t begin = kUnknown;
    int64_t end = kUnknown;
  };
  static constexpr int64_t kUnknown = -1;

  void Send(rd_kafka_t* client);
  void AskForOffsets(rd_kafka_t* client, const rd_kafka_topic_partition_list_t& partitions,
                     int64_t what, int64_t Partition::*into);
  void AskForCommitted(rd_kafka_t* client, const rd_kafka_topic_partition_list_t& partitions);
  void Take(rd_kafka_event_t* answer);
  void Keep(const rd_kafka_topic_partition_t& answer, int64_t Partition::*into);
  void Sum();

  const std::string group_;
  Clock* const clock_;
  QueueHandle answers_;
  bool is_wanted_ = false;
  int answers_awaited_count_ = 0;
  absl::Time asked_at_ = absl::InfinitePast();
  std::string failure_;  // the first one of the answers
  absl::flat_hash_map<int32_t, Partition> partitions_;
  absl::StatusOr<BrokerLag> value_ = absl::UnavailableError("the brokers have not answered yet");
};

}  // namespace convoy::kafka
