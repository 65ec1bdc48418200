// Adapter for Google Pub/Sub: reads a subscription by pulling.
//
// A pull waits at the service until there is a message; it continues while the consumer is not
// polled, so that it need not be cut off with messages on their way. The service returns what it
// has at hand, which may be few of many: while there are plenty, several pulls run at once, also
// while messages are being stored, and an acknowledgement runs until the next one. So neither costs
// the round trip to the service.
//
// A pulled message is redelivered unless it is acknowledged within the subscription's own deadline,
// at least ten seconds, or within kDeadline once it was extended. So a lost connection or process
// loses nothing. A consumer that is closed without an error returns its unacknowledged messages at
// once.
//
// Not supported: credentials other than a service account's key, and the order of ordering keys.
#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "convoy/broker.h"
#include "lib/base/status_macros.h"
#include "lib/broker/pubsub/pubsub_protocol.h"
#include "lib/broker/web/backlog.h"
#include "lib/broker/web/http_caller.h"

namespace convoy {
namespace {

using broker::Backlog;
using broker::HttpCall;
using broker::HttpCaller;
using broker::PubSubRequests;
using OnInterrupt = HttpCaller::OnInterrupt;

constexpr absl::Duration kDeadline = absl::Seconds(30);
constexpr absl::Duration kExtensionInterval = absl::Seconds(4);
constexpr absl::Duration kOpenTimeout = absl::Seconds(5);
constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kPullTimeout = absl::Minutes(2);  // the service answers earlier
// A server that answers pulls at once, with nothing, is not asked more often than that.
constexpr absl::Duration kPullPause = HttpCaller::kPauseMax;
constexpr size_t kPullsMax = 4;  // at once
// A pull that returns at least this many messages, and this part of what was asked for, means that
// there are more.
constexpr size_t kPlentyMin = 16;
constexpr size_t kPlentyPart = 4;
constexpr size_t kAckIdsMax = 1000;  // in one call, which may have 512 KiB
constexpr uint32_t kMessagesMax = 1000;
constexpr std::string_view kAcknowledge = "acknowledge";
constexpr std::string_view kModify = "modifyAckDeadline";

class PubSubConsumer final : public BrokerConsumer {
 public:
  PubSubConsumer(PubSubRequests requests, std::unique_ptr<HttpCaller> caller, Clock* clock)
      : clock_(clock), requests_(std::move(requests)), caller_(std::move(caller)) {}
  ~PubSubConsumer() override;

  // Pulls one message, without waiting: that tells whether all is as it should be.
  absl::Status Open();

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override;
  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override;
  absl::Status Extend(std::span<const BrokerMessage> messages) override;
  absl::Duration extension_interval() const override { return kExtensionInterval; }
  void Interrupt() override { caller_->Interrupt(); }

 private:
  struct Pull {
    std::shared_ptr<const HttpCall> call;
    uint32_t asked_count;
  };
  struct Call {
    std::shared_ptr<const HttpCall> call;
    std::string_view verb;
  };
  using Calls = std::vector<Call>;
  using MakeBody = std::string (*)(std::span<const std::string> ack_ids);

  absl::Status StartPull(uint32_t messages_max, bool at_once, absl::Duration timeout);
  // Starts more pulls, for the next poll, if there is plenty.
  absl::Status PullAhead(const PollLimits& limits);
  bool IsAnyPulled() const;
  uint32_t MessagesWanted(const PollLimits& limits) const;
  // Takes what was pulled. The error of a pull counts only if nothing is there to go on with.
  absl::Status Collect();
  absl::Status Take(const TransportResult& result, uint32_t asked_count);
  absl::StatusOr<Calls> StartForAll(std::string_view verb, const std::vector<std::string>& ack_ids,
                                    MakeBody make_body);
  static bool IsOver(const Calls& calls);
  // Waits until they are over; the first error.
  absl::Status Finish(Calls calls);
  // Of the last acknowledgement, if it is over.
  absl::Status CheckAcknowledgements();

