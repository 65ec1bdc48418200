// Test bench for SQS; see sqs_bench.h.
#include "tests/brokers/sqs/sqs_bench.h"

#include "absl/memory/memory.h"

#include "lib/base/status_macros.h"

namespace convoy::testing {

absl::StatusOr<std::unique_ptr<SqsBench>> SqsBench::Start(const std::string& module,
                                                          bool is_elastic_mq) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<ServerProcess> server, ServerProcess::Start(module));
  return absl::WrapUnique(new SqsBench(std::move(server), is_elastic_mq));
}

absl::StatusOr<BrokerConfig> SqsBench::ReadConfig(const json::Value& pub_sub) {
  json::ObjectReader outer(pub_sub);
  const json::Value* const sqs = outer.Object("sqs");
  if (sqs == nullptr) return absl::InternalError("no sqs in pub_sub");
  SqsConfig config;
  json::ObjectReader reader(*sqs);
  reader.Read("queue_name", &config.queue_name);
  reader.Read("default_region", &config.region);
  reader.Read("access_key_id", &config.access_key_id);
  reader.Read("secret_key", &config.secret_key);
  reader.Read("endpoint", &config.endpoint);
  CONVOY_RETURN_IF_ERROR(reader.status());
  return config;
}

BrokerTraits SqsBench::traits() const {
  return {.is_ordered = false,
          .has_binary_bodies = false,
          .has_ids = false,
          // Of those who ask moto at the same instant, two may get one message.
          .shares_queues = is_elastic_mq_,
          .tells_lag = is_elastic_mq_,  // readers of moto may not ask
          .may_restart = is_elastic_mq_,
          .may_remake = true,
          .may_repeat = true,
          .redelivery_max = absl::Seconds(31)};
}

absl::StatusOr<Source> SqsBench::SpoilCredentials(Source source) {
  if (is_elastic_mq_) return absl::UnimplementedError("ElasticMQ asks for none");
  SqsOf(source).secret_key = "wrong-s3cret";
  return source;
}

absl::StatusOr<Source> SqsBench::SpoilQueueName(Source source) {
  SqsOf(source).queue_name = "missing";
  return source;
}

absl::StatusOr<Source> SqsBench::SpoilAddress(Source source) {
  SqsOf(source).endpoint = "http://127.0.0.1:1";
  return source;
}

}  // namespace convoy::testing
