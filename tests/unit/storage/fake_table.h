// An ordered table in memory for tests of stores over one. Its rows outlive it; on request it
// fails.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "convoy/table_storage.h"

namespace convoy::testing {

// The rows, and what the next calls answer.
struct FakeRows {
  absl::Mutex mutex;
  std::map<std::string, std::string> rows;
  std::map<std::string, std::string> durable;  // what a crash leaves
  absl::Status write_answer;
  absl::Status sync_answer;
  uint64_t batches_count = 0;
  uint64_t changes_count = 0;
  bool is_open = false;
};

class FakeTable final : public OrderedTable {
 public:
  explicit FakeTable(std::shared_ptr<FakeRows> rows) : rows_(std::move(rows)) {
    rows_->is_open = true;
  }
  ~FakeTable() override { rows_->is_open = false; }

  std::string_view name() const override { return "fake"; }

  absl::Status Scan(std::string_view from, std::string_view until, uint64_t rows_max,
                    const Emit& emit) override {
    absl::MutexLock lock(&rows_->mutex);
    auto row = rows_->rows.lower_bound(std::string(from));
    for (; row != rows_->rows.end() && rows_max > 0; ++row, --rows_max) {
      if (!until.empty() && row->first >= until) break;
      emit(row->first, row->second);
    }
    return absl::OkStatus();
  }

  absl::Status Write(std::span<const TableChange> changes) override {
    absl::MutexLock lock(&rows_->mutex);
    if (!rows_->write_answer.ok()) return rows_->write_answer;
    ++rows_->batches_count;
    rows_->changes_count += changes.size();
    for (const TableChange& change : changes) {
      if (change.is_removal) {
        rows_->rows.erase(change.key);
      } else {
        rows_->rows[change.key] = change.value;
      }
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    absl::MutexLock lock(&rows_->mutex);
    if (rows_->sync_answer.ok()) rows_->durable = rows_->rows;
    return rows_->sync_answer;
  }

 private:
  const std::shared_ptr<FakeRows> rows_;
};

}  // namespace convoy::testing