  Clock* const clock_;
  PubSubRequests requests_;
  const std::unique_ptr<HttpCaller> caller_;
  std::vector<Pull> pulls_;  // under way; they go on between polls
  bool has_plenty_ = false;  // by what was pulled last
  Calls acknowledgements_;   // of the last poll's messages, maybe under way
  // Less after an answer that was too large to be read.
  uint32_t messages_per_pull_ = kMessagesMax;
  uint64_t bytes_per_message_ = 0;  // of the last ones
  bool is_usable_ = true;           // the last call did not fail
  absl::Time next_pull_at_ = absl::InfinitePast();
  Backlog backlog_;
};

absl::Status PubSubConsumer::Open() {
  backlog_.set_place(requests_.place());
  CONVOY_RETURN_IF_ERROR(StartPull(1, true, kOpenTimeout));
  caller_->Wait([this] { return IsAnyPulled(); }, absl::InfiniteDuration(), OnInterrupt::kHurry);
  return Collect();
}

PubSubConsumer::~PubSubConsumer() {
  if (!is_usable_) return;
  caller_->Interrupt();  // closing must not wait for a long poll
  auto calls = StartForAll(kModify, backlog_.AllHandles(), [](std::span<const std::string> some) {
    return broker::ExtendBody(some, absl::ZeroDuration());
  });
  if (calls.ok()) std::move(calls->begin(), calls->end(), std::back_inserter(acknowledgements_));
  (void)Finish(std::move(acknowledgements_));
}

absl::Status PubSubConsumer::StartPull(uint32_t messages_max, bool at_once,
                                       absl::Duration timeout) {
  const uint32_t asked_count = std::min(messages_max, messages_per_pull_);
  CONVOY_ASSIGN_OR_RETURN(
      OutgoingRequest request,
      requests_.Make("pull", broker::PullBody(asked_count, at_once), clock_->Now(), timeout));
  pulls_.push_back({.call = caller_->Start(std::move(request)), .asked_count = asked_count});
  return absl::OkStatus();
}

absl::Status PubSubConsumer::PullAhead(const PollLimits& limits) {
  if (!has_plenty_ || backlog_.size() >= size_t{2} * limits.messages_max) return absl::OkStatus();
  const uint32_t messages_max = MessagesWanted(
      {.messages_max = limits.messages_max, .bytes_max = limits.bytes_max / kPullsMax});
  while (pulls_.size() < kPullsMax) {
    CONVOY_RETURN_IF_ERROR(StartPull(messages_max, false, kPullTimeout));
  }
  return absl::OkStatus();
}

bool PubSubConsumer::IsAnyPulled() const {
  return std::any_of(pulls_.begin(), pulls_.end(),
                     [](const Pull& pull) { return pull.call->result.has_value(); });
}

absl::Status PubSubConsumer::Collect() {
  if (!IsAnyPulled()) return absl::OkStatus();
  absl::Status status;
  const size_t size_before = backlog_.size();
  size_t asked_count = 0;
  std::erase_if(pulls_, [&](const Pull& pull) {
    if (!pull.call->result.has_value()) return false;
    asked_count += pull.asked_count;
    status.Update(Take(*pull.call->result, pull.asked_count));
    return true;
  });
  const size_t received_count = backlog_.size() - size_before;
  has_plenty_ = received_count >= kPlentyMin && received_count * kPlentyPart >= asked_count;
  is_usable_ = status.ok();
  return backlog_.empty() ? status : absl::OkStatus();
}

absl::Status PubSubConsumer::Take(const TransportResult& result, uint32_t asked_count) {
  if (result.outcome == TransportOutcome::kResponseTooLarge && asked_count > 1) {
    messages_per_pull_ = std::min(messages_per_pull_, asked_count / 2);
    next_pull_at_ = absl::InfinitePast();
    return absl::OkStatus();
  }
  CONVOY_RETURN_IF_ERROR(broker::PubSubStatusOf(result, "pull", requests_.subscription()));
  CONVOY_ASSIGN_OR_RETURN(std::vector<broker::ReceivedMessage> messages,
                          broker::ReadPulled(result.body));
  for (broker::ReceivedMessage& message : messages) backlog_.Add(std::move(message));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BrokerMessage>> PubSubConsumer::Poll(const PollLimits& limits,
                                                                absl::Duration patience) {
  const absl::Time deadline = clock_->Now() + patience;
  const auto is_any_pulled = [this] { return IsAnyPulled(); };
  // Collects what arrived while messages were being stored.
  CONVOY_RETURN_IF_ERROR(CheckAcknowledgements());
  CONVOY_RETURN_IF_ERROR(Collect());
  while (backlog_.empty()) {
    if (pulls_.empty()) {
      if (!caller_->Pause(next_pull_at_, deadline)) return std::vector<BrokerMessage>{};
      CONVOY_RETURN_IF_ERROR(StartPull(MessagesWanted(limits), false, kPullTimeout));
      next_pull_at_ = clock_->Now() + kPullPause;
    }
    if (!caller_->Wait(is_any_pulled, deadline - clock_->Now(), OnInterrupt::kReturn)) {
      return std::vector<BrokerMessage>{};
    }
    CONVOY_RETURN_IF_ERROR(Collect());
  }
  next_pull_at_ = absl::InfinitePast();
  bytes_per_message_ = backlog_.bytes_per_message();
  CONVOY_RETURN_IF_ERROR(PullAhead(limits));
  return backlog_.Take(limits);
}

uint32_t PubSubConsumer::MessagesWanted(const PollLimits& limits) const {
  const uint64_t fitting = limits.bytes_max / (bytes_per_message_ + 1) + 1;
  return static_cast<uint32_t>(std::min<uint64_t>(limits.messages_max, fitting));
}

absl::Status PubSubConsumer::Acknowledge(std::span<const BrokerMessage> messages) {
  CONVOY_RETURN_IF_ERROR(Finish(std::exchange(acknowledgements_, {})));
  is_usable_ = false;
  CONVOY_ASSIGN_OR_RETURN(acknowledgements_, StartForAll(kAcknowledge, backlog_.HandlesOf(messages),
                                                         &broker::AcknowledgeBody));
  is_usable_ = true;
  backlog_.Forget(messages);
  // With nothing else to do, the next poll may be long.
  return has_plenty_ ? CheckAcknowledgements() : Finish(std::exchange(acknowledgements_, {}));
}

absl::Status PubSubConsumer::CheckAcknowledgements() {
  const bool is_over = caller_->Wait([this] { return IsOver(acknowledgements_); },
                                     absl::ZeroDuration(), OnInterrupt::kHurry);
  return is_over ? Finish(std::exchange(acknowledgements_, {})) : absl::OkStatus();
}

absl::Status PubSubConsumer::Extend(std::span<const BrokerMessage> messages) {
  // Messages that arrived meanwhile need extension, too. An error repeats with the next pull.
  (void)Collect();
  CONVOY_ASSIGN_OR_RETURN(Calls calls, StartForAll(kModify, backlog_.HandlesToKeep(messages),
                                                   [](std::span<const std::string> some) {
                                                     return broker::ExtendBody(some, kDeadline);
                                                   }));
  return Finish(std::move(calls));
}

absl::StatusOr<PubSubConsumer::Calls> PubSubConsumer::StartForAll(
    std::string_view verb, const std::vector<std::string>& ack_ids, MakeBody make_body) {
  Calls calls;
  for (size_t i = 0; i < ack_ids.size(); i += kAckIdsMax) {
    const size_t count = std::min(kAckIdsMax, ack_ids.size() - i);
    CONVOY_ASSIGN_OR_RETURN(OutgoingRequest request,
                            requests_.Make(verb, make_body(std::span(ack_ids).subspan(i, count)),
                                           clock_->Now(), kCallTimeout));
    calls.push_back({.call = caller_->Start(std::move(request)), .verb = verb});
  }
  return calls;
}

bool PubSubConsumer::IsOver(const Calls& calls) {
  return std::all_of(calls.begin(), calls.end(),
                     [](const Call& one) { return one.call->result.has_value(); });
}

absl::Status PubSubConsumer::Finish(Calls calls) {
  if (calls.empty()) return absl::OkStatus();
  is_usable_ = false;
  if (!caller_->Wait([&] { return IsOver(calls); }, absl::InfiniteDuration(),
                     OnInterrupt::kHurry)) {
    return absl::UnavailableError("the acknowledgement was given up");
  }
  for (const Call& one : calls) {
    CONVOY_RETURN_IF_ERROR(
        broker::PubSubStatusOf(*one.call->result, one.verb, requests_.subscription()));
  }
  is_usable_ = true;
  return absl::OkStatus();
}

class GooglePubSubBroker final : public Broker {
 public:
  std::string_view type() const override { return "google"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source, std::string_view,
                                                       const BrokerEnvironment& env) override {
    const auto* config = std::get_if<GooglePubSubConfig>(&source.broker);
    if (config == nullptr) return absl::InvalidArgumentError("the source has no google settings");
    CONVOY_ASSIGN_OR_RETURN(PubSubRequests requests, PubSubRequests::Make(*config));
    CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<HttpCaller> caller, HttpCaller::Open(env));
    auto consumer =
        std::make_unique<PubSubConsumer>(std::move(requests), std::move(caller), env.clock);
    CONVOY_RETURN_IF_ERROR(consumer->Open());
    return std::unique_ptr<BrokerConsumer>(std::move(consumer));
  }
};

}  // namespace

std::shared_ptr<Broker> NewGooglePubSubBroker() { return std::make_shared<GooglePubSubBroker>(); }

}  // namespace convoy
