// Questions by librdkafka's requests that wait for their answer. Where a partition has had no
// message since it was assigned, its consumer has no position, and reading goes on at the committed
// offset or, without one, at the beginning.
//
// The admin interface would not need a thread, and must not be used: a request to a group's
// coordinator that times out before the coordinator can be reached is freed, is used again as soon
// as it can be, and ends the process with a failed assertion (librdkafka's issue 4605). The
// calls here keep the state of a request within the call; an answer that comes later is dropped
// along with its queue.
#include "lib/broker/kafka/lag.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/broker/kafka/errors.h"

namespace convoy::kafka {
namespace {

// Of each request; to close a consumer may take so long.
constexpr int kRequestPatienceMs = 3000;

absl::Status ToStatus(rd_kafka_resp_err_t error) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the brokers do not tell the lag: ", OneLine(rd_kafka_err2str(error))));
}

}  // namespace

void Lag::Step(rd_kafka_t* client) {
  if (is_answered_) {
    thread_.join();
    is_answered_ = false;
    ReleasePartitions();
    value_ = outcome_.ok() ? Sum() : outcome_;
  }
  if (is_wanted_ && !thread_.joinable()) Send(client);
}

void Lag::Drop() {
  GiveUp();
  if (thread_.joinable()) thread_.join();
  ReleasePartitions();
}

// Lists that librdkafka has filled refer to its partitions, and a client is not destroyed while
// something refers to them: it would wait for ever.
void Lag::ReleasePartitions() {
  assigned_.reset();
  unread_.reset();
}

void Lag::Send(rd_kafka_t* client) {
  rd_kafka_topic_partition_list_t* assigned = nullptr;
  if (rd_kafka_assignment(client, &assigned) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  assigned_.reset(assigned);
  if (assigned->cnt == 0) {
    value_ = absl::UnavailableError("no partition is assigned to this consumer");
    return;
  }
  is_wanted_ = false;
  partitions_.clear();
  rd_kafka_position(client, assigned);
  unread_.reset(rd_kafka_topic_partition_list_new(assigned->cnt));
  for (int i = 0; i < assigned->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = assigned->elems[i];
    Partition& partition = partitions_[one.partition];
    if (one.offset >= 0) {
      partition.position = one.offset;
    } else {
      rd_kafka_topic_partition_list_add(unread_.get(), one.topic, one.partition);
    }
  }
  try {
    thread_ = std::thread([this, client] {
      outcome_ = AskBrokers(client);
      is_answered_ = true;
    });
  } catch (const std::system_error& error) {
    value_ = absl::UnavailableError(absl::StrCat("no thread to ask for the lag: ", error.what()));
  }
}

absl::Status Lag::AskBrokers(rd_kafka_t* client) {
  CONVOY_RETURN_IF_ERROR(AskForOffsets(client, *assigned_, RD_KAFKA_OFFSET_END, &Partition::end));
  if (unread_->cnt == 0) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(
      AskForOffsets(client, *unread_, RD_KAFKA_OFFSET_BEGINNING, &Partition::begin));
  return AskForCommitted(client);
}

// In place of a time librdkafka takes the protocol's marks of a partition's two ends, too. Ends are
// those that the client's isolation level lets it read up to.
absl::Status Lag::AskForOffsets(rd_kafka_t* client,
                                const rd_kafka_topic_partition_list_t& partitions, int64_t what,
                                int64_t Partition::*into) {
  if (is_given_up_) return absl::CancelledError("given up");
  const PartitionsHandle question(rd_kafka_topic_partition_list_copy(&partitions));
  for (int i = 0; i < question->cnt; ++i) question->elems[i].offset = what;
  CONVOY_RETURN_IF_ERROR(
      ToStatus(rd_kafka_offsets_for_times(client, question.get(), kRequestPatienceMs)));
  return Keep(*question, into);
}

absl::Status Lag::AskForCommitted(rd_kafka_t* client) {
  if (is_given_up_) return absl::CancelledError("given up");
  CONVOY_RETURN_IF_ERROR(ToStatus(rd_kafka_committed(client, unread_.get(), kRequestPatienceMs)));
  return Keep(*unread_, &Partition::committed);
}

absl::Status Lag::Keep(const rd_kafka_topic_partition_list_t& answer, int64_t Partition::*into) {
  for (int i = 0; i < answer.cnt; ++i) {
    const rd_kafka_topic_partition_t& one = answer.elems[i];
    CONVOY_RETURN_IF_ERROR(ToStatus(one.err));
    if (one.offset >= 0) partitions_[one.partition].*into = one.offset;
  }
  return absl::OkStatus();
}

absl::StatusOr<BrokerLag> Lag::Sum() const {
  BrokerLag lag{.at = clock_->Now()};
  for (const auto& [number, partition] : partitions_) {
    int64_t next = partition.position;
    if (next == kUnknown) {
      // A committed offset behind the end is of a topic of this name that is gone.
      const bool is_usable = partition.committed <= partition.end;
      next = std::max(is_usable ? partition.committed : kUnknown, partition.begin);
    }
    lag.messages_count += static_cast<uint64_t>(std::max<int64_t>(partition.end - next, 0));
  }
  return lag;
}

}  // namespace convoy::kafka
