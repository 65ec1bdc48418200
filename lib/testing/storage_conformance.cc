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
  } else if (requirement.check_reopening != nullptr) {
    requirement.check_reopening(expect, stores);
  } else {
    const auto opened = stores.OpenEmpty();
    if (CONVOY_EXPECT(opened.ok())) requirement.check(expect, **opened);
  }
  report.checked.emplace_back(requirement.sentence);
  std::vector<ConformanceFailure> failures = expect.TakeFailures();
  std::move(failures.begin(), failures.end(), std::back_inserter(report.failures));
}

// The openers that a store may have.
enum class Openers { kOne, kOneAfterAnother, kSeveral };

Openers OpenersOf(StorageFactory& stores) {
  const auto first = stores.OpenEmpty();
  const absl::Status again = first.ok() ? stores.OpenAgain().status() : first.status();
  if (!first.ok() || absl::IsUnimplemented(again)) return Openers::kOne;
  return absl::IsFailedPrecondition(again) ? Openers::kOneAfterAnother : Openers::kSeveral;
}

bool IsSkipped(const StorageRequirement& requirement, Openers openers) {
  if (requirement.check_openers != nullptr) return openers != Openers::kSeveral;
  return requirement.check_reopening != nullptr && openers == Openers::kOne;
}

}  // namespace

StorageFactory::~StorageFactory() = default;

absl::StatusOr<std::unique_ptr<Storage>> StorageFactory::OpenAgain() {
  return absl::UnimplementedError("the store does not outlive its object");
}

ConformanceReport CheckStorage(StorageFactory& stores) {
  ConformanceReport report;
  const Openers openers = OpenersOf(stores);
  for (const auto group :
       {SubmissionRequirements(), ConfigurationRequirements(), ClaimRequirements(),
        LaneRequirements(), FifoRequirements(), ClockRequirements(), OutcomeRequirements(),
        ListRequirements(), HeldRequirements(), RetentionRequirements(), OpenerRequirements()}) {
    for (const StorageRequirement& requirement : group) {
      if (IsSkipped(requirement, openers)) {
        report.skipped.emplace_back(requirement.sentence);
      } else {
        CheckOne(requirement, stores, report);
      }
    }
  }
  return report;
}

}  // namespace convoy::testing
