// Dedupe keys as rows. A row holds a key's hash.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

#include "lib/storage/key_hash.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

struct DedupeRow {
  int64_t project = 0;  // a key belongs to one, and goes with it
  KeyHash hash;
  int64_t expires_at_us = 0;
};

// In a write transaction: whether the key was free, or had expired by `now_us`, and is now taken.
absl::StatusOr<bool> TakeKey(Connection& connection, const DedupeRow& row, int64_t now_us);
// Whether the key is held and has not expired by `now_us`.
absl::StatusOr<bool> IsKeyHeld(Connection& connection, const DedupeRow& row, int64_t now_us);

}  // namespace convoy::storage
