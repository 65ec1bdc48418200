// The table of failures; see failure.h.
#include "lib/storage/postgres/failure.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace convoy::storage::postgres {
namespace {

constexpr char kStatePayload[] = "convoy/postgres";
constexpr char kConstraintPayload[] = "convoy/postgres/constraint";
constexpr std::string_view kConnectionFailure = "08006";
constexpr std::string_view kUndefinedTable = "42P01";

struct Row {
  std::string_view prefix;  // of SQLSTATEs: a class has two characters, a state five
  FailureClass failure;
  absl::StatusCode code;
};

using enum FailureClass;

// The first row that fits.
constexpr Row kTable[] = {
    {"40001", kRetry, absl::StatusCode::kUnavailable},  // serialization failure
    {"40P01", kRetry, absl::StatusCode::kUnavailable},  // deadlock detected
    {"55P03", kRetry, absl::StatusCode::kUnavailable},  // lock not available
    {"40", kRefused, absl::StatusCode::kUnavailable},
    {"08", kLost, absl::StatusCode::kUnavailable},               // connection exceptions
    {"57P01", kLost, absl::StatusCode::kUnavailable},            // admin shutdown
    {"57P02", kLost, absl::StatusCode::kUnavailable},            // crash shutdown
    {"57P03", kLost, absl::StatusCode::kUnavailable},            // starting up or shutting down
    {"57P05", kLost, absl::StatusCode::kUnavailable},            // idle session timeout
    {"25P03", kLost, absl::StatusCode::kUnavailable},            // idle in transaction timeout
    {"57014", kRefused, absl::StatusCode::kDeadlineExceeded},    // statement cancelled or timed out
    {"25006", kRefused, absl::StatusCode::kUnavailable},         // read-only transaction: a standby
    {"53300", kRefused, absl::StatusCode::kUnavailable},         // too many connections
    {"53", kRefused, absl::StatusCode::kResourceExhausted},      // disk full, no memory
    {"58", kRefused, absl::StatusCode::kUnavailable},            // errors of the system, of files
    {"XX001", kDamaged, absl::StatusCode::kDataLoss},            // data corrupted
    {"XX002", kDamaged, absl::StatusCode::kDataLoss},            // index corrupted
    {"28", kRefused, absl::StatusCode::kPermissionDenied},       // authorization
    {"42501", kRefused, absl::StatusCode::kPermissionDenied},    // insufficient privilege
    {"3D000", kRefused, absl::StatusCode::kFailedPrecondition},  // no such database
    {"3F000", kRefused, absl::StatusCode::kFailedPrecondition},  // no such schema
    {"23505", kRefused, absl::StatusCode::kAlreadyExists},       // unique violation
    {"", kRefused, absl::StatusCode::kInternal},
};

const Row& RowOf(std::string_view sqlstate) {
  for (const Row& row : kTable) {
    if (sqlstate.starts_with(row.prefix)) return row;
  }
  return kTable[std::size(kTable) - 1];
}

}  // namespace

FailureClass ClassOf(std::string_view sqlstate) { return RowOf(sqlstate).failure; }

absl::StatusCode StatusCodeOf(std::string_view sqlstate) { return RowOf(sqlstate).code; }

absl::Status PostgresStatus(std::string_view sqlstate, std::string_view message,
                            std::string_view constraint) {
  const std::string_view text = absl::StripTrailingAsciiWhitespace(message);
  absl::Status status(StatusCodeOf(sqlstate), absl::StrCat("PostgreSQL: ", text));
  status.SetPayload(kStatePayload, absl::Cord(sqlstate));
  if (!constraint.empty()) status.SetPayload(kConstraintPayload, absl::Cord(constraint));
  return status;
}

absl::Status LostStatus(std::string_view message) {
  return PostgresStatus(kConnectionFailure, message.empty() ? "the connection is lost" : message);
}

FailureClass ClassOf(const absl::Status& status) {
  const auto state = status.GetPayload(kStatePayload);
  return state.has_value() ? ClassOf(std::string(*state)) : FailureClass::kNone;
}

std::string ConstraintOf(const absl::Status& status) {
  const auto constraint = status.GetPayload(kConstraintPayload);
  return constraint.has_value() ? std::string(*constraint) : std::string();
}

bool IsMissingTable(const absl::Status& status) {
  const auto state = status.GetPayload(kStatePayload);
  return state.has_value() && *state == kUndefinedTable;
}

}  // namespace convoy::storage::postgres
