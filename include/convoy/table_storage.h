// A store over an ordered table of the host's: rows of bytes by keys of bytes, changed by batches
// that are atomic and durable. The store is in memory and writes every change through to the table;
// it reads all rows when it is opened. It passes the conformance suite of stores if the table keeps
// to its contract.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/storage.h"

namespace convoy {

// No key of the store is longer.
inline constexpr size_t kTableKeyBytesMax = 128;

struct TableChange {
  std::string key;
  std::string value;
  bool is_removal = false;
};

// One opener at a time. Safe to use from any thread.
class OrderedTable {
 public:
  virtual ~OrderedTable() = default;

  // For messages.
  virtual std::string_view name() const = 0;

  // Gives the rows with `from` <= key < `until` to `emit`, in the order of their keys as bytes, at
  // most `rows_max`. An empty `until` is no bound. One call shows one state of the table. The texts
  // are valid during `emit`.
  using Emit = std::function<void(std::string_view key, std::string_view value)>;
  virtual absl::Status Scan(std::string_view from, std::string_view until, uint64_t rows_max,
                            const Emit& emit) = 0;

  // Applies all changes or none; no two have the same key. kUnavailable (busy), kPermissionDenied
  // (read-only), kResourceExhausted (no room) and kOutOfRange (too large) mean that none is
  // applied; after any other failure that is unknown. One call at a time.
  virtual absl::Status Write(std::span<const TableChange> changes) = 0;

  // Makes all earlier writes durable. May run while another thread writes. If it fails it is
  // unknown which of them are durable.
  virtual absl::Status Sync() = 0;
};

// Reads the rows and notes the opening. kFailedPrecondition: the table holds something else, or was
// written by a later version. kDataLoss: it breaks its contract, or a row cannot be read. Otherwise
// the failure of the table.
absl::StatusOr<std::unique_ptr<Storage>> OpenTableStorage(std::unique_ptr<OrderedTable> table);

}  // namespace convoy
