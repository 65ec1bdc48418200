// Asks for a topic's id with DescribeTopics, and makes redelivery ids of it.
#include "lib/broker/kafka/topic_identity.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/checksum.h"
#include "lib/broker/kafka/handles.h"

namespace convoy::kafka {
namespace {

constexpr int kAskPatienceMs = 2000;
constexpr absl::Duration kAskInterval = absl::Seconds(1);
constexpr absl::Duration kIdleAskInterval = absl::Seconds(10);

using CollectionHandle =
    std::unique_ptr<rd_kafka_TopicCollection_t, Destroyer<rd_kafka_TopicCollection_destroy>>;
using OptionsHandle =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;

// Empty if there is no answer. Brokers that know no ids answer with zeros.
//
// librdkafka tells a topic's id in its admin interface alone. This request may be outlived, unlike
// those to a group's coordinator (lag.cc): it goes to the controller, and each of what may wake it
// up (its timer, a wait for the controller's connection, its answer or the error in the answer's
// place) has a reference of its own to the state that they share, and gives it up once. An answer
// after the time-out finds that state disabled, and frees it.
std::string AskTopicId(rd_kafka_t* client, const std::string& topic) {
  const char* names[] = {topic.c_str()};
  const CollectionHandle collection(rd_kafka_TopicCollection_of_topic_names(names, 1));
  const OptionsHandle options(rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kAskPatienceMs, nullptr, 0);
  const QueueHandle queue(rd_kafka_queue_new(client));
  rd_kafka_DescribeTopics(client, collection.get(), options.get(), queue.get());
  const EventHandle event(rd_kafka_queue_poll(queue.get(), 2 * kAskPatienceMs));
  if (event == nullptr) return "";
  const rd_kafka_DescribeTopics_result_t* const result =
      rd_kafka_event_DescribeTopics_result(event.get());
  if (result == nullptr || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return "";
  }
  size_t count = 0;
  const rd_kafka_TopicDescription_t** const topics =
      rd_kafka_DescribeTopics_result_topics(result, &count);
  if (count != 1 || rd_kafka_error_code(rd_kafka_TopicDescription_error(topics[0])) !=
                        RD_KAFKA_RESP_ERR_NO_ERROR) {
    return "";
  }
  const rd_kafka_Uuid_t* const id = rd_kafka_TopicDescription_topic_id(topics[0]);
  const bool is_known = id != nullptr && (rd_kafka_Uuid_most_significant_bits(id) != 0 ||
                                          rd_kafka_Uuid_least_significant_bits(id) != 0);
  return is_known ? rd_kafka_Uuid_base64str(id) : "";
}

std::string AskClusterId(rd_kafka_t* client) {
  char* const id = rd_kafka_clusterid(client, kAskPatienceMs);
  if (id == nullptr) return "";
  std::string text = id;
  rd_kafka_mem_free(client, id);
  return text;
}

std::string PlaceWithin(const rd_kafka_message_t& message) {
  return absl::StrCat("/", message.partition, "/", message.offset, "@",
                      rd_kafka_message_timestamp(&message, nullptr));
}

// Tells apart two topics' messages at one place and of one time: of what was handed out just before
// a topic was made anew, it is not known which of the two it was of.
std::string ContentsOf(const BrokerMessage& message) {
  return absl::StrCat("#", absl::Hex(base::Crc32(message.key)), ".",
                      absl::Hex(base::Crc32(message.body)));
}

}  // namespace

TopicIdentity::Answer TopicIdentity::Ask(rd_kafka_t* client) {
  std::string id = AskTopicId(client, topic_);
  if (cluster_id_.empty()) cluster_id_ = AskClusterId(client);
  // Also after no answer: the next message must not wait for one again.
  last_answer_at_ = clock_->Now();
  const bool is_made_anew = !id.empty() && !topic_id_.empty() && id != topic_id_;
  if (is_made_anew) {
    former_place_ = place_;
    ambiguous_.clear();
    for (const auto& [partition, offsets] : handed_out_) {
      ambiguous_[partition] = {offsets.at_last_answer, offsets.now};
    }
    handed_out_.clear();
  }
  if (id.empty()) {
    if (place_.empty()) place_ = MakePlace();
    return Answer::kNone;
  }
  topic_id_ = std::move(id);
  place_ = MakePlace();
  for (auto& [partition, offsets] : handed_out_) offsets.at_last_answer = offsets.now;
  return is_made_anew ? Answer::kMadeAnew : Answer::kSame;
}

std::string TopicIdentity::MakePlace() const {
  return absl::StrCat("kafka/", cluster_id_, "/", topic_, "/", topic_id_);
}

bool TopicIdentity::IsAskDue(const rd_kafka_message_t& message) const {
  const absl::Duration age = clock_->Now() - last_answer_at_;
  if (age < absl::ZeroDuration() || age >= kAskInterval) return true;
  const auto known = handed_out_.find(message.partition);
  return known != handed_out_.end() && message.offset < known->second.now;
}

bool TopicIdentity::IsConfirmationDue() const {
  if (absl::AbsDuration(clock_->Now() - last_answer_at_) < kAskInterval) return false;
  return std::any_of(handed_out_.begin(), handed_out_.end(), [](const auto& entry) {
    return entry.second.now != entry.second.at_last_answer;
  });
}

bool TopicIdentity::IsIdleAskDue() const {
  return absl::AbsDuration(clock_->Now() - last_answer_at_) >= kIdleAskInterval;
}

void TopicIdentity::Place(const rd_kafka_message_t& message, BrokerMessage* out) {
  const std::string within = PlaceWithin(message);
  const std::string contents = ContentsOf(*out);
  out->redelivery_id = absl::StrCat(place_, within, contents);
  out->former_redelivery_id = absl::StrCat(topic_, within);
  if (const auto range = ambiguous_.find(message.partition);
      range != ambiguous_.end() && message.offset >= range->second.begin &&
      message.offset < range->second.end) {
    out->former_redelivery_id = absl::StrCat(former_place_, within, contents);
  }
  const auto [known, is_new] = handed_out_.try_emplace(
      message.partition, HandedOut{.at_last_answer = message.offset, .now = message.offset});
  known->second.now = message.offset + 1;
}

}  // namespace convoy::kafka
