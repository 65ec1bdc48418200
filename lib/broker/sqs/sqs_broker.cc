// Adapter for Amazon SQS: decides which credentials a source is read with. A source gives its own;
// if it gives none and the host has allowed it, the process's credentials are used. Those are sent
// only to services that the host has named.
#include <memory>
#include <utility>
#include <variant>

#include "convoy/sqs.h"
#include "lib/base/status_macros.h"
#include "lib/broker/sqs/credentials.h"
#include "lib/broker/sqs/region.h"
#include "lib/broker/sqs/sqs_consumer.h"
#include "lib/broker/sqs/sqs_protocol.h"
#include "lib/broker/sqs/web_identity.h"
#include "lib/broker/web/endpoint.h"

namespace convoy {
namespace {

using broker::Credentials;
using broker::SqsRequests;

// The host's decision about sources without an access key.
struct OwnCredentials {
  std::shared_ptr<Credentials> credentials;  // null: they are refused
  std::string endpoint;                      // where they read; empty: Amazon's own
};

class SqsBroker final : public Broker {
 public:
  explicit SqsBroker(OwnCredentials own) : own_(std::move(own)) {}

  std::string_view type() const override { return "sqs"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source, std::string_view,
                                                       const BrokerEnvironment& env) override {
    const auto* given = std::get_if<SqsConfig>(&source.broker);
    if (given == nullptr) return absl::InvalidArgumentError("the source has no sqs settings");
    SqsConfig config = *given;
    CONVOY_ASSIGN_OR_RETURN(std::shared_ptr<Credentials> credentials, CredentialsFor(config));
    CONVOY_ASSIGN_OR_RETURN(SqsRequests requests, SqsRequests::Make(config));
    return broker::OpenSqsConsumer(std::move(requests), std::move(credentials), env);
  }

 private:
  absl::StatusOr<std::shared_ptr<Credentials>> CredentialsFor(SqsConfig& config) const;

  const OwnCredentials own_;
};

absl::StatusOr<std::shared_ptr<Credentials>> SqsBroker::CredentialsFor(SqsConfig& config) const {
  const bool has_keys =
      !config.access_key_id.empty() || !config.secret_key.empty() || !config.session_token.empty();
  if (has_keys) {
    AwsKeys keys = {.access_key_id = config.access_key_id,
                    .secret_key = config.secret_key,
                    .session_token = config.session_token};
    CONVOY_RETURN_IF_ERROR(broker::CheckKeys(keys, "sqs."));
    return broker::NewFixedCredentials(std::move(keys));
  }
  if (own_.credentials == nullptr) {
    return absl::InvalidArgumentError(
        "sqs.access_key_id is missing: this gateway does not lend sources credentials of its own");
  }
  if (!config.endpoint.empty()) {
    return absl::InvalidArgumentError(
        "sqs.endpoint needs an access key: the gateway's own credentials are not sent there");
  }
  // The host of the queue's URL is ignored as well.
  config.endpoint =
      own_.endpoint.empty() ? broker::AmazonUrlOf("sqs", config.region) : own_.endpoint;
  return own_.credentials;
}

}  // namespace

std::shared_ptr<Broker> NewSqsBroker() { return std::make_shared<SqsBroker>(OwnCredentials()); }

absl::StatusOr<std::shared_ptr<Broker>> NewSqsBroker(SqsOptions options) {
  OwnCredentials own{.endpoint = std::move(options.own_endpoint)};
  if (!own.endpoint.empty()) {
    CONVOY_RETURN_IF_ERROR(broker::ParseEndpoint(own.endpoint, "own_endpoint").status());
  }
  if (const auto* keys = std::get_if<AwsKeys>(&options.own_credentials)) {
    CONVOY_RETURN_IF_ERROR(broker::CheckKeys(*keys, "own_credentials."));
    own.credentials = broker::NewFixedCredentials(*keys);
  } else if (const auto* identity = std::get_if<AwsWebIdentity>(&options.own_credentials)) {
    CONVOY_ASSIGN_OR_RETURN(own.credentials, broker::NewWebIdentity(*identity));
  }
  return std::make_shared<SqsBroker>(std::move(own));
}

}  // namespace convoy
