// Reads a queue of Amazon SQS: by one long poll, and, while the queue has plenty, by several short
// ones at once, because a call returns ten messages at most.
//
// A received message is hidden from other readers for kVisibility and is redelivered unless it is
// deleted. Only durable messages are deleted, so a lost connection or process loses nothing, and
// the message's id tells the gateway which ones it already has. A consumer that is closed without
// an error returns its unacknowledged messages at once.
//
// Session credentials may change: each operation begins by asking for the current ones.
#include "lib/broker/sqs/sqs_consumer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/broker/web/backlog.h"
#include "lib/broker/web/http_caller.h"

namespace convoy::broker {
namespace {

using OnInterrupt = HttpCaller::OnInterrupt;

constexpr absl::Duration kVisibility = absl::Seconds(30);
constexpr absl::Duration kExtensionInterval = absl::Seconds(10);
constexpr absl::Duration kOpenTimeout = absl::Seconds(4);
constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kGatherMax = absl::Seconds(1);
// Pause after a long poll that was answered at once without messages.
constexpr absl::Duration kLongPollPause = HttpCaller::kPauseMax;
constexpr size_t kReceivesMax = 8;  // at once
constexpr std::string_view kGetAttributes = "GetQueueAttributes";
constexpr std::string_view kChangeVisibility = "ChangeMessageVisibilityBatch";

class SqsConsumer final : public BrokerConsumer {
 public:
  SqsConsumer(SqsRequests requests, std::shared_ptr<Credentials> credentials,
              std::unique_ptr<HttpCaller> caller, const BrokerEnvironment& env)
      : clock_(env.clock),
        observer_(env.observer),
        requests_(std::move(requests)),
        credentials_(std::move(credentials)),
        caller_(std::move(caller)) {}
  ~SqsConsumer() override;

  // Finds the queue, and checks the permissions to receive and to delete.
  absl::Status Open();

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override;
  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override;
  absl::Status Extend(std::span<const BrokerMessage> messages) override;
  absl::Duration extension_interval() const override { return kExtensionInterval; }
  void AskLag() override;
  absl::StatusOr<BrokerLag> lag() const override { return lag_; }
  bool is_lag_shared() const override { return true; }
  void Interrupt() override { caller_->Interrupt(); }

 private:
  struct Receiving {
    std::shared_ptr<const HttpCall> call;
    size_t asked_count;
  };
  using MakeBody = std::string (*)(std::string_view queue_url,
                                   std::span<const std::string> handles);

  absl::StatusOr<std::vector<BrokerMessage>> Receive(const PollLimits& limits,
                                                     absl::Duration patience);
  absl::Status GetKeys();
  std::shared_ptr<const HttpCall> Start(std::string_view action, std::string body,
                                        absl::Duration timeout);
  absl::Status StatusOf(const TransportResult& result, std::string_view action);
  absl::Status FindQueue();
  void StartReceive(size_t messages_max, int wait_seconds, absl::Duration timeout);
  bool IsAnyReceived() const;
  bool IsAllReceived() const;
  // Collects received messages. The error of a call counts only if there are no messages.
  absl::Status Collect();
  absl::Status Take(const TransportResult& result, size_t asked_count);
  // Number of further receives that would fill the limits.
  size_t ReceivesWanted(const PollLimits& limits) const;
  void CollectLag();
  // Receives more while that returns messages.
  void Gather(const PollLimits& limits);
  absl::Status CallForAll(std::string_view action, const std::vector<std::string>& handles,
                          MakeBody make_body);
  absl::Status CheckBatch(std::string_view action, const TransportResult& result);

