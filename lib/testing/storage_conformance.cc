// Runs the requirements one after the other, each on a store of its own, and collects what failed.
#include "convoy/testing/storage_conformance.h"

#include <iterator>
#include <utility>

#include "absl/status/status.h"

#include "lib/testing/storage_requirements.h"

namespace convoy::testing {
namespace {

void CheckOne(const StorageRequirement& requirement, StorageFactory& stores,
              ConformanceReport& report) {
  Expectations expect(requirement.sentence);
  if (requirement.check_openers != nullptr) {
    requirement.check_openers(expect, stores);
  } else {
    const auto opened = stores.OpenEmpty();
    if (CONVOY_EXPECT(opened.ok())) requirement.check(expect, **opened);
  }
  report.checked.emplace_back(requirement.sentence);
  std::vector<ConformanceFailure> failures = expect.TakeFailures();
  std::move(failures.begin(), failures.end(), std::back_inserter(report.failures));
}

bool MayOpenAgain(StorageFactory& stores) {
  const auto first = stores.OpenEmpty();
  return first.ok() && !absl::IsUnimplemented(stores.OpenAgain().status());
}

}  // namespace

StorageFactory::~StorageFactory() = default;

absl::StatusOr<std::unique_ptr<Storage>> StorageFactory::OpenAgain() {
  return absl::UnimplementedError("the store does not outlive its object");
}

ConformanceReport CheckStorage(StorageFactory& stores) {
  ConformanceReport report;
  const bool may_open_again = MayOpenAgain(stores);
  for (const auto group :
       {SubmissionRequirements(), ConfigurationRequirements(), ClaimRequirements(),
        LaneRequirements(), FifoRequirements(), ClockRequirements(), OutcomeRequirements(),
        ListRequirements(), HeldRequirements(), RetentionRequirements(), OpenerRequirements()}) {
    for (const StorageRequirement& requirement : group) {
      if (requirement.check_openers != nullptr && !may_open_again) {
        report.skipped.emplace_back(requirement.sentence);
      } else {
        CheckOne(requirement, stores, report);
      }
    }
  }
  return report;
}

}  // namespace convoy::testing
