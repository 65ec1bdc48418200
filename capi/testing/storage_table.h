// A host's table as the requirements of its suite use it: opened, closed and opened again by a
// factory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "capi/parts/c_storage.h"
#include "capi/testing/report.h"
#include "convoy/testing/storage_conformance.h"

namespace convoy::capi {

using Rows = std::map<std::string, std::string>;

class StorageMaker {
 public:
  explicit StorageMaker(const convoy_storage_factory& factory) : factory_(factory) {}

  bool may_fork() const { return factory_.may_fork != 0; }
  absl::StatusOr<std::unique_ptr<CStorage>> Make(bool is_new) const;

 private:
  const convoy_storage_factory factory_;
};

// Changes that put the rows.
std::vector<TableChange> PutsOf(const Rows& rows);
// All rows of a scan, in the order in which they came.
using RowList = std::vector<std::pair<std::string, std::string>>;
absl::StatusOr<RowList> ScanAll(CStorage& table, std::string_view from = "",
                                std::string_view until = "", uint64_t rows_max = 1'000'000);
// A key or a value in a message: printable, and cut.
std::string Show(std::string_view bytes);
// Text that says how `rows` differ from what they should be; empty if they do not.
std::string DifferenceOf(const RowList& rows, const Rows& expected);

// The requirements of tables. Each says what did not hold, in one line; empty: it holds.
struct TableRequirement {
  const char* sentence;
  std::string (*check)(const StorageMaker& maker);
  bool needs_fork = false;
};
std::vector<TableRequirement> TableRequirements();
// Those about the death of a process, in a file of their own.
std::string CheckSyncedSurvives(const StorageMaker& maker);
std::string CheckBatchesSurviveWhole(const StorageMaker& maker);

}  // namespace convoy::capi
