// Amazon SQS with the process's own credentials, for sources that give no access key. The library
// itself looks for none, neither in the environment nor elsewhere: a host provides them here and
// thereby allows such sources to use them.
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

// An access key, or what a session has in its place.
struct AwsKeys {
  std::string access_key_id;
  std::string secret_key;
  std::string session_token;  // of temporary credentials; otherwise empty
};

// A role that is taken on with a token of OpenID Connect: how a pod or a machine of a CI service
// has credentials without an access key. Sessions are had from Amazon's Security Token Service and
// are renewed before they end, for all consumers of the broker at once.
struct AwsWebIdentity {
  std::string role_arn;
  std::string token_file;    // read anew for each session: it is replaced before its token expires
  std::string session_name;  // what Amazon's audit log shows; empty: "convoy"
  std::string region;        // whose STS is asked; empty: the global one
  // Empty: Amazon's own. Must be https://, except on this machine; BrokerEnvironment's
  // allowed_networks are about this address, too.
  std::string sts_endpoint;
};

struct SqsOptions {
  // By default sources without an access key are refused.
  std::variant<std::monostate, AwsKeys, AwsWebIdentity> own_credentials;
  // Where such sources read; empty: at Amazon's own endpoint for their region. They may not name
  // another, which would be shown the session token.
  std::string own_endpoint;
};

// kInvalidArgument names the option that can never work.
absl::StatusOr<std::shared_ptr<Broker>> NewSqsBroker(SqsOptions options);

}  // namespace convoy
