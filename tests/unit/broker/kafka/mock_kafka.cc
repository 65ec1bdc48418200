// The cluster belongs to one client handle that does nothing else.
#include "tests/unit/broker/kafka/mock_kafka.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <catch2/catch.hpp>

namespace convoy::kafka {
namespace {

rd_kafka_t* NewClient(rd_kafka_type_t type,
                      const std::vector<std::pair<std::string, std::string>>& settings) {
  rd_kafka_conf_t* const config = rd_kafka_conf_new();
  std::array<char, 256> error = {};
  rd_kafka_conf_set_log_cb(config, nullptr);
  for (const auto& [name, value] : settings) {
    REQUIRE(rd_kafka_conf_set(config, name.c_str(), value.c_str(), error.data(), error.size()) ==
            RD_KAFKA_CONF_OK);
  }
  rd_kafka_t* const client = rd_kafka_new(type, config, error.data(), error.size());
  REQUIRE(client != nullptr);
  return client;
}

constexpr int kPollsMax = 300;
constexpr absl::Duration kPatience = absl::Milliseconds(100);

}  // namespace

MockKafka::MockKafka(int brokers_count)
    : owner_(NewClient(RD_KAFKA_PRODUCER, {})),
      cluster_(rd_kafka_mock_cluster_new(owner_, brokers_count)),
      address_(rd_kafka_mock_cluster_bootstraps(cluster_)),
      producer_(NewClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address_}})) {}

MockKafka::~MockKafka() {
  rd_kafka_destroy(producer_);
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(owner_);
}

void MockKafka::MakeTopic(const std::string& topic, int partitions_count) {
  REQUIRE(rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions_count, 1) ==
          RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::Send(const Produced& message) {
  rd_kafka_headers_t* const headers = rd_kafka_headers_new(message.headers.size());
  for (const Header& header : message.headers) {
    rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                        header.value.data(), static_cast<ssize_t>(header.value.size()));
  }
  REQUIRE(rd_kafka_producev(
              producer_, RD_KAFKA_V_TOPIC(message.topic.c_str()),
              RD_KAFKA_V_PARTITION(message.partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
              RD_KAFKA_V_VALUE(const_cast<char*>(message.body.data()), message.body.size()),
              RD_KAFKA_V_KEY(message.key.data(), message.key.size()), RD_KAFKA_V_HEADERS(headers),
              RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::Flush() {
  REQUIRE(rd_kafka_flush(producer_, 30'000) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockKafka::Produce(const Produced& message) {
  Send(message);
  Flush();
}

void MockKafka::ProduceMany(const std::string& topic, int32_t partition, const std::string& prefix,
                            int count) {
  for (int i = 0; i < count; ++i) {
    Send({.topic = topic, .partition = partition, .body = absl::StrCat(prefix, i)});
  }
  Flush();
}

int64_t MockKafka::Committed(const std::string& topic, int32_t partition,
                             const std::string& group) const {
  rd_kafka_t* const client =
      NewClient(RD_KAFKA_CONSUMER, {{"bootstrap.servers", address_}, {"group.id", group}});
  const PartitionsHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  const rd_kafka_resp_err_t error = rd_kafka_committed(client, list.get(), 30'000);
  rd_kafka_destroy(client);
  REQUIRE(error == RD_KAFKA_RESP_ERR_NO_ERROR);
  const int64_t offset = list->elems[0].offset;
  return offset == RD_KAFKA_OFFSET_INVALID ? -1 : offset;
}

Source MockKafka::MakeSource(const std::string& topic, const std::string& group) const {
  Source source;
  source.id = "source";
  source.broker = KafkaConfig{
      .brokers = absl::StrSplit(address_, ','), .topic = topic, .consumer_group_id = group};
  return source;
}

MockKafka& SharedKafka() {
  static MockKafka kafka;
  return kafka;
}

void RecordingObserver::Log(LogLevel, std::string_view event, std::span<const LogField> fields) {
  const absl::MutexLock lock(&mutex_);
  absl::StrAppend(&lines_, event);
  for (const LogField& field : fields) absl::StrAppend(&lines_, " ", field.key, "=", field.value);
  lines_ += '\n';
}

std::string RecordingObserver::lines() const {
  const absl::MutexLock lock(&mutex_);
  return lines_;
}

BrokerEnvironment AllowLocal(Observer* observer) {
  static const std::unique_ptr<Clock> clock = NewSystemClock();
  return {.clock = clock.get(), .observer = observer, .allowed_networks = {"127.0.0.0/8"}};
}

std::unique_ptr<BrokerConsumer> MustOpen(const Source& source, const std::string& consumer_id) {
  auto consumer = NewKafkaBroker()->Open(source, consumer_id, AllowLocal());
  INFO(consumer.status().ToString());
  REQUIRE(consumer.ok());
  return *std::move(consumer);
}

std::vector<BrokerMessage> PollMany(BrokerConsumer& consumer, size_t count,
                                    const PollLimits& limits) {
  std::vector<BrokerMessage> all;
  for (int i = 0; i < kPollsMax && all.size() < count; ++i) {
    auto messages = consumer.Poll(limits, kPatience);
    INFO(messages.status().ToString());
    REQUIRE(messages.ok());
    std::move(messages->begin(), messages->end(), std::back_inserter(all));
  }
  REQUIRE(all.size() == count);
  return all;
}

absl::Status PollUntilError(BrokerConsumer& consumer) {
  for (int i = 0; i < kPollsMax; ++i) {
    const auto messages = consumer.Poll({}, kPatience);
    if (!messages.ok()) return messages.status();
  }
  FAIL("no error came");
  return absl::OkStatus();
}

std::vector<std::string> Bodies(const std::vector<BrokerMessage>& messages) {
  std::vector<std::string> bodies;
  for (const BrokerMessage& message : messages) bodies.push_back(message.body);
  return bodies;
}

}  // namespace convoy::kafka
