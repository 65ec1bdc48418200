// The store in PostgreSQL: for gateways of several processes, also on several machines. A component
// of its own, convoy::postgres, which needs libpq.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "convoy/storage.h"

namespace convoy {

struct PostgresStorageOptions {
  // A connection URI or string as libpq takes it: "postgres://convoy@db.internal/app". May hold a
  // password, which appears in no message.
  std::string dsn;
  // The namespace of the tables, created if it is missing: a-z, 0-9 and _.
  std::string schema = "convoy";
  // Connections for reading, opened when needed. Others are one for commits, claims and news each.
  size_t readers_max = 8;
  // Must outlive the store. Null: the system's.
  Clock* clock = nullptr;
};

// Connects, and creates missing tables. kUnavailable if the server cannot be reached,
// kPermissionDenied if the role lacks a privilege, kFailedPrecondition for a server older than 13,
// for tables of a newer library, which are not touched, and for tables of an earlier version while
// a process of that version runs. Otherwise those are brought up to date.
//
// The store reconnects by itself. A write is durable when it returns. If the connection is lost
// during the commit, the write waits until the server, or its standby, knows the result.
absl::StatusOr<std::unique_ptr<Storage>> OpenPostgresStorage(const PostgresStorageOptions& options);

}  // namespace convoy
