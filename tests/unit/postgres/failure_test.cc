// Classes of errors, by SQLSTATE.
#include "lib/storage/postgres/failure.h"

#include <catch2/catch.hpp>

namespace convoy::storage::postgres {
namespace {

TEST_CASE("failure: an SQLSTATE has a class and a status code") {
  struct Expected {
    std::string state;
    FailureClass failure;
    absl::StatusCode code;
  };
  const Expected expected =
      GENERATE(Expected{"40001", FailureClass::kRetry, absl::StatusCode::kUnavailable},
               Expected{"40P01", FailureClass::kRetry, absl::StatusCode::kUnavailable},
               Expected{"08006", FailureClass::kLost, absl::StatusCode::kUnavailable},
               Expected{"57P01", FailureClass::kLost, absl::StatusCode::kUnavailable},
               Expected{"57P03", FailureClass::kLost, absl::StatusCode::kUnavailable},
               Expected{"57014", FailureClass::kRefused, absl::StatusCode::kDeadlineExceeded},
               Expected{"53300", FailureClass::kRefused, absl::StatusCode::kUnavailable},
               Expected{"53100", FailureClass::kRefused, absl::StatusCode::kResourceExhausted},
               Expected{"25006", FailureClass::kRefused, absl::StatusCode::kUnavailable},
               Expected{"XX001", FailureClass::kDamaged, absl::StatusCode::kDataLoss},
               Expected{"42501", FailureClass::kRefused, absl::StatusCode::kPermissionDenied},
               Expected{"23505", FailureClass::kRefused, absl::StatusCode::kAlreadyExists},
               Expected{"42601", FailureClass::kRefused, absl::StatusCode::kInternal});
  const absl::Status status = PostgresStatus(expected.state, "text\n", "event_pkey");
  INFO(expected.state);
  CHECK(ClassOf(status) == expected.failure);
  CHECK(status.code() == expected.code);
  CHECK(status.message() == "PostgreSQL: text");
  CHECK(ConstraintOf(status) == "event_pkey");
}

TEST_CASE("failure: what is not of the database has no class") {
  CHECK(ClassOf(absl::AbortedError("revision")) == FailureClass::kNone);
  CHECK(ConstraintOf(absl::OkStatus()).empty());
}

}  // namespace
}  // namespace convoy::storage::postgres
