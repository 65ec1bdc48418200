// Reading all rows, writing what has changed, and what a failure of the table means.
#include "lib/storage/table/table_storage.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/table/rows.h"

namespace convoy::storage {
namespace {

constexpr uint64_t kRowsOfScan = 1024;
// Leases of one opening are above those of all earlier ones.
constexpr int kLeaseBits = 40;

// Reads a table row by row, and checks that it keeps to what was asked for.
class Reading {
 public:
  explicit Reading(OrderedTable& table) : table_(table) {}

  template <typename Use>
  absl::Status ForEach(const Use& use) {
    std::string from;
    for (uint64_t count = kRowsOfScan; count == kRowsOfScan;) {
      count = 0;
      absl::Status used;
      CONVOY_RETURN_IF_ERROR(
          table_.Scan(from, "", kRowsOfScan, [&](std::string_view key, std::string_view value) {
            const bool is_asked_for = count++ < kRowsOfScan;
            if (!used.ok()) return;
            used = is_asked_for && key >= from ? use(key, value) : Disorder();
            from = absl::StrCat(key, std::string_view("\0", 1));
          }));
      CONVOY_RETURN_IF_ERROR(used);
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status Disorder() {
    return absl::DataLossError("a scan gave keys out of order, beyond its bounds or too many");
  }

  OrderedTable& table_;
};

bool IsRefusal(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsPermissionDenied(status) || absl::IsOutOfRange(status);
}

// The status for callers of a store, who know no more than that it is busy or full.
absl::Status ForCallers(const absl::Status& status) {
  if (absl::IsPermissionDenied(status)) return absl::UnavailableError(status.message());
  if (absl::IsOutOfRange(status)) return absl::ResourceExhaustedError(status.message());
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TableStorage>> TableStorage::Open(
    std::unique_ptr<OrderedTable> table) {
  auto storage = absl::WrapUnique(new TableStorage(std::move(table)));
  if (absl::Status loaded = storage->Load(); !loaded.ok()) return storage->Named(loaded);
  CONVOY_RETURN_IF_ERROR(storage->WriteHead());
  CONVOY_RETURN_IF_ERROR(storage->Sync());
  return storage;
}

absl::Status TableStorage::Load() {
  const auto load = [this](Flow& flow, ConfigTables& config) {
    return Reading(*table_).ForEach([&](std::string_view key, std::string_view value) {
      return key == kHeadKey ? absl::OkStatus() : RestoreRow(key, value, flow, config);
    });
  };
  std::string head;
  CONVOY_RETURN_IF_ERROR(table_->Scan(kHeadKey, "", 1, [&](std::string_view key, auto value) {
    if (key == kHeadKey) head = value;
  }));
  if (!head.empty()) {
    CONVOY_ASSIGN_OR_RETURN(openings_count_, DecodeHead(head));
  } else {
    bool is_empty = true;
    CONVOY_RETURN_IF_ERROR(table_->Scan("", "", 1, [&](auto, auto) { is_empty = false; }));
    if (!is_empty) {
      return absl::FailedPreconditionError("the table holds rows that are not a gateway's");
    }
  }
  ++openings_count_;
  return Restore(openings_count_ << kLeaseBits, load);
}

absl::Status TableStorage::Write(std::span<WriteBatch* const> batches,
                                 std::span<CommitResult> results) {
  CONVOY_RETURN_IF_ERROR(poison_.status());
  // Applying a batch consumes it, and if the table refuses it must be as it was.
  std::vector<WriteBatch> copies;
  copies.reserve(batches.size());
  std::vector<WriteBatch*> pointers;
  for (const WriteBatch* const batch : batches) pointers.push_back(&copies.emplace_back(*batch));
  return MemoryStorage::Write(pointers, results);
}

absl::Status TableStorage::KeepChanges(const Flow& flow, const ConfigTables& config) {
  const std::vector<TableChange> changes = ChangesOf(flow, config);
  return changes.empty() ? absl::OkStatus() : ForCallers(WriteRows(changes));
}

absl::Status TableStorage::WriteRows(std::span<const TableChange> changes) {
  absl::MutexLock lock(&table_mutex_);
  CONVOY_RETURN_IF_ERROR(poison_.status());
  const absl::Status written = table_->Write(changes);
  if (written.ok()) {
    ++writes_count_;
    return absl::OkStatus();
  }
  return IsRefusal(written) ? Named(written) : poison_.Set("a write failed", Named(written));
}

absl::Status TableStorage::Sync() {
  CONVOY_RETURN_IF_ERROR(poison_.status());
  const absl::Status synced = table_->Sync();
  return synced.ok() ? synced : poison_.Set("a sync failed", Named(synced));
}

absl::StatusOr<Claim> TableStorage::ClaimDue(const ClaimRequest& request) {
  CONVOY_RETURN_IF_ERROR(poison_.status());
  const uint64_t writes_count = writes_count_;
  CONVOY_ASSIGN_OR_RETURN(Claim claim, MemoryStorage::ClaimDue(request));
  // If it wrote, what it wrote may have to be durable: the claim itself, or the head of a lane.
  claim.needs_sync = writes_count_ != writes_count;
  return claim;
}

absl::Status TableStorage::CheckWritable() { return ForCallers(WriteHead()); }

absl::Status TableStorage::WriteHead() {
  const TableChange head = {std::string(kHeadKey), EncodeHead(openings_count_)};
  return WriteRows({&head, 1});
}

absl::Status TableStorage::Named(const absl::Status& status) const {
  return absl::Status(status.code(),
                      absl::StrCat("storage ", table_->name(), ": ", status.message()));
}

}  // namespace convoy::storage

namespace convoy {

absl::StatusOr<std::unique_ptr<Storage>> OpenTableStorage(std::unique_ptr<OrderedTable> table) {
  return storage::TableStorage::Open(std::move(table));
}

}  // namespace convoy
