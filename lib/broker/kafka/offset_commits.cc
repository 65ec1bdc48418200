// Commits of offsets: one at a time in the background, whose answer comes within a later pull, and
// one that is waited for before partitions are given up.
#include <cstdlib>
#include <cstring>

#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/kafka_consumer.h"

namespace convoy::kafka {
namespace {

// librdkafka answers no commit whose broker leaves the cluster in the meantime. So waits end after
// this time, which is more than a commit takes that is retried after a lost connection.
constexpr int kCommitPatienceMs = 5000;
constexpr absl::Duration kCommitLostAfter = absl::Seconds(30);

// librdkafka frees the metadata of a partition itself.
void SetMetadata(std::string_view text, rd_kafka_topic_partition_t* partition) {
  if (text.empty()) return;
  partition->metadata = std::malloc(text.size());
  if (partition->metadata == nullptr) return;
  std::memcpy(partition->metadata, text.data(), text.size());
  partition->metadata_size = text.size();
}

}  // namespace

bool KafkaConsumer::IsCommitting() const {
  return clock_->Now() - committing_since_ < kCommitLostAfter;
}

PartitionsHandle KafkaConsumer::TakeProgress() {
  const auto progress = ledger_.TakeProgress();
  if (progress.empty()) return nullptr;
  PartitionsHandle offsets(rd_kafka_topic_partition_list_new(static_cast<int>(progress.size())));
  for (const auto& [partition, offset] : progress) {
    rd_kafka_topic_partition_t* const one =
        rd_kafka_topic_partition_list_add(offsets.get(), topic_name_.c_str(), partition);
    one->offset = offset;
    SetMetadata(identity_.topic_id(), one);
  }
  return offsets;
}

void KafkaConsumer::Commit() {
  // With brokers away a commit would only wait for them.
  if (should_reach_ || IsCommitting()) return;
  if (committing_since_ != absl::InfinitePast()) ledger_.RetractAll();  // it was lost
  committing_since_ = absl::InfinitePast();
  const PartitionsHandle offsets = TakeProgress();
  if (offsets == nullptr) return;
  // Refused for a partition that was lost a moment ago, which the next pull will tell: then its
  // messages come again, here or elsewhere.
  const auto error = rd_kafka_commit(client_, offsets.get(), /*async=*/1);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) committing_since_ = clock_->Now();
  Retract(*offsets, error);
}

bool KafkaConsumer::CommitAndWait() {
  if (should_reach_) return false;
  if (committing_since_ != absl::InfinitePast()) ledger_.RetractAll();  // that one may fail yet
  const PartitionsHandle offsets = TakeProgress();
  if (offsets == nullptr) return true;
  struct Answer {
    KafkaConsumer* consumer;
    rd_kafka_resp_err_t error;
  } answer = {this, RD_KAFKA_RESP_ERR__TIMED_OUT};
  const QueueHandle answers(rd_kafka_queue_new(client_));
  rd_kafka_commit_queue(
      client_, offsets.get(), answers.get(),
      [](rd_kafka_t*, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* committed,
         void* opaque) {
        auto* const to = static_cast<Answer*>(opaque);
        to->error = error;
        if (committed != nullptr) to->consumer->Retract(*committed, error);
      },
      &answer);
  rd_kafka_queue_poll_callback(answers.get(), kCommitPatienceMs);
  if (answer.error != RD_KAFKA_RESP_ERR_NO_ERROR) Retract(*offsets, answer.error);
  return answer.error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaConsumer::Retract(const rd_kafka_topic_partition_list_t& offsets,
                            rd_kafka_resp_err_t error) {
  for (int i = 0; i < offsets.cnt; ++i) {
    const rd_kafka_topic_partition_t& one = offsets.elems[i];
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR || one.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      ledger_.Retract(one.partition);  // tried again with the next poll
    }
  }
}

void KafkaConsumer::OnCommit(rd_kafka_t*, rd_kafka_resp_err_t error,
                             rd_kafka_topic_partition_list_t* offsets, void* self) {
  auto* const consumer = static_cast<KafkaConsumer*>(self);
  consumer->committing_since_ = absl::InfinitePast();
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) consumer->Commit();
  consumer->Retract(*offsets, error);
  if (const auto code = StatusCodeOf(error); code.has_value()) {
    consumer->Fail(MakeError(*code, rd_kafka_err2str(error)));
  }
}

}  // namespace convoy::kafka
