// Adapters of this build, as CMake selected them (lib/broker/CMakeLists.txt).
#include "examples/convoyd/brokers.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "examples/convoyd/aws_environment.h"
#include "examples/convoyd/outboxes.h"

namespace convoyd {

absl::StatusOr<std::vector<std::shared_ptr<convoy::Broker>>> NewBrokers(
    const Settings& settings, [[maybe_unused]] char* const* environment) {
  std::vector<std::shared_ptr<convoy::Broker>> brokers;
  brokers.push_back(NewOutboxes(settings));
#ifdef CONVOYD_BROKER_KAFKA
  brokers.push_back(convoy::NewKafkaBroker());
#endif
#ifdef CONVOYD_BROKER_AMQP
  brokers.push_back(convoy::NewAmqpBroker());
#endif
#ifdef CONVOYD_BROKER_SQS
  convoy::SqsOptions options;
  if (settings.sqs_credentials == SqsCredentials::kEnvironment) {
    auto found = ReadAwsEnvironment(environment);
    if (!found.ok()) return found.status();
    options = *std::move(found);
  }
  auto sqs = convoy::NewSqsBroker(std::move(options));
  if (!sqs.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("sqs_credentials: ", sqs.status().message()));
  }
  brokers.push_back(*std::move(sqs));
#else
  if (settings.sqs_credentials == SqsCredentials::kEnvironment) {
    return absl::InvalidArgumentError("sqs_credentials: built without the adapter of Amazon SQS");
  }
#endif
#ifdef CONVOYD_BROKER_PUBSUB
  brokers.push_back(convoy::NewGooglePubSubBroker());
#endif
  return brokers;
}

}  // namespace convoyd
