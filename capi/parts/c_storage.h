// Storage of the host: an ordered table behind a table of functions.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "capi/parts/part.h"
#include "convoy/table_storage.h"

namespace convoy::capi {

// `is_taken` while a gateway uses it.
struct StoragePart : Part<convoy_storage> {
  using Part::Part;
  mutable std::atomic<bool> is_taken = false;
};

class CStorage final : public OrderedTable {
 public:
  // `part` is taken for this.
  CStorage(std::shared_ptr<const StoragePart> part, const Engine* engine)
      : part_(std::move(part)), table_(**part_), engine_(engine) {}
  ~CStorage() override { part_->is_taken = false; }
  std::weak_ptr<const StoragePart> part() const { return part_; }

  std::string_view name() const override { return table_.name; }
  absl::Status Scan(std::string_view from, std::string_view until, uint64_t rows_max,
                    const Emit& emit) override;
  absl::Status Write(std::span<const TableChange> changes) override;
  absl::Status Sync() override;

 private:
  const std::shared_ptr<const StoragePart> part_;
  const convoy_storage& table_;
  const Engine* const engine_;
};

}  // namespace convoy::capi
