#include "lib/broker/kafka/errors.h"

#include <catch2/catch.hpp>

namespace convoy::kafka {
namespace {

TEST_CASE("kafka errors: each kind of refusal has its code") {
  const std::pair<rd_kafka_resp_err_t, absl::StatusCode> cases[] = {
      {RD_KAFKA_RESP_ERR__AUTHENTICATION, absl::StatusCode::kUnauthenticated},
      {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, absl::StatusCode::kUnauthenticated},
      {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, absl::StatusCode::kPermissionDenied},
      {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, absl::StatusCode::kPermissionDenied},
      {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, absl::StatusCode::kNotFound},
      {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, absl::StatusCode::kInvalidArgument},
      {RD_KAFKA_RESP_ERR__FATAL, absl::StatusCode::kUnavailable},
      {RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, absl::StatusCode::kUnavailable},
  };
  for (const auto& [error, code] : cases) {
    INFO(rd_kafka_err2name(error));
    CHECK(StatusCodeOf(error) == code);
  }
}

TEST_CASE("kafka errors: what librdkafka gets over by itself is no failure") {
  for (const auto error :
       {RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
        RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION}) {
    INFO(rd_kafka_err2name(error));
    CHECK_FALSE(StatusCodeOf(error).has_value());
  }
}

TEST_CASE("kafka errors: a message is one line of bounded length") {
  const absl::Status status =
      MakeError(absl::StatusCode::kNotFound, "first\r\nsecond\x7F" + std::string(1000, 'x'));
  CHECK(status.code() == absl::StatusCode::kNotFound);
  CHECK(status.message().find("the topic does not exist: first  second x") == 0);
  CHECK(status.message().size() < 500);
}

}  // namespace
}  // namespace convoy::kafka
