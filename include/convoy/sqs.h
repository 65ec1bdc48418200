// Amazon SQS with the process's own credentials, for sources without an access key. The library
// itself never looks for credentials, in the environment or elsewhere: a host that provides them
// here allows such sources to use them.
//
// This is a decision about trust: every user who may create a source, in any project, can then read
// every queue that these credentials can read.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "absl/status/statusor.h"

#include "convoy/broker.h"

namespace convoy {

// An access key, or the temporary credentials of a session.
struct AwsKeys {
  std::string access_key_id;
  std::string secret_key;
  std::string session_token;  // of temporary credentials; otherwise empty
};

// A role that is assumed with a token of OpenID Connect, as in pods and CI services, which have no
// access key. Sessions come from Amazon's Security Token Service (STS), and are renewed before they
// end, for all consumers of the broker at once.
struct AwsWebIdentity {
  std::string role_arn;
  std::string token_file;    // read anew for each session: it is replaced before its token expires
  std::string session_name;  // in Amazon's audit log; empty: "convoy"
  std::string region;        // of the STS; empty: the global one
  // Empty: Amazon's own. Must be https://, except on this machine. BrokerEnvironment's
  // allowed_networks apply to this address, too.
  std::string sts_endpoint;
};

struct SqsOptions {
  // By default sources without an access key are refused.
  std::variant<std::monostate, AwsKeys, AwsWebIdentity> own_credentials;
  // The endpoint of sources that use own_credentials; empty: Amazon's own for their region. They
  // may not name another endpoint, which would receive the session token.
  std::string own_endpoint;
};

// kInvalidArgument names the option that can never work.
absl::StatusOr<std::shared_ptr<Broker>> NewSqsBroker(SqsOptions options);

}  // namespace convoy
