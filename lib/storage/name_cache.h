// Ids of configuration objects as numbers: what flows names its project, source, endpoint and
// subscription in every row, and 26 letters each time would be most of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace convoy::storage {

inline constexpr int64_t kNoName = 0;        // of the empty id
inline constexpr int64_t kUnknownName = -1;  // of an id that no row names

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

}  // namespace convoy::storage