  Clock* const clock_;
  Observer* const observer_;
  const SqsRequests requests_;
  const std::shared_ptr<Credentials> credentials_;
  const std::unique_ptr<HttpCaller> caller_;
  AwsKeys keys_;
  std::string queue_url_;
  std::vector<Receiving> receives_;  // under way; they go on between polls
  // Fewer after a response that was too large to be read.
  size_t messages_per_receive_ = kSqsBatchMax;
  size_t asked_count_ = 0;     // of messages, by what was collected last
  size_t received_count_ = 0;  // and so many came
  size_t receives_max_ = 1;    // at once, while the queue has plenty
  bool is_usable_ = true;      // nothing has failed
  absl::Time next_long_poll_at_ = absl::InfinitePast();
  Backlog backlog_;
  std::shared_ptr<const HttpCall> lag_call_;  // under way, or null
  absl::StatusOr<BrokerLag> lag_ = absl::UnavailableError("the queue has not answered yet");
};

absl::Status SqsConsumer::GetKeys() {
  CONVOY_ASSIGN_OR_RETURN(keys_, credentials_->Keys(*caller_, *clock_));
  return absl::OkStatus();
}

std::shared_ptr<const HttpCall> SqsConsumer::Start(std::string_view action, std::string body,
                                                   absl::Duration timeout) {
  return caller_->Start(requests_.Sign(keys_, action, std::move(body), clock_->Now(), timeout));
}

absl::Status SqsConsumer::StatusOf(const TransportResult& result, std::string_view action) {
  absl::Status status = SqsStatusOf(result, action, requests_.config());
  if (absl::IsUnauthenticated(status)) credentials_->Discard(keys_);
  return status;
}

absl::Status SqsConsumer::Open() {
  CONVOY_RETURN_IF_ERROR(GetKeys());
  CONVOY_RETURN_IF_ERROR(FindQueue());
  backlog_.set_place(absl::StrCat("sqs/", queue_url_));
  StartReceive(1, 0, kOpenTimeout);
  // The service reports an invalid handle in the response's list of failures.
  constexpr std::string_view kDelete = "DeleteMessageBatch";
  const std::string no_handle[] = {"none"};
  const auto deletion = Start(kDelete, DeleteBody(queue_url_, no_handle), kOpenTimeout);
  caller_->Wait([&] { return IsAllReceived() && deletion->result.has_value(); },
                absl::InfiniteDuration(), OnInterrupt::kHurry);
  CONVOY_RETURN_IF_ERROR(Collect());
  const absl::Status may_delete = StatusOf(*deletion->result, kDelete);
  return absl::IsPermissionDenied(may_delete) ? may_delete : absl::OkStatus();
}

SqsConsumer::~SqsConsumer() {
  if (!is_usable_) return;
  caller_->Interrupt();  // closing must not wait for a long poll
  (void)CallForAll(kChangeVisibility, backlog_.AllHandles(),
                   [](std::string_view queue_url, std::span<const std::string> some) {
                     return ExtendBody(queue_url, some, absl::ZeroDuration());
                   });
}

absl::Status SqsConsumer::FindQueue() {
  queue_url_ = requests_.queue_url();
  if (!queue_url_.empty()) return absl::OkStatus();
  constexpr std::string_view kAction = "GetQueueUrl";
  const auto call = Start(kAction, GetQueueUrlBody(requests_.config().queue_name), kOpenTimeout);
  const auto is_over = [&] { return call->result.has_value(); };
  caller_->Wait(is_over, absl::InfiniteDuration(), OnInterrupt::kHurry);
  CONVOY_RETURN_IF_ERROR(StatusOf(*call->result, kAction));
  CONVOY_ASSIGN_OR_RETURN(queue_url_, ReadQueueUrl(call->result->body));
  return absl::OkStatus();
}

void SqsConsumer::StartReceive(size_t messages_max, int wait_seconds, absl::Duration timeout) {
  receives_.push_back(
      {.call =
           Start("ReceiveMessage", ReceiveBody(queue_url_, messages_max, wait_seconds, kVisibility),
                 absl::Seconds(wait_seconds) + timeout),
       .asked_count = messages_max});
}

bool SqsConsumer::IsAnyReceived() const {
  return std::any_of(receives_.begin(), receives_.end(),
                     [](const Receiving& receive) { return receive.call->result.has_value(); });
}

bool SqsConsumer::IsAllReceived() const {
  return std::all_of(receives_.begin(), receives_.end(),
                     [](const Receiving& receive) { return receive.call->result.has_value(); });
}

absl::Status SqsConsumer::Collect() {
  absl::Status status;
  const size_t size_before = backlog_.size();
  asked_count_ = 0;
  std::erase_if(receives_, [&](const Receiving& receive) {
    if (!receive.call->result.has_value()) return false;
    asked_count_ += receive.asked_count;
    status.Update(Take(*receive.call->result, receive.asked_count));
    return true;
  });
  received_count_ = backlog_.size() - size_before;
  if (status.ok() || !backlog_.empty()) return absl::OkStatus();
  is_usable_ = false;
  return status;
}

absl::Status SqsConsumer::Take(const TransportResult& result, size_t asked_count) {
  if (result.outcome == TransportOutcome::kResponseTooLarge && asked_count > 1) {
    messages_per_receive_ = std::min(messages_per_receive_, asked_count / 2);
    next_long_poll_at_ = absl::InfinitePast();
    return absl::OkStatus();
  }
  CONVOY_RETURN_IF_ERROR(StatusOf(result, "ReceiveMessage"));
  CONVOY_ASSIGN_OR_RETURN(std::vector<ReceivedMessage> messages, ReadMessages(result.body));
  for (ReceivedMessage& message : messages) backlog_.Add(std::move(message));
  return absl::OkStatus();
}

void SqsConsumer::AskLag() {
  if (lag_call_ != nullptr) return;
  if (const absl::Status status = GetKeys(); !status.ok()) {
    lag_ = status;
    return;
  }
  lag_call_ = Start(kGetAttributes, LagBody(queue_url_), kCallTimeout);
}

void SqsConsumer::CollectLag() {
  if (lag_call_ == nullptr || !lag_call_->result.has_value()) return;
  const auto call = std::exchange(lag_call_, nullptr);
  const absl::Status status = SqsStatusOf(*call->result, kGetAttributes, requests_.config());
  const absl::StatusOr<uint64_t> count = status.ok() ? ReadLag(call->result->body) : status;
  if (count.ok()) {
    lag_ = BrokerLag{.messages_count = *count, .at = clock_->Now()};
  } else {
    lag_ = count.status();
  }
}

absl::StatusOr<std::vector<BrokerMessage>> SqsConsumer::Poll(const PollLimits& limits,
                                                             absl::Duration patience) {
  auto messages = Receive(limits, patience);
  CollectLag();
  return messages;
}

absl::StatusOr<std::vector<BrokerMessage>> SqsConsumer::Receive(const PollLimits& limits,
                                                                absl::Duration patience) {
  const absl::Time deadline = clock_->Now() + patience;
  while (backlog_.empty()) {
    if (receives_.empty()) {
      if (!caller_->Pause(next_long_poll_at_, deadline)) return std::vector<BrokerMessage>{};
      CONVOY_RETURN_IF_ERROR(GetKeys());
      StartReceive(messages_per_receive_, kSqsWaitSecondsMax, kCallTimeout);
      next_long_poll_at_ = clock_->Now() + kLongPollPause;
    }
    if (!caller_->Wait([this] { return IsAnyReceived(); }, deadline - clock_->Now(),
                       OnInterrupt::kReturn)) {
      return std::vector<BrokerMessage>{};
    }
    CONVOY_RETURN_IF_ERROR(Collect());
  }
  next_long_poll_at_ = absl::InfinitePast();
  Gather(limits);
  return backlog_.Take(limits);
}

size_t SqsConsumer::ReceivesWanted(const PollLimits& limits) const {
  if (backlog_.size() >= limits.messages_max || backlog_.bytes() >= limits.bytes_max) return 0;
  const uint64_t room = std::min<uint64_t>(
      limits.messages_max - backlog_.size(),
      (limits.bytes_max - backlog_.bytes()) / (backlog_.bytes_per_message() + 1));
  return std::min<size_t>((room + messages_per_receive_ - 1) / messages_per_receive_, kReceivesMax);
}

void SqsConsumer::Gather(const PollLimits& limits) {
  const absl::Time deadline = clock_->Now() + kGatherMax;
  // Calls cost money: another round is made only if the last one returned at least half of its
  // capacity, with twice as many calls each time.
  while (received_count_ * 2 >= asked_count_ && clock_->Now() < deadline) {
    const size_t receives_count = std::min(ReceivesWanted(limits), receives_max_);
    if (receives_count == 0) return;
    for (size_t i = receives_.size(); i < receives_count; ++i) {
      StartReceive(messages_per_receive_, 0, kCallTimeout);
    }
    const bool is_complete = caller_->Wait([this] { return IsAllReceived(); },
                                           deadline - clock_->Now(), OnInterrupt::kReturn);
    (void)Collect();  // never an error: there are messages to go on with
    if (!is_complete) return;
    receives_max_ = std::min(receives_max_ * 2, kReceivesMax);
  }
  receives_max_ = 1;
}

absl::Status SqsConsumer::Acknowledge(std::span<const BrokerMessage> messages) {
  CONVOY_RETURN_IF_ERROR(
      CallForAll("DeleteMessageBatch", backlog_.HandlesOf(messages), &DeleteBody));
  backlog_.Forget(messages);
  return absl::OkStatus();
}

absl::Status SqsConsumer::Extend(std::span<const BrokerMessage> messages) {
  return CallForAll(kChangeVisibility, backlog_.HandlesToKeep(messages),
                    [](std::string_view queue_url, std::span<const std::string> some) {
                      return ExtendBody(queue_url, some, kVisibility);
                    });
}

absl::Status SqsConsumer::CallForAll(std::string_view action,
                                     const std::vector<std::string>& handles, MakeBody make_body) {
  if (handles.empty()) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(GetKeys());
  std::vector<std::shared_ptr<const HttpCall>> calls;
  for (size_t i = 0; i < handles.size(); i += kSqsBatchMax) {
    const size_t count = std::min(kSqsBatchMax, handles.size() - i);
    calls.push_back(
        Start(action, make_body(queue_url_, std::span(handles).subspan(i, count)), kCallTimeout));
  }
  const auto is_over = [](const auto& call) { return call->result.has_value(); };
  const bool is_complete =
      caller_->Wait([&] { return std::all_of(calls.begin(), calls.end(), is_over); },
                    absl::InfiniteDuration(), OnInterrupt::kHurry);
  absl::Status status;
  if (!is_complete) status = absl::UnavailableError(absl::StrCat(action, " was given up"));
  for (const auto& call : calls) {
    if (is_complete) status.Update(CheckBatch(action, *call->result));
  }
  if (!status.ok()) is_usable_ = false;
  return status;
}

absl::Status SqsConsumer::CheckBatch(std::string_view action, const TransportResult& result) {
  CONVOY_RETURN_IF_ERROR(StatusOf(result, action));
  CONVOY_ASSIGN_OR_RETURN(const std::vector<SqsFailedEntry> failed, ReadFailedEntries(result.body));
  for (const SqsFailedEntry& entry : failed) {
    if (!entry.is_final) return absl::UnavailableError(absl::StrCat(action, ": ", entry.code));
    // Its visibility had ended: it is redelivered, and recognised as a duplicate.
    const LogField fields[] = {{"action", action}, {"code", entry.code}};
    if (observer_ != nullptr) observer_->Log(LogLevel::kInfo, "sqs: handle expired", fields);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BrokerConsumer>> OpenSqsConsumer(
    SqsRequests requests, std::shared_ptr<Credentials> credentials, const BrokerEnvironment& env) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<HttpCaller> caller, HttpCaller::Open(env));
  auto consumer = std::make_unique<SqsConsumer>(std::move(requests), std::move(credentials),
                                                std::move(caller), env);
  CONVOY_RETURN_IF_ERROR(consumer->Open());
  return std::unique_ptr<BrokerConsumer>(std::move(consumer));
}

}  // namespace convoy::broker
