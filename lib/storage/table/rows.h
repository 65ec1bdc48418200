// Rows of a store in an ordered table: their keys and values, what of them has changed, and the way
// back into memory.
//
// The first byte of a key says what the row is. A value begins with the number of its form; a later
// form appends fields. A claim is not kept, unless it must be known after the death of its opener:
// a delivery of the mode at_least_once is kept as if it were not claimed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "convoy/table_storage.h"
#include "lib/storage/memory/memory_storage.h"

namespace convoy::storage {

// The first row of a table that belongs to a store: its form, and the number of its openings.
inline constexpr std::string_view kHeadKey = "convoy";
std::string EncodeHead(uint64_t openings_count);
// kFailedPrecondition: it is of a later form.
absl::StatusOr<uint64_t> DecodeHead(std::string_view value);

// The rows that differ from those of the last Settle.
std::vector<TableChange> ChangesOf(const Flow& flow, const ConfigTables& config);

// Sets what the row holds. Rows come in the order of their keys. kDataLoss for one that cannot be
// read; kFailedPrecondition for one that is not a store's.
absl::Status RestoreRow(std::string_view key, std::string_view value, Flow& flow,
                        ConfigTables& config);

}  // namespace convoy::storage
