// The store over an ordered table: the rules are those of MemoryStorage; the table holds bytes. A
// call that changes anything ends with one batch for the table; if the table refuses it, the change
// in memory is undone and the call fails. So what a later opener finds is what the batches hold. It
// has one opener at a time.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "convoy/table_storage.h"
#include "lib/storage/memory/memory_storage.h"
#include "lib/storage/sqlite/poison.h"

namespace convoy::storage {

class TableStorage final : public MemoryStorage {
 public:
  // OpenTableStorage.
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
  absl::Status WriteHead();
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
