// Membership in a consumer group: joining, partitions that come and go, leaving.
#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/kafka_consumer.h"
#include "lib/broker/kafka/probe.h"

namespace convoy::kafka {
namespace {

constexpr int kLeaveRoundMs = 100;
constexpr int kLeaveRoundsMax = 30;

// To leave a group takes far less than a second, be the brokers there or not.
constexpr absl::Duration kClosePatience = absl::Seconds(15);

}  // namespace

absl::Status KafkaConsumer::Join() {
  const PartitionsHandle topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic_name_.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(client_, topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return MakeError(StatusCodeOf(code).value_or(absl::StatusCode::kUnavailable),
                     rd_kafka_err2str(code));
  }
  is_member_ = true;
  return absl::OkStatus();
}

void KafkaConsumer::OnRebalance(rd_kafka_t* client, rd_kafka_resp_err_t what,
                                rd_kafka_topic_partition_list_t* partitions, void* self) {
  auto* const consumer = static_cast<KafkaConsumer*>(self);
  ErrorHandle error;
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    consumer->ChooseOffsets(partitions);
    error.reset(rd_kafka_incremental_assign(client, partitions));
  } else {
    if (rd_kafka_assignment_lost(client) == 0) consumer->CommitAndWait();
    for (int i = 0; i < partitions->cnt; ++i) consumer->Forget(partitions->elems[i].partition);
    error.reset(rd_kafka_incremental_unassign(client, partitions));
  }
  if (error != nullptr) {
    consumer->Fail(MakeError(absl::StatusCode::kUnavailable, rd_kafka_error_string(error.get())));
  }
}

KafkaConsumer::~KafkaConsumer() {
  if (client_ == nullptr) return;
  lag_.GiveUp();
  if (is_member_) CommitLast();
  lag_.Drop();
  Close();
  pulled_.clear();
  topic_.reset();
  queue_.reset();
  rd_kafka_destroy_flags(client_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void KafkaConsumer::CommitLast() {
  // Only with the coordinator there: librdkafka would wait for it until the session is over.
  if (absl::IsUnavailable(failure_)) return;
  for (int round = 0; round < kLeaveRoundsMax; ++round) {
    if (!IsCoordinatorThere(client_, topic_.get())) return;
    should_reach_ = false;
    if (CommitAndWait()) return;
    Pull(kLeaveRoundMs);  // no commit is taken in the middle of a rebalance
  }
}

// A client that is destroyed while it is still leaving its group may wait for itself for ever: its
// timers have been stopped by then.
void KafkaConsumer::Close() {
  const QueueHandle queue(rd_kafka_queue_new(client_));
  const ErrorHandle error(rd_kafka_consumer_close_queue(client_, queue.get()));
  if (error != nullptr) return;
  const absl::Time deadline = clock_->Now() + kClosePatience;
  while (rd_kafka_consumer_closed(client_) == 0 && clock_->Now() < deadline) {
    // Revocations are served here; messages that are left in the queue were never handed out.
    const MessageHandle message(rd_kafka_consume_queue(queue.get(), kLeaveRoundMs));
  }
}

}  // namespace convoy::kafka
