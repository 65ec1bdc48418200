// Responses of brokers that speak HTTP: Amazon SQS, with its STS, and Google Pub/Sub. A source
// names any server it likes, so a response is as hostile as a message.
//
// Input: a byte that says which answer it is, the HTTP status (two bytes), the body. Promises that
// are checked: an error is a line of text that is short, whatever the response; a message that
// is read can be acknowledged.
#include <string>
#include <vector>

#include "lib/base/text.h"
#include "lib/broker/pubsub/pubsub_protocol.h"
#include "lib/broker/sqs/credentials.h"
#include "lib/broker/sqs/sqs_protocol.h"
#include "lib/broker/sqs/sts_protocol.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"

namespace convoy::fuzz {
namespace {

constexpr size_t kErrorBytesMax = 1024;

void CheckError(const absl::Status& status) {
  if (status.ok()) return;
  Require(!status.message().empty(), "an error says what is wrong");
  Require(base::IsValidUtf8(status.message()) && base::IsHeaderValue(status.message()),
          "an error is a line of text");
  Require(status.message().size() <= kErrorBytesMax, "an error is not as long as the answer");
}

void CheckMessages(const absl::StatusOr<std::vector<broker::ReceivedMessage>>& messages,
                   size_t answer_bytes) {
  CheckError(messages.status());
  if (!messages.ok()) return;
  size_t bytes = 0;
  for (const broker::ReceivedMessage& received : *messages) {
    Require(!received.handle.empty(), "a message can be acknowledged");
    Require(received.message.redelivery_id.starts_with(received.message.id) &&
                received.message.redelivery_id.empty() == received.message.id.empty(),
            "a message is known by its id");
    bytes += received.message.body.size() + received.handle.size();
  }
  Require(bytes <= answer_bytes, "messages are not larger than the answer");
}

void CheckSession(const absl::StatusOr<broker::AwsSession>& session, size_t answer_bytes) {
  CheckError(session.status());
  if (!session.ok()) return;
  const AwsKeys& keys = session->keys;
  Require(broker::CheckKeys(keys, "").ok() && !keys.session_token.empty(), "keys can be used");
  Require(keys.access_key_id.size() + keys.secret_key.size() + keys.session_token.size() <=
              answer_bytes,
          "keys are not larger than the answer");
}

void Run(Input& input) {
  const uint8_t kind = input.Byte() % 7;
  const uint16_t http_status = static_cast<uint16_t>(input.Byte() << 8 | input.Byte());
  const std::string_view body = input.Rest();
  const TransportResult result = {.outcome = TransportOutcome::kResponse,
                                  .http_status = http_status,
                                  .body = std::string(body)};
  switch (kind) {
    case 0:
      return CheckMessages(broker::ReadMessages(body), body.size());
    case 1:
      return CheckMessages(broker::ReadPulled(body), body.size());
    case 2:
      return CheckError(broker::ReadQueueUrl(body).status());
    case 3:
      if (const auto failed = broker::ReadFailedEntries(body); failed.ok()) {
        for (const broker::SqsFailedEntry& entry : *failed) {
          Require(base::IsHeaderValue(entry.code), "a code is a line of text");
        }
      } else {
        CheckError(failed.status());
      }
      return;
    case 4:
      return CheckError(broker::SqsStatusOf(
          result, "ReceiveMessage",
          {.queue_name = "q", .region = "eu-west-1", .access_key_id = "AKID", .secret_key = "s"}));
    case 5:
      return CheckError(broker::PubSubStatusOf(result, "pull", "projects/p/subscriptions/s"));
    default:
      return CheckSession(broker::ReadAssumedRole(result), body.size());
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
