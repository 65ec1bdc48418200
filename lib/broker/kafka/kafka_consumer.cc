// Consumer that does all its work in its polls, on the polling thread; librdkafka's threads only
// fetch, connect and log. So between two polls no partition is assigned or revoked, and what the
// gateway commits and acknowledges before its next poll belongs to partitions that are still
// assigned.
#include "lib/broker/kafka/kafka_consumer.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/broker/kafka/client_config.h"
#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/message.h"
#include "lib/broker/kafka/probe.h"

namespace convoy::kafka {
namespace {

constexpr int kLeaveRoundMs = 100;
constexpr int kLeaveRoundsMax = 30;

// To leave a group takes far less than a second, be the brokers there or not.
constexpr absl::Duration kClosePatience = absl::Seconds(15);

// librdkafka answers no commit whose broker leaves the cluster in the meantime. So waits end after
// this time, which is more than a commit takes that is retried after a lost connection.
constexpr int kCommitPatienceMs = 5000;
constexpr int kSeekPatienceMs = 5000;
constexpr absl::Duration kCommitLostAfter = absl::Seconds(30);

// Errors that should pass, without a message in between, before one is taken for lasting.
constexpr int kPassingErrorsMax = 20;

// Time for which silent brokers are asked. A connection that has just broken is remade well within
// the shorter one.
constexpr int kSilentPatienceMs = 5000;
constexpr int kTroubledPatienceMs = 1500;

int ToMilliseconds(absl::Duration patience) {
  const int64_t whole = absl::ToInt64Milliseconds(absl::Ceil(patience, absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(whole, 0, std::numeric_limits<int>::max()));
}

// Number of polls with messages per question to the coordinator, which is slow to fail while the
// coordinator is away.
constexpr int kPollsPerQuestion = 16;

// librdkafka frees the metadata of a partition itself.
void SetMetadata(std::string_view text, rd_kafka_topic_partition_t* partition) {
  if (text.empty()) return;
  partition->metadata = std::malloc(text.size());
  if (partition->metadata == nullptr) return;
  std::memcpy(partition->metadata, text.data(), text.size());
  partition->metadata_size = text.size();
}

// From syslog's levels. What is an error to a connection is no error of ours: it is tried again,
// and the gateway reports what a poll says.
LogLevel LevelOf(int syslog_level) {
  constexpr int kSyslogWarning = 4;
  constexpr int kSyslogInfo = 6;
  if (syslog_level <= kSyslogWarning) return LogLevel::kWarning;
  return syslog_level <= kSyslogInfo ? LogLevel::kInfo : LogLevel::kDebug;
}

}  // namespace

KafkaConsumer::KafkaConsumer(const Source& source, std::string_view consumer_id,
                             transport::Guard guard, const BrokerEnvironment& env)
    : source_id_(source.id),
      consumer_id_(consumer_id),
      topic_name_(std::get<KafkaConfig>(source.broker).topic),
      security_(SecurityOf(std::get<KafkaConfig>(source.broker))),
      clock_(env.clock),
      observer_(env.observer),
      connector_(std::move(guard)),
      identity_(topic_name_, env.clock),
      lag_(std::get<KafkaConfig>(source.broker).consumer_group_id, env.clock) {}

absl::StatusOr<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Open(const Source& source,
                                                                   std::string_view consumer_id,
                                                                   const BrokerEnvironment& env) {
  const auto* settings = std::get_if<KafkaConfig>(&source.broker);
  if (settings == nullptr) return absl::InvalidArgumentError("pub_sub.kafka: missing");
  CONVOY_ASSIGN_OR_RETURN(transport::Guard guard, transport::Guard::Parse(env.allowed_networks));
  CONVOY_ASSIGN_OR_RETURN(ConfigHandle config, MakeClientConfig(*settings, consumer_id));
  auto consumer = absl::WrapUnique(new KafkaConsumer(source, consumer_id, std::move(guard), env));
  CONVOY_RETURN_IF_ERROR(consumer->Start(std::move(config)));
  return consumer;
}

absl::Status KafkaConsumer::Start(ConfigHandle config) {
  rd_kafka_conf_set_opaque(config.get(), this);
  rd_kafka_conf_set_connect_cb(config.get(), &KafkaConsumer::OnConnect);
  rd_kafka_conf_set_log_cb(config.get(), &KafkaConsumer::OnLog);
  rd_kafka_conf_set_error_cb(config.get(), &KafkaConsumer::OnError);
  rd_kafka_conf_set_rebalance_cb(config.get(), &KafkaConsumer::OnRebalance);
  rd_kafka_conf_set_offset_commit_cb(config.get(), &KafkaConsumer::OnCommit);
  std::array<char, 256> error = {};
  client_ = rd_kafka_new(RD_KAFKA_CONSUMER, config.get(), error.data(), error.size());
  if (client_ == nullptr) return MakeError(absl::StatusCode::kUnavailable, error.data());
  static_cast<void>(config.release());  // owned by the client from here on
  rd_kafka_poll_set_consumer(client_);
  queue_.reset(rd_kafka_queue_get_consumer(client_));
  topic_.reset(rd_kafka_topic_new(client_, topic_name_.c_str(), nullptr));
  if (queue_ == nullptr || topic_ == nullptr) {
    return MakeError(absl::StatusCode::kUnavailable, rd_kafka_err2str(rd_kafka_last_error()));
  }
  CONVOY_RETURN_IF_ERROR(Reach());
  identity_.Ask(client_);
  return absl::OkStatus();
}

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

KafkaConsumer::~KafkaConsumer() {
  if (client_ == nullptr) return;
  if (is_member_) CommitLast();
  Close();
  pulled_.clear();
  lag_.Drop();
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

absl::StatusOr<std::vector<BrokerMessage>> KafkaConsumer::Poll(const PollLimits& limits,
                                                               absl::Duration patience) {
  if (!is_member_) CONVOY_RETURN_IF_ERROR(Join());
  if (is_interrupted_.exchange(false)) patience = absl::ZeroDuration();
  if (std::exchange(is_full_, false)) Pull(0);  // tells whether what was kept is still ours
  Commit();
  lag_.Step(client_);
  Fill(limits, failure_.ok() ? ToMilliseconds(patience) : 0);
  if (failure_.ok() && should_reach_) {
    if (pulled_.empty()) {
      Fail(Reach());
    } else {
      ReachCoordinator();
    }
  }
  is_interrupted_ = false;
  lag_.Step(client_);
  AskForTopic();
  // Messages that preceded a failure are handed out before it is reported.
  if (pulled_.empty() && !failure_.ok()) return failure_;
  return HandOut();
}

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

void KafkaConsumer::Fill(const PollLimits& limits, int timeout_ms) {
  uint64_t bytes = PulledBytes();
  while (pulled_.size() < limits.messages_max && bytes < limits.bytes_max) {
    const size_t count = pulled_.size();
    if (!Pull(count == 0 ? timeout_ms : 0)) break;
    // A revocation may have come before the message and taken others away.
    if (pulled_.size() == count + 1) bytes += MessageBytes(*pulled_.back());
  }
}

uint64_t KafkaConsumer::PulledBytes() const {
  uint64_t bytes = 0;
  for (const MessageHandle& message : pulled_) bytes += MessageBytes(*message);
  return bytes;
}

bool KafkaConsumer::Pull(int timeout_ms) {
  MessageHandle message(rd_kafka_consumer_poll(client_, timeout_ms));
  if (message == nullptr) return false;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    pulled_.push_back(std::move(message));
    is_sought_ = false;
    trouble_.reset();
    passing_errors_count_ = 0;
    return true;
  }
  const auto code = StatusCodeOf(message->err);
  if (code.has_value() || ++passing_errors_count_ > kPassingErrorsMax) {
    const char* const text = rd_kafka_message_errstr(message.get());
    Fail(MakeError(code.value_or(absl::StatusCode::kUnavailable), text == nullptr ? "" : text));
  }
  return false;
}

std::vector<BrokerMessage> KafkaConsumer::HandOut() {
  std::vector<BrokerMessage> messages;
  messages.reserve(pulled_.size());
  for (const MessageHandle& message : pulled_) {
    messages.push_back(ReadMessage(*message));
    identity_.Place(*message, &messages.back());
    messages.back().tag = ledger_.HandOut(message->partition, message->offset);
  }
  pulled_.clear();
  return messages;
}

absl::Status KafkaConsumer::Acknowledge(std::span<const BrokerMessage> messages) {
  for (const BrokerMessage& message : messages) ledger_.Acknowledge(message.tag);
  Commit();
  return absl::OkStatus();
}

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

absl::Status KafkaConsumer::Extend(std::span<const BrokerMessage>) {
  // More is not kept in memory. Who pulls nothing is put out of the group after a while: then what
  // is kept here is dropped, and others read it.
  constexpr PollLimits kLimits;
  is_full_ = pulled_.size() + 1 >= kLimits.messages_max || PulledBytes() >= kLimits.bytes_max;
  if (!is_full_) Pull(0);
  return failure_;
}

void KafkaConsumer::Interrupt() {
  is_interrupted_ = true;
  rd_kafka_queue_yield(queue_.get());
}

absl::Status KafkaConsumer::Reach() {
  should_reach_ = false;
  const absl::Status status = Probe(client_, topic_.get(), [this](int spent_ms) {
    Pull(0);
    return failure_.ok() && !is_interrupted_ &&
           spent_ms < (trouble_.has_value() ? kTroubledPatienceMs : kSilentPatienceMs);
  });
  if (!failure_.ok()) return failure_;
  if (status.ok() || is_interrupted_) return absl::OkStatus();
  if (!absl::IsDeadlineExceeded(status)) return status;
  if (const auto broker = connector_.denied_broker(); broker.has_value()) {
    return absl::PermissionDeniedError(
        absl::StrCat("the address of the broker ", OneLine(*broker),
                     " is not public and not in an allowed network"));
  }
  const std::string text = trouble_.value_or(std::string(status.message()));
  return MakeError(absl::StatusCode::kUnavailable, WithSecurityHint(text, security_));
}

void KafkaConsumer::ReachCoordinator() {
  if (polls_unasked_count_++ % kPollsPerQuestion != 0) return;
  if (!IsCoordinatorThere(client_, topic_.get())) return;
  should_reach_ = false;
  polls_unasked_count_ = 0;
}

void KafkaConsumer::Fail(absl::Status status) { failure_.Update(std::move(status)); }

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
  if (rd_kafka_committed(client_, committed.get(), kCommitPatienceMs) !=
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

void KafkaConsumer::Forget(int32_t partition) {
  identity_.Forget(partition);
  ledger_.Forget(partition);
  std::erase_if(pulled_,
                [&](const MessageHandle& message) { return message->partition == partition; });
}

int KafkaConsumer::OnConnect(int socket, const sockaddr* address, int bytes, const char* broker,
                             void* self) {
  return static_cast<KafkaConsumer*>(self)->connector_.Connect(socket, address, bytes, broker);
}

void KafkaConsumer::OnLog(const rd_kafka_t* client, int level, const char* facility,
                          const char* text) {
  const auto* const self = static_cast<const KafkaConsumer*>(rd_kafka_opaque(client));
  if (self == nullptr || self->observer_ == nullptr) return;
  const std::string line = OneLine(text);
  const std::array<LogField, 4> fields = {LogField{"source_id", self->source_id_},
                                          LogField{"consumer_id", self->consumer_id_},
                                          LogField{"facility", facility}, LogField{"text", line}};
  self->observer_->Log(LevelOf(level), "kafka client", fields);
}

void KafkaConsumer::OnError(rd_kafka_t* client, int code, const char* text, void* self) {
  auto* const consumer = static_cast<KafkaConsumer*>(self);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR__FATAL) {
    consumer->Fail(MakeError(*StatusCodeOf(error), WithSecurityHint(text, consumer->security_)));
  } else if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !consumer->trouble_.has_value()) {
    consumer->trouble_ = text;  // of one broker: says more than that all are down
  }
  consumer->should_reach_ = true;
  rd_kafka_yield(client);
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

}  // namespace convoy::kafka
