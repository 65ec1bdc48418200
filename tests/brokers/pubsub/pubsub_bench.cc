// Test bench for Pub/Sub; see pubsub_bench.h.
#include "tests/brokers/pubsub/pubsub_bench.h"

#include "absl/memory/memory.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"

namespace convoy::testing {

absl::StatusOr<std::unique_ptr<PubSubBench>> PubSubBench::Start(const std::string& module) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<ServerProcess> server, ServerProcess::Start(module));
  return absl::WrapUnique(new PubSubBench(std::move(server), module));
}

absl::StatusOr<BrokerConfig> PubSubBench::ReadConfig(const json::Value& pub_sub) {
  json::ObjectReader outer(pub_sub);
  const json::Value* const google = outer.Object("google");
  if (google == nullptr) return absl::InternalError("no google in pub_sub");
  GooglePubSubConfig config;
  json::ObjectReader reader(*google);
  std::string service_account;
  reader.Read("project_id", &config.project_id);
  reader.Read("subscription_id", &config.subscription_id);
  reader.Read("service_account", &service_account);
  reader.Read("endpoint", &config.endpoint);
  CONVOY_RETURN_IF_ERROR(reader.status());
  config.service_account = base::Base64Decode(service_account).value();
  return config;
}

BrokerTraits PubSubBench::traits() const {
  return {.is_ordered = false,
          .has_ids = false,
          .may_restart = module_ == "pstest",
          .may_remake = true,
          .may_repeat = true,
          .redelivery_max = absl::Seconds(31)};
}

absl::StatusOr<Source> PubSubBench::SpoilCredentials(Source source) {
  if (module_ != "google_front") return absl::UnimplementedError("the server asks for none");
  CONVOY_ASSIGN_OR_RETURN(const json::Document answer, server().Call("new_unknown_key"));
  PubSubOf(source).service_account = base::Base64Decode(answer["answer"].GetString()).value();
  return source;
}

absl::StatusOr<Source> PubSubBench::SpoilQueueName(Source source) {
  PubSubOf(source).subscription_id = "missing";
  return source;
}

absl::StatusOr<Source> PubSubBench::SpoilAddress(Source source) {
  PubSubOf(source).endpoint = "http://127.0.0.1:1";
  return source;
}

}  // namespace convoy::testing
