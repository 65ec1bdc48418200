// Identity of the topic that a consumer reads: the cluster and the id that Kafka gave the topic
// when it was made (KIP-516). A topic that is deleted and made anew has the name of the old one,
// and none of its messages: offsets mean nothing across the two.
//
// The identity is asked for on opening, while messages come about once a second, and while none
// come now and then: librdkafka may have stopped fetching for good, without an error. Messages
// handed out since the last answer may be of either topic. If the answer is another id, the new
// topic is read from its beginning, and those messages carry the redelivery id that they had
// before, so that the store recognises them. A redelivery id holds checksums of the message's key
// and body: what the two topics have at one place are different messages.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

#include "convoy/broker.h"
#include "convoy/clock.h"

namespace convoy::kafka {

// Used by the thread that polls.
class TopicIdentity {
 public:
  enum class Answer : uint8_t { kSame, kMadeAnew, kNone };

  TopicIdentity(std::string topic, Clock* clock) : topic_(std::move(topic)), clock_(clock) {}

  // Asks the brokers, for a few seconds at most. kNone: they did not answer, or are too old to
  // know ids; the name alone counts then.
  Answer Ask(rd_kafka_t* client);

  // Whether a message should not be handed out before the next Ask.
  bool IsAskDue(const rd_kafka_message_t& message) const;
  // Whether messages that were handed out wait for an answer that confirms their topic.
  bool IsConfirmationDue() const;
  // Whether it is time for a question although no messages come.
  bool IsIdleAskDue() const;

  // The topic's id in text, or empty. Goes along with committed offsets as their metadata.
  const std::string& topic_id() const { return topic_id_; }

  // Sets the redelivery ids of a message that is about to be handed out with its key and body, and
  // remembers its offset.
  void Place(const rd_kafka_message_t& message, BrokerMessage* out);

  // Forgets a partition that was revoked.
  void Forget(int32_t partition) { handed_out_.erase(partition); }

 private:
  // Offsets of one partition, each the one behind the last message handed out.
  struct HandedOut {
    int64_t at_last_answer = 0;
    int64_t now = 0;
  };
  // Messages of the present topic that may have been handed out under the former one's id.
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
  };

  std::string MakePlace() const;

  const std::string topic_;
  Clock* const clock_;
  std::string cluster_id_;
  std::string topic_id_;
  std::string place_;
  std::string former_place_;
  absl::flat_hash_map<int32_t, HandedOut> handed_out_;
  absl::flat_hash_map<int32_t, Range> ambiguous_;
  absl::Time last_answer_at_ = absl::InfinitePast();
};

}  // namespace convoy::kafka
