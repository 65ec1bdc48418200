// Ids of configuration objects as numbers: what flows names its project, source, endpoint and
// subscription in every row, and 26 letters each time would be most of it.
//
// A number is given once and never again. An id keeps its number, but for the id of a project that
// is removed: if it is ever used again it gets another one, so that nothing of the removed project
// is found under it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace convoy::storage {

class Connection;

// The part of the table `name` that a connection has seen. Bounded.
class NameCache {
 public:
  // nullptr if it is not known.
  const int64_t* FindNumber(std::string_view id) const;
  const std::string* FindId(int64_t number) const;

  void KeepNumber(std::string_view id, int64_t number);
  void KeepId(int64_t number, std::string_view id);

  // Numbers that were interned in a transaction that was rolled back are not those ids' numbers,
  // and another connection may have removed a project: the writer forgets what it knew of numbers.
  void ForgetNumbers() { numbers_.clear(); }

 private:
  absl::flat_hash_map<std::string, int64_t> numbers_;
  absl::flat_hash_map<int64_t, std::string> ids_;
};

inline constexpr int64_t kNoName = 0;        // of the empty id
inline constexpr int64_t kUnknownName = -1;  // of an id that no row names

// The number of an id, if it has one.
absl::StatusOr<int64_t> FindName(Connection& connection, std::string_view id);
// In a write transaction: gives it one if it has none.
absl::StatusOr<int64_t> InternName(Connection& connection, std::string_view id);
absl::StatusOr<std::string> NameOf(Connection& connection, int64_t number);

// In a write transaction: from now on the id means another project. Rows of the old one are out of
// sight at once, and go piece by piece (retention.cc).
absl::Status RetireProject(Connection& connection, std::string_view id);

// A list of numbers, seven bits a byte.
std::string EncodeNumbers(const std::vector<int64_t>& numbers);
absl::StatusOr<std::vector<int64_t>> DecodeNumbers(std::string_view bytes);

}  // namespace convoy::storage
