// Classes of PostgreSQL errors: what one means for the transaction that met it is decided by its
// SQLSTATE (www.postgresql.org/docs/15/errcodes-appendix.html) and by nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace convoy::storage::postgres {

enum class FailureClass : uint8_t {
  kNone,     // not of the database
  kRetry,    // lost against another transaction: the same one may succeed now
  kLost,     // the connection has gone, and with it the transaction, unless it was committing
  kRefused,  // rolled back; the next transaction may succeed
  kDamaged,  // the database is damaged
};

FailureClass ClassOf(std::string_view sqlstate);

// The status code for callers: kUnavailable for what another moment may bring, kResourceExhausted
// for a lack of space or memory, kDataLoss for a damaged database, kDeadlineExceeded for a
// statement that was cancelled, kPermissionDenied for what the role may not do, kAlreadyExists for
// a broken unique constraint, kInternal for a fault of ours.
absl::StatusCode StatusCodeOf(std::string_view sqlstate);

// A status that carries the SQLSTATE along, and the constraint that was broken if it was one.
absl::Status PostgresStatus(std::string_view sqlstate, std::string_view message,
                            std::string_view constraint = "");
// The connection is gone, or was never had.
absl::Status LostStatus(std::string_view message);

FailureClass ClassOf(const absl::Status& status);
std::string ConstraintOf(const absl::Status& status);
// Whether a table that the statement names does not exist.
bool IsMissingTable(const absl::Status& status);

}  // namespace convoy::storage::postgres
