// Entry point of the suite for storages: the table's requirements, then those of a store over it.
#include <memory>
#include <utility>

#include "capi/testing/storage_table.h"

namespace convoy::capi {
namespace {

constexpr char kStoreSuite[] = "the suite of stores passes with the table below";

// Stores over the host's tables, with one opener at a time.
class Stores final : public testing::StorageFactory {
 public:
  explicit Stores(const StorageMaker& maker) : maker_(maker) {}

  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override { return Open(true); }
  absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override { return Open(false); }

 private:
  absl::StatusOr<std::unique_ptr<Storage>> Open(bool is_new) {
    if (!part_.expired()) return absl::FailedPreconditionError("the place is open");
    absl::StatusOr<std::unique_ptr<CStorage>> table = maker_.Make(is_new);
    if (!table.ok()) return table.status();
    part_ = (*table)->part();
    return OpenTableStorage(*std::move(table));
  }

  const StorageMaker& maker_;
  std::weak_ptr<const StoragePart> part_;  // of the latest table, while it is open
};

testing::ConformanceReport CheckTables(const StorageMaker& maker) {
  testing::ConformanceReport report;
  for (const TableRequirement& requirement : TableRequirements()) {
    if (requirement.needs_fork && !maker.may_fork()) {
      report.skipped.emplace_back(requirement.sentence);
      continue;
    }
    report.checked.emplace_back(requirement.sentence);
    std::string failure = requirement.check(maker);
    if (!failure.empty()) report.failures.push_back({requirement.sentence, std::move(failure)});
  }
  return report;
}

}  // namespace
}  // namespace convoy::capi

int32_t convoy_storage_conformance(const convoy_storage_factory* storages, convoy_report_fn report,
                                   void* user) {
  using namespace convoy::capi;
  return RunSuite([&] {
    absl::Status checked = CheckTable(storages, "storages", sizeof *storages);
    if (checked.ok() && CopyTable(*storages).make == nullptr) {
      checked = absl::InvalidArgumentError("storages.make: must not be NULL");
    }
    if (!checked.ok()) return Refuse(checked, report, user);
    const StorageMaker maker(CopyTable(*storages));
    convoy::testing::ConformanceReport found = CheckTables(maker);
    if (!found.failures.empty()) {
      found.skipped.emplace_back(kStoreSuite);
      return Tell(found, report, user);
    }
    Stores stores(maker);
    const convoy::testing::ConformanceReport of_stores = convoy::testing::CheckStorage(stores);
    found.checked.insert(found.checked.end(), of_stores.checked.begin(), of_stores.checked.end());
    found.skipped.insert(found.skipped.end(), of_stores.skipped.begin(), of_stores.skipped.end());
    found.failures = of_stores.failures;
    return Tell(found, report, user);
  });
}
