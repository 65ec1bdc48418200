// Report of a conformance suite: see storage_conformance.h and broker_conformance.h.
#pragma once

#include <string>
#include <vector>

namespace convoy::testing {

struct ConformanceFailure {
  std::string requirement;  // a sentence that holds for every correct adapter
  std::string detail;       // the expectation that did not hold, with file and line in the suite
};

struct ConformanceReport {
  std::vector<std::string> checked;  // requirements
  std::vector<std::string> skipped;  // requirements that need a missing optional hook
  std::vector<ConformanceFailure> failures;
};

}  // namespace convoy::testing
