// Probe of a topic. A coordinator or leader that answers at all is good enough, even if it is not
// ready yet: librdkafka retries, with better waits than this code would have.
//
// Time is counted as what the calls were allowed to take. Each call begins with a short timeout, so
// that an error reported meanwhile is noticed soon, and gets a longer one each time, for brokers
// that are far away.
#include "lib/broker/kafka/probe.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/handles.h"

namespace convoy::kafka {
namespace {

constexpr int kFirstTryMs = 250;
constexpr int kLongestTryMs = 2000;

using MetadataHandle =
    std::unique_ptr<const rd_kafka_metadata_t, Destroyer<rd_kafka_metadata_destroy>>;

class Prober {
 public:
  Prober(rd_kafka_t* client, rd_kafka_topic_t* topic,
         const std::function<bool(int spent_ms)>& should_wait)
      : client_(client), topic_(topic), should_wait_(should_wait) {}

  absl::Status Run() {
    CONVOY_RETURN_IF_ERROR(AskForTopic());
    CONVOY_RETURN_IF_ERROR(AskCoordinator());
    return AskLeaders();
  }

 private:
  // Repeats `ask(timeout_ms)` until it answers with success or with an error that stays.
  absl::Status Repeat(const std::function<rd_kafka_resp_err_t(int)>& ask);

  absl::Status AskForTopic();
  absl::Status AskCoordinator();
  absl::Status AskLeaders();

  rd_kafka_t* const client_;
  rd_kafka_topic_t* const topic_;
  const std::function<bool(int spent_ms)>& should_wait_;
  int spent_ms_ = 0;
  std::vector<int32_t> partitions_;  // one for each leader
};

absl::Status Prober::Repeat(const std::function<rd_kafka_resp_err_t(int)>& ask) {
  for (int timeout_ms = kFirstTryMs;; timeout_ms = std::min(2 * timeout_ms, kLongestTryMs)) {
    const rd_kafka_resp_err_t error = ask(timeout_ms);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
    if (const auto code = StatusCodeOf(error); code.has_value()) {
      return MakeError(*code, rd_kafka_err2str(error));
    }
    spent_ms_ += timeout_ms;
    if (!should_wait_(spent_ms_)) return absl::DeadlineExceededError(rd_kafka_err2str(error));
  }
}

// An error of the broker's, and not of the way to it, that will pass.
bool IsAnswer(rd_kafka_resp_err_t error) {
  return error > RD_KAFKA_RESP_ERR_NO_ERROR && !StatusCodeOf(error).has_value();
}

rd_kafka_resp_err_t AskForOffset(rd_kafka_t* client, rd_kafka_topic_t* topic, int32_t partition,
                                 int timeout_ms) {
  const PartitionsHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), rd_kafka_topic_name(topic), partition);
  rd_kafka_resp_err_t error = rd_kafka_committed(client, list.get(), timeout_ms);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = list->elems[0].err;
  return IsAnswer(error) ? RD_KAFKA_RESP_ERR_NO_ERROR : error;
}

absl::Status Prober::AskForTopic() {
  return Repeat([this](int timeout_ms) {
    const rd_kafka_metadata_t* answer = nullptr;
    const rd_kafka_resp_err_t error = rd_kafka_metadata(client_, 0, topic_, &answer, timeout_ms);
    const MetadataHandle metadata(answer);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
    if (metadata->topic_cnt != 1) return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    const rd_kafka_metadata_topic_t& topic = metadata->topics[0];
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) return topic.err;
    partitions_.clear();
    std::set<int32_t> leaders;
    for (int i = 0; i < topic.partition_cnt; ++i) {
      const rd_kafka_metadata_partition_t& partition = topic.partitions[i];
      if (partition.leader >= 0 && leaders.insert(partition.leader).second) {
        partitions_.push_back(partition.id);
      }
    }
    return partitions_.empty() ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
                               : RD_KAFKA_RESP_ERR_NO_ERROR;
  });
}

absl::Status Prober::AskCoordinator() {
  return Repeat(
      [this](int timeout_ms) { return AskForOffset(client_, topic_, partitions_[0], timeout_ms); });
}

absl::Status Prober::AskLeaders() {
  absl::Status status;
  for (const int32_t partition : partitions_) {
    status = Repeat([&](int timeout_ms) {
      int64_t begin = 0;
      int64_t end = 0;
      const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
          client_, rd_kafka_topic_name(topic_), partition, &begin, &end, timeout_ms);
      return IsAnswer(error) ? RD_KAFKA_RESP_ERR_NO_ERROR : error;
    });
    if (status.ok()) break;
  }
  return status;
}

}  // namespace

absl::Status Probe(rd_kafka_t* client, rd_kafka_topic_t* topic,
                   const std::function<bool(int spent_ms)>& should_wait) {
  return Prober(client, topic, should_wait).Run();
}

bool IsCoordinatorThere(rd_kafka_t* client, rd_kafka_topic_t* topic) {
  return AskForOffset(client, topic, 0, kLongestTryMs) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace convoy::kafka
