// Ids of configuration objects as numbers, as in lib/storage/sqlite/names.h. The number of a
// project is looked up in each transaction that writes, and its row locked: another process may
// remove the project. Other ids keep theirs.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

// The number of an id; kUnknownName if it has none.
absl::StatusOr<int64_t> FindName(Connection& connection, std::string_view id);
absl::StatusOr<std::string> NameOf(Connection& connection, int64_t number);

// In a write transaction: numbers for many ids at once, given to those that have none.
class Interning {
 public:
  explicit Interning(Connection* connection) : connection_(*connection) {}

  void AddProject(std::string_view id);
  void Add(std::string_view id);

  // Queues one statement, whose answer Finish takes.
  void Queue();
  absl::Status Finish(const Rows& rows);
  // In place of Finish: gives the ids that are asked for the numbers that this connection saw last,
  // false if it has not seen all; and whether each of them has that number, by the answer.
  bool Foresee();
  bool IsAsForeseen(const Rows& rows) const;
  // Both.
  absl::Status Resolve();

  int64_t NumberOf(std::string_view id) const;

 private:
  void Take(const Rows& rows);

  Connection& connection_;
  std::set<std::string, std::less<>> unknown_;
  absl::flat_hash_map<std::string, int64_t> numbers_;
};

// In a write transaction: from now on the id means another project.
absl::Status RetireProject(Connection& connection, std::string_view id);

}  // namespace convoy::storage::postgres
