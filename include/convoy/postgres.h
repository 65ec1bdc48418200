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
  // Connections that read, opened when they are needed. Two more write and listen.
  size_t readers_max = 8;
  // Must outlive the store. Null: the system's.
  Clock* clock = nullptr;
};

// Connects and creates the tables where they are missing. kUnavailable if the server cannot be
// reached, kPermissionDenied if the role may not do what is needed, kFailedPrecondition for a
// server older than 13 and for tables of a newer library, which are left alone.
//
// The store reconnects by itself. A write is durable when it returns; one whose connection is lost
// during the commit waits until the server, or the standby in its place, tells what became of it.
absl::StatusOr<std::unique_ptr<Storage>> OpenPostgresStorage(const PostgresStorageOptions& options);

}  // namespace convoy
