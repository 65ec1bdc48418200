// Questions to brokers that librdkafka reports trouble with: whether they are away, refuse, or
// recover.
#include "absl/strings/str_cat.h"

#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/kafka_consumer.h"
#include "lib/broker/kafka/probe.h"

namespace convoy::kafka {
namespace {

// Time for which silent brokers are asked. A connection that has just broken is remade well within
// the shorter one.
constexpr int kSilentPatienceMs = 5000;
constexpr int kTroubledPatienceMs = 1500;

// Number of polls with messages per question to the coordinator, which is slow to fail while the
// coordinator is away.
constexpr int kPollsPerQuestion = 16;

}  // namespace

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

}  // namespace convoy::kafka
