// Credentials with which requests are signed: a source's own, or those of the process.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/sqs.h"
#include "lib/broker/web/http_caller.h"

namespace convoy::broker {

// Used by the threads of many consumers.
class Credentials {
 public:
  virtual ~Credentials() = default;

  // Keys that will do for the next minutes. May ask a service for them, on the calling thread's
  // `caller` and for a few seconds. Errors as of BrokerConsumer::Poll.
  virtual absl::StatusOr<AwsKeys> Keys(HttpCaller& caller, Clock& clock) = 0;

  // The service does not accept these any more.
  virtual void Discard(const AwsKeys& /*keys*/) {}
};

// Always the same.
std::shared_ptr<Credentials> NewFixedCredentials(AwsKeys keys);

// Whether keys can be those of anyone. kInvalidArgument names the field behind `place`.
absl::Status CheckKeys(const AwsKeys& keys, std::string_view place);

}  // namespace convoy::broker
