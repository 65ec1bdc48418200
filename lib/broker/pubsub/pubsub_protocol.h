// REST interface of Google Pub/Sub, version 1: building requests and parsing responses. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "convoy/transport.h"
#include "lib/broker/pubsub/service_account.h"
#include "lib/broker/web/backlog.h"
#include "lib/broker/web/endpoint.h"

namespace convoy::broker {

// Makes authorised requests out of a source's configuration. Used by one thread at a time.
class PubSubRequests {
 public:
  // kInvalidArgument names the field that can never work.
  static absl::StatusOr<PubSubRequests> Make(const GooglePubSubConfig& config);

  // `verb` is "pull", "acknowledge" or "modifyAckDeadline".
  absl::StatusOr<OutgoingRequest> Make(std::string_view verb, std::string body, absl::Time now,
                                       absl::Duration timeout);

  // "projects/p/subscriptions/s": for messages.
  const std::string& subscription() const { return subscription_; }
  // Names the service and the subscription in the redelivery ids of messages.
  std::string place() const;

 private:
  PubSubRequests(Endpoint endpoint, std::string subscription, std::optional<ServiceAccount> account)
      : endpoint_(std::move(endpoint)),
        subscription_(std::move(subscription)),
        account_(std::move(account)) {}

  Endpoint endpoint_;
  std::string subscription_;
  std::optional<ServiceAccount> account_;  // none: an emulator, which asks for nothing
  std::string token_;
  absl::Time token_made_at_ = absl::InfinitePast();
};

// Bodies. `at_once`: answers even if there is nothing, and then possibly although there is.
std::string PullBody(size_t messages_max, bool at_once);
std::string AcknowledgeBody(std::span<const std::string> ack_ids);
std::string ExtendBody(std::span<const std::string> ack_ids, absl::Duration deadline);

// OK for an answer of success; otherwise broker.h's codes, and a line that says what to look at.
absl::Status PubSubStatusOf(const TransportResult& result, std::string_view verb,
                            std::string_view subscription);

// kUnavailable if it is not what Pub/Sub answers.
absl::StatusOr<std::vector<ReceivedMessage>> ReadPulled(std::string_view body);

}  // namespace convoy::broker
