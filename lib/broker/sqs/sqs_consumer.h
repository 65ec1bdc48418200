// Consumer of one SQS queue.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/broker.h"
#include "lib/broker/sqs/credentials.h"
#include "lib/broker/sqs/sqs_protocol.h"

namespace convoy::broker {

// Finds the queue, and tries whether it may be read and messages be deleted. Errors as of
// Broker::Open.
absl::StatusOr<std::unique_ptr<BrokerConsumer>> OpenSqsConsumer(
    SqsRequests requests, std::shared_ptr<Credentials> credentials, const BrokerEnvironment& env);

}  // namespace convoy::broker
