// JSON protocol of Amazon SQS: building requests and parsing responses. No I/O.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "convoy/sqs.h"
#include "convoy/transport.h"
#include "lib/broker/web/backlog.h"
#include "lib/broker/web/endpoint.h"

namespace convoy::broker {

// Limits of the service for one call.
inline constexpr size_t kSqsBatchMax = 10;
inline constexpr int kSqsWaitSecondsMax = 20;

// Of messages that may be received: neither in flight nor delayed.
inline constexpr std::string_view kSqsLagAttribute = "ApproximateNumberOfMessages";

// Makes signed requests out of a source's configuration, whose keys it leaves alone.
class SqsRequests {
 public:
  // kInvalidArgument names the field that can never work.
  static absl::StatusOr<SqsRequests> Make(const SqsConfig& config);

  OutgoingRequest Sign(const AwsKeys& keys, std::string_view action, std::string body,
                       absl::Time now, absl::Duration timeout) const;

  // Empty if the queue is known by its name only.
  std::string_view queue_url() const;
  const SqsConfig& config() const { return config_; }

 private:
  SqsRequests(SqsConfig config, Endpoint endpoint)
      : config_(std::move(config)), endpoint_(std::move(endpoint)) {}

  SqsConfig config_;
  Endpoint endpoint_;
};

// Bodies.
std::string GetQueueUrlBody(std::string_view queue_name);
std::string ReceiveBody(std::string_view queue_url, size_t messages_max, int wait_seconds,
                        absl::Duration visibility);
std::string LagBody(std::string_view queue_url);
// At most kSqsBatchMax handles; entries are named by their index.
std::string DeleteBody(std::string_view queue_url, std::span<const std::string> handles);
std::string ExtendBody(std::string_view queue_url, std::span<const std::string> handles,
                       absl::Duration visibility);

// OK for an answer of success; otherwise broker.h's codes, and a line that says what to look at.
absl::Status SqsStatusOf(const TransportResult& result, std::string_view action,
                         const SqsConfig& config);

// Parse successful responses. kUnavailable if the body is not a response of SQS.
absl::StatusOr<std::string> ReadQueueUrl(std::string_view body);
absl::StatusOr<std::vector<ReceivedMessage>> ReadMessages(std::string_view body);
absl::StatusOr<uint64_t> ReadLag(std::string_view body);

// An entry of a batch that failed while the others succeeded.
struct SqsFailedEntry {
  std::string code;
  bool is_final = false;  // asking again for the same would fail again
};
absl::StatusOr<std::vector<SqsFailedEntry>> ReadFailedEntries(std::string_view body);

}  // namespace convoy::broker
