// Questions by librdkafka's admin interface. Where a partition has had no message since it was
// assigned, its consumer has no position, and reading goes on at the committed offset or, without
// one, at the beginning.
#include "lib/broker/kafka/lag.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"

#include "lib/broker/kafka/errors.h"

namespace convoy::kafka {
namespace {

constexpr int kRequestPatienceMs = 10'000;
// Answers that have not come by then do not come any more.
constexpr absl::Duration kLostAfter = absl::Seconds(60);

using OptionsHandle =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;
using GroupQuestionHandle = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                                            Destroyer<rd_kafka_ListConsumerGroupOffsets_destroy>>;

OptionsHandle MakeOptions(rd_kafka_t* client, rd_kafka_admin_op_t question) {
  OptionsHandle options(rd_kafka_AdminOptions_new(client, question));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestPatienceMs, nullptr, 0);
  return options;
}

}  // namespace

void Lag::Step(rd_kafka_t* client) {
  if (is_wanted_) Send(client);
  while (answers_awaited_count_ > 0) {
    const EventHandle answer(rd_kafka_queue_poll(answers_.get(), 0));
    if (answer == nullptr) return;
    Take(answer.get());
    if (--answers_awaited_count_ == 0) Sum();
  }
}

void Lag::Send(rd_kafka_t* client) {
  const absl::Time now = clock_->Now();
  asked_at_ = std::min(asked_at_, now);  // even if the clock was set back
  if (answers_awaited_count_ > 0 && now - asked_at_ < kLostAfter) return;
  rd_kafka_topic_partition_list_t* assigned = nullptr;
  if (rd_kafka_assignment(client, &assigned) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const PartitionsHandle partitions(assigned);
  if (assigned->cnt == 0) {
    value_ = absl::UnavailableError("no partition is assigned to this consumer");
    return;
  }
  is_wanted_ = false;
  asked_at_ = now;
  answers_.reset(rd_kafka_queue_new(client));  // an answer that comes late has no place to go
  answers_awaited_count_ = 0;
  failure_.clear();
  partitions_.clear();
  rd_kafka_position(client, assigned);
  const PartitionsHandle unread(rd_kafka_topic_partition_list_new(assigned->cnt));
  for (int i = 0; i < assigned->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = assigned->elems[i];
    Partition& partition = partitions_[one.partition];
    if (one.offset >= 0) {
      partition.position = one.offset;
    } else {
      rd_kafka_topic_partition_list_add(unread.get(), one.topic, one.partition);
    }
  }
  AskForOffsets(client, *assigned, RD_KAFKA_OFFSET_SPEC_LATEST, &Partition::end);
  if (unread->cnt == 0) return;
  AskForOffsets(client, *unread, RD_KAFKA_OFFSET_SPEC_EARLIEST, &Partition::begin);
  AskForCommitted(client, *unread);
}

void Lag::AskForOffsets(rd_kafka_t* client, const rd_kafka_topic_partition_list_t& partitions,
                        int64_t what, int64_t Partition::*into) {
  const PartitionsHandle question(rd_kafka_topic_partition_list_copy(&partitions));
  for (int i = 0; i < question->cnt; ++i) question->elems[i].offset = what;
  const OptionsHandle options = MakeOptions(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
  rd_kafka_error_destroy(rd_kafka_AdminOptions_set_isolation_level(
      options.get(), RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
  rd_kafka_AdminOptions_set_opaque(options.get(), into == &Partition::end ? this : nullptr);
  rd_kafka_ListOffsets(client, question.get(), options.get(), answers_.get());
  ++answers_awaited_count_;
}

void Lag::AskForCommitted(rd_kafka_t* client, const rd_kafka_topic_partition_list_t& partitions) {
  const GroupQuestionHandle question(
      rd_kafka_ListConsumerGroupOffsets_new(group_.c_str(), &partitions));
  const OptionsHandle options = MakeOptions(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
  rd_kafka_ListConsumerGroupOffsets_t* one[] = {question.get()};
  rd_kafka_ListConsumerGroupOffsets(client, one, 1, options.get(), answers_.get());
  ++answers_awaited_count_;
}

void Lag::Take(rd_kafka_event_t* answer) {
  if (rd_kafka_event_error(answer) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (failure_.empty()) failure_ = OneLine(rd_kafka_event_error_string(answer));
    return;
  }
  size_t count = 0;
  if (const auto* offsets = rd_kafka_event_ListOffsets_result(answer); offsets != nullptr) {
    const auto into =
        rd_kafka_event_opaque(answer) != nullptr ? &Partition::end : &Partition::begin;
    const auto* const infos = rd_kafka_ListOffsets_result_infos(offsets, &count);
    for (size_t i = 0; i < count; ++i) {
      Keep(*rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]), into);
    }
    return;
  }
  const auto* committed = rd_kafka_event_ListConsumerGroupOffsets_result(answer);
  if (committed == nullptr) return;
  const auto* const groups = rd_kafka_ListConsumerGroupOffsets_result_groups(committed, &count);
  for (size_t i = 0; i < count; ++i) {
    const auto* const list = rd_kafka_group_result_partitions(groups[i]);
    for (int j = 0; list != nullptr && j < list->cnt; ++j) {
      Keep(list->elems[j], &Partition::committed);
    }
  }
}

void Lag::Keep(const rd_kafka_topic_partition_t& answer, int64_t Partition::*into) {
  if (answer.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (failure_.empty()) failure_ = OneLine(rd_kafka_err2str(answer.err));
    return;
  }
  const auto partition = partitions_.find(answer.partition);
  if (partition != partitions_.end() && answer.offset >= 0) {
    partition->second.*into = answer.offset;
  }
}

void Lag::Sum() {
  if (!failure_.empty()) {
    value_ = absl::UnavailableError(absl::StrCat("the brokers do not tell the lag: ", failure_));
    return;
  }
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
  value_ = lag;
}

}  // namespace convoy::kafka
