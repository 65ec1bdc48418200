// Report of a conformance suite: see storage_conformance.h and broker_conformance.h.
#pragma once

#include <string>
#include <vector>

namespace convoy::testing {

struct ConformanceFailure {
  std::string requirement;  // what every adapter must do, a sentence
  std::string detail;       // which expectation did not hold, and where in the suite it stands
};

struct ConformanceReport {
  std::vector<std::string> checked;  // requirements
  std::vector<std::string> skipped;  // those that need an optional hook that is not there
  std::vector<ConformanceFailure> failures;
};

}  // namespace convoy::testing
