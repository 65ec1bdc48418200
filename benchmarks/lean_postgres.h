// The least that PostgreSQL must do to store what a gateway stores, through libpq alone: the rows
// of LeanStore in groups, each in a transaction that commits synchronously. Groups begin at
// multiples of kGroup.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "benchmarks/common.h"
#include "lib/storage/postgres/connection.h"

namespace benchmarks {

constexpr int64_t kGroup = 64;  // events
constexpr int64_t kEndpoints = 16;
// 2026, so that numbers have their usual width.
constexpr int64_t kEpochUs = 1'777'629'600'000'000;
constexpr int64_t kEpochKey = (kEpochUs / 1000) << 21;

// The second part of an identifier whose first part is `key`.
int64_t TailOf(int64_t key);
// A dedupe key, 16 bytes in random order.
std::string HashOf(int64_t number);
// Headers of an event, 100 bytes, and of an attempt's request or answer, 200.
const std::string& EventHeaders();
const std::string& AttemptHeaders();

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Die(value.status().ToString());
  return *std::move(value);
}

inline void Must(const absl::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

class LeanPostgres {
 public:
  // A session on the tables, in a schema of their own.
  explicit LeanPostgres(const std::string& dsn);
  // Makes the tables anew.
  void CreateTables();

  // A group of events with a delivery and a dedupe key each: by a statement for each row in one
  // pipeline, or by a statement for each table, which takes arrays.
  void WriteRows(int64_t first);
  void WriteArrays(int64_t first);
  // Outcomes of a group's deliveries: the next state of each, and an attempt.
  void WriteOutcomes(int64_t first);

 private:
  const std::string body_;
  const std::unique_ptr<convoy::storage::postgres::Connection> connection_;
};

}  // namespace benchmarks
