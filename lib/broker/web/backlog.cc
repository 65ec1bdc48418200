// Backlog of received messages; see backlog.h.
#include "lib/broker/web/backlog.h"

#include "absl/strings/str_cat.h"

namespace convoy::broker {
namespace {

constexpr size_t kHandlesMax = 10'000;

uint64_t BytesOf(const BrokerMessage& message) {
  uint64_t bytes = message.body.size() + message.id.size() + message.redelivery_id.size() +
                   message.former_redelivery_id.size();
  for (const Header& attribute : message.attributes) {
    bytes += attribute.name.size() + attribute.value.size();
  }
  return bytes;
}

}  // namespace

void Backlog::Add(ReceivedMessage received) {
  BrokerMessage& message = received.message;
  if (!message.redelivery_id.empty()) {
    message.former_redelivery_id = std::move(message.redelivery_id);
    message.redelivery_id = absl::StrCat(place_, "/", message.former_redelivery_id);
  }
  bytes_ += BytesOf(received.message);
  waiting_.push_back(std::move(received));
}

std::vector<BrokerMessage> Backlog::Take(const PollLimits& limits) {
  std::vector<BrokerMessage> taken;
  uint64_t taken_bytes = 0;
  if (handles_.size() > kHandlesMax) handles_.clear();
  while (!waiting_.empty() && taken.size() < limits.messages_max &&
         taken_bytes < limits.bytes_max) {
    auto [message, handle] = std::move(waiting_.front());
    waiting_.pop_front();
    taken_bytes += BytesOf(message);
    message.tag = ++last_tag_;
    handles_.emplace(message.tag, std::move(handle));
    taken.push_back(std::move(message));
  }
  bytes_ -= taken_bytes;
  return taken;
}

std::vector<std::string> Backlog::HandlesOf(std::span<const BrokerMessage> messages) const {
  std::vector<std::string> handles;
  for (const BrokerMessage& message : messages) {
    const auto found = handles_.find(message.tag);
    if (found != handles_.end()) handles.push_back(found->second);
  }
  return handles;
}

std::vector<std::string> Backlog::HandlesToKeep(std::span<const BrokerMessage> messages) const {
  std::vector<std::string> handles = HandlesOf(messages);
  for (const ReceivedMessage& received : waiting_) handles.push_back(received.handle);
  return handles;
}

std::vector<std::string> Backlog::AllHandles() const {
  std::vector<std::string> handles = HandlesToKeep({});
  for (const auto& [tag, handle] : handles_) handles.push_back(handle);
  return handles;
}

void Backlog::Forget(std::span<const BrokerMessage> messages) {
  for (const BrokerMessage& message : messages) handles_.erase(message.tag);
}

}  // namespace convoy::broker
