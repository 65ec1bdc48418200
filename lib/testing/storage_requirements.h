// The requirements of the storage suite, grouped by subject: one group in each check_*.cc.
#pragma once

#include <span>
#include <string_view>

#include "convoy/storage.h"
#include "convoy/testing/storage_conformance.h"
#include "lib/testing/expectations.h"

namespace convoy::testing {

struct StorageRequirement {
  std::string_view sentence;
  // Exactly one is set. The first gets an empty store; the others make their stores themselves and
  // need StorageFactory::OpenAgain.
  void (*check)(Expectations& expect, Storage& storage) = nullptr;
  void (*check_openers)(Expectations& expect, StorageFactory& stores) = nullptr;
  // The same, but it needs only one opener at a time.
  void (*check_reopening)(Expectations& expect, StorageFactory& stores) = nullptr;
};

std::span<const StorageRequirement> SubmissionRequirements();
std::span<const StorageRequirement> ConfigurationRequirements();
std::span<const StorageRequirement> ClaimRequirements();
std::span<const StorageRequirement> LaneRequirements();
std::span<const StorageRequirement> FifoRequirements();
std::span<const StorageRequirement> ClockRequirements();
std::span<const StorageRequirement> OutcomeRequirements();
std::span<const StorageRequirement> ListRequirements();
std::span<const StorageRequirement> HeldRequirements();
std::span<const StorageRequirement> RetentionRequirements();
std::span<const StorageRequirement> OpenerRequirements();

}  // namespace convoy::testing
