// A store over an ordered table of another's: in memory, and every change written through to the
// table. The rules of a store are those of MemoryStorage; the table holds bytes.
//
// All rows are read when it is opened. A call that changes anything ends with one batch for the
// table; if the table refuses it, the change in memory is undone and the call fails. So what a
// later opener finds is what the batches hold. It has one opener at a time.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "lib/storage/memory/memory_storage.h"
#include "lib/storage/sqlite/poison.h"
#include "lib/storage/table/ordered_table.h"

namespace convoy::storage {

class TableStorage final : public MemoryStorage {
 public:
  // Reads the rows and notes the opening. kFailedPrecondition: the table holds something else, or
  // was written by a later version. kDataLoss: it breaks its promises, or a row cannot be read.
  static absl::StatusOr<std::unique_ptr<TableStorage>> Open(std::unique_ptr<OrderedTable> table);

  std::string_view name() const override { return "table"; }
  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override;
  absl::Status Sync() override;
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override;
  absl::Status CheckWritable() override;
  absl::Status CheckAlive() override { return poison_.status(); }

 protected:
  absl::Status KeepChanges(const Flow& flow, const ConfigTables& config) override;

 private:
  explicit TableStorage(std::unique_ptr<OrderedTable> table) : table_(std::move(table)) {}

  absl::Status Load();
  // A refusal of the table leaves all as it is; after any other failure everything fails.
  absl::Status WriteRows(std::span<const TableChange> changes) ABSL_LOCKS_EXCLUDED(table_mutex_);
  absl::Status Named(const absl::Status& status) const;

  const std::unique_ptr<OrderedTable> table_;
  Poison poison_;
  uint64_t openings_count_ = 0;             // with this one
  std::atomic<uint64_t> writes_count_ = 0;  // of batches
  absl::Mutex table_mutex_;                 // one write at a time
};

}  // namespace convoy::storage
