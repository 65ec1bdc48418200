// Member of a consumer group. Messages that librdkafka hands over are kept until a poll is over, so
// that those of a partition that is revoked meanwhile can be dropped: its next owner reads them.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "convoy/broker.h"
#include "lib/broker/kafka/connector.h"
#include "lib/broker/kafka/handles.h"
#include "lib/broker/kafka/lag.h"
#include "lib/broker/kafka/ledger.h"
#include "lib/broker/kafka/security_hint.h"
#include "lib/broker/kafka/topic_identity.h"

namespace convoy::kafka {

class KafkaConsumer final : public BrokerConsumer {
 public:
  // See Broker::Open. The group hears of it with the first poll, so that to open a consumer and not
  // to use it moves no partitions.
  static absl::StatusOr<std::unique_ptr<KafkaConsumer>> Open(const Source& source,
                                                             std::string_view consumer_id,
                                                             const BrokerEnvironment& env);
  // Commits what was acknowledged and leaves the group, or gives that up soon if the brokers are
  // away.
  ~KafkaConsumer() override;

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override;
  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override;
  // Tells the group that this member is alive; a message that comes along is kept for the next
  // poll, as long as that has room for it.
  absl::Status Extend(std::span<const BrokerMessage> messages) override;
  absl::Duration extension_interval() const override { return absl::Minutes(1); }
  void AskLag() override { lag_.Ask(); }
  absl::StatusOr<BrokerLag> lag() const override { return lag_.value(); }
  void Interrupt() override;

 private:
  KafkaConsumer(const Source& source, std::string_view consumer_id, transport::Guard guard,
                const BrokerEnvironment& env);

  // Called by librdkafka: the first two on threads of its own, the others within a pull.
  static int OnConnect(int socket, const sockaddr* address, int bytes, const char* broker,
                       void* self);
  static void OnLog(const rd_kafka_t* client, int level, const char* facility, const char* text);
  static void OnError(rd_kafka_t* client, int code, const char* text, void* self);
  static void OnRebalance(rd_kafka_t* client, rd_kafka_resp_err_t what,
                          rd_kafka_topic_partition_list_t* partitions, void* self);

  static void OnCommit(rd_kafka_t* client, rd_kafka_resp_err_t error,
                       rd_kafka_topic_partition_list_t* offsets, void* self);

  absl::Status Start(ConfigHandle config);
  absl::Status Join();
  // The end: commits what may be uncommitted, then leaves the group.
  void CommitLast();
  void Close();

  // Takes at most one message. False if none came within the time or something else is to be done.
  bool Pull(int timeout_ms);
  void Fill(const PollLimits& limits, int timeout_ms);
  uint64_t PulledBytes() const;
  std::vector<BrokerMessage> HandOut();
  void Forget(int32_t partition);
  // Asks for the topic's identity when that is due.
  void AskForTopic();
  // Drops what was pulled, and reads the topic, which was made anew, from its beginning.
  void BeginAnew();
  // The same by failing, so that a new client takes this one's place: for where nothing of the new
  // topic comes.
  void OpenAnew();
  // The assigned partitions at their beginning, of which nothing is to be committed any more. Null
  // if they cannot be had.
  PartitionsHandle ForgetAssigned();
  // Sets where to begin in partitions that were just assigned: at their beginning, if the committed
  // offset is of a topic of the same name that is gone.
  void ChooseOffsets(rd_kafka_topic_partition_list_t* partitions);

  // Commits what was acknowledged since the last time, in the background: one commit at a time, so
  // under load many acknowledgements share one.
  void Commit();
  // The same, with its answer: false if something acknowledged may be uncommitted afterwards. Takes
  // some seconds at most.
  bool CommitAndWait();
  // Offsets acknowledged since the last commit; null if there are none.
  PartitionsHandle TakeProgress();
  // Whether the answer to a commit in the background is still to be expected.
  bool IsCommitting() const;
  void Retract(const rd_kafka_topic_partition_list_t& offsets, rd_kafka_resp_err_t error);

  // Asks the brokers; an error that librdkafka reports meanwhile goes first.
  absl::Status Reach();
  // Asks whether the coordinator takes commits again, while messages still come: from what was read
  // ahead, or from other brokers.
  void ReachCoordinator();
  void Fail(absl::Status status);

  const std::string source_id_;
  const std::string consumer_id_;
  const std::string topic_name_;
  const Security security_;
  Clock* const clock_;
  Observer* const observer_;
  Connector connector_;
  std::atomic<bool> is_interrupted_ = false;

  rd_kafka_t* client_ = nullptr;
  TopicHandle topic_;
  QueueHandle queue_;  // what Pull reads from
  TopicIdentity identity_;
  Lag lag_;
  std::vector<MessageHandle> pulled_;  // not handed out yet
  bool is_full_ = false;               // so that an extension has not pulled
  bool is_sought_ = false;             // to the beginning of a new topic, and nothing came since
  Ledger ledger_;
  bool is_member_ = false;                              // of the group, or on the way to it
  absl::Time committing_since_ = absl::InfinitePast();  // in the background, or nothing is
  absl::Status failure_;                // the first one: what Poll says from then on
  std::optional<std::string> trouble_;  // the last that librdkafka has said about a connection
  bool should_reach_ = false;           // trouble was reported and the brokers were not asked yet
  int polls_unasked_count_ = 0;         // with messages, while should_reach_
  int passing_errors_count_ = 0;        // since the last message
};

}  // namespace convoy::kafka
