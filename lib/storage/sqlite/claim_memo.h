// Rows of the claims that an opener has handed out, by lease: the update that ends a claim finds
// its row without a look-up. A row may be outdated: statements that use it compare the lease.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"

#include "lib/storage/sqlite/rows.h"

namespace convoy::storage {

// Bounded: when it is full it begins anew, and rows are looked up again.
class ClaimMemo {
 public:
  void Keep(const DeliveryRow& row) {
    if (rows_.size() >= kRowsMax) rows_.clear();
    rows_.insert_or_assign(row.lease, row);
  }

  std::optional<DeliveryRow> Take(uint64_t lease) {
    const auto found = rows_.find(lease);
    if (found == rows_.end()) return std::nullopt;
    const DeliveryRow row = found->second;
    rows_.erase(found);
    return row;
  }

 private:
  static constexpr size_t kRowsMax = 16'384;  // some 1 MiB

  absl::flat_hash_map<uint64_t, DeliveryRow> rows_;
};

}  // namespace convoy::storage
