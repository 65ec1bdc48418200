// Topic that was deleted and made anew under its name: offsets of the former one mean nothing, so
// it is read from its beginning.
#include <algorithm>

#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/kafka_consumer.h"

namespace convoy::kafka {
namespace {

// librdkafka may never answer if a broker leaves the cluster in the meantime.
constexpr int kSeekPatienceMs = 5000;
constexpr int kCommittedPatienceMs = 5000;

}  // namespace

void KafkaConsumer::AskForTopic() {
  const bool is_due =
      (!pulled_.empty() && identity_.IsAskDue(*pulled_.front())) || identity_.IsConfirmationDue();
  if (is_due) {
    if (identity_.Ask(client_) == TopicIdentity::Answer::kMadeAnew) BeginAnew();
    return;
  }
  if (!pulled_.empty() || !failure_.ok() || !identity_.IsIdleAskDue()) return;
  const bool is_made_anew = identity_.Ask(client_) == TopicIdentity::Answer::kMadeAnew;
  if (is_made_anew || is_sought_) OpenAnew();
}

void KafkaConsumer::BeginAnew() {
  const LogField fields[] = {
      {"source_id", source_id_}, {"consumer_id", consumer_id_}, {"topic", topic_name_}};
  if (observer_ != nullptr) {
    observer_->Log(LogLevel::kWarning, "topic was made anew, read from its beginning", fields);
  }
  const PartitionsHandle partitions = ForgetAssigned();
  if (partitions == nullptr) return OpenAnew();
  pulled_.clear();
  is_sought_ = true;
  const ErrorHandle error(rd_kafka_seek_partitions(client_, partitions.get(), kSeekPatienceMs));
  const bool is_sought_everywhere =
      std::all_of(partitions->elems, partitions->elems + partitions->cnt,
                  [](const auto& one) { return one.err == RD_KAFKA_RESP_ERR_NO_ERROR; });
  if (error != nullptr || !is_sought_everywhere) OpenAnew();
}

// The new client finds offsets of the topic that is gone, or none, and begins at the beginning.
void KafkaConsumer::OpenAnew() {
  static_cast<void>(ForgetAssigned());
  pulled_.clear();
  Fail(MakeError(absl::StatusCode::kUnavailable, "the topic was made anew"));
}

PartitionsHandle KafkaConsumer::ForgetAssigned() {
  rd_kafka_topic_partition_list_t* assigned = nullptr;
  if (rd_kafka_assignment(client_, &assigned) != RD_KAFKA_RESP_ERR_NO_ERROR) return nullptr;
  PartitionsHandle partitions(assigned);
  for (int i = 0; i < assigned->cnt; ++i) {
    assigned->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    ledger_.Forget(assigned->elems[i].partition);
  }
  return partitions;
}

void KafkaConsumer::ChooseOffsets(rd_kafka_topic_partition_list_t* partitions) {
  if (identity_.topic_id().empty()) return;
  const PartitionsHandle committed(rd_kafka_topic_partition_list_copy(partitions));
  if (rd_kafka_committed(client_, committed.get(), kCommittedPatienceMs) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return;  // librdkafka asks again, and begins at the offset that it is told
  }
  for (int i = 0; i < committed->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = committed->elems[i];
    // Offsets that an earlier version committed carry nothing.
    const std::string_view topic_id(static_cast<const char*>(one.metadata), one.metadata_size);
    if (topic_id.empty() || topic_id == identity_.topic_id()) continue;
    partitions->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
  }
}

}  // namespace convoy::kafka
