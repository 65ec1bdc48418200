// Report of a conformance suite, as C gets it.
#pragma once

#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"

#include "capi/convoy_testing.h"
#include "capi/parts/part.h"
#include "convoy/testing/conformance.h"

namespace convoy::capi {

// Collects what a part does against its table's promises, which the suite itself cannot see. From
// any thread; shared, because a part may be used after its suite.
class Defects {
 public:
  void Add(std::string_view defect);
  std::vector<std::string> Take();

 private:
  absl::Mutex mutex_;
  std::vector<std::string> texts_ ABSL_GUARDED_BY(mutex_);
};

// Tells the host of everything; returns the number of requirements that were not met.
int32_t Tell(const testing::ConformanceReport& report, convoy_report_fn tell, void* user);

// A report of the defects as one more requirement.
void AddDefects(std::vector<std::string> defects, testing::ConformanceReport* report);

// The suite could not begin: tells why.
int32_t Refuse(const absl::Status& why, convoy_report_fn tell, void* user);

// Keeps exceptions from the host.
template <typename Suite>
int32_t RunSuite(Suite suite) noexcept {
  try {
    return suite();
  } catch (const std::bad_alloc&) {
    return -CONVOY_E_NO_MEMORY;
  } catch (...) {
    return -CONVOY_E_INTERNAL;
  }
}

}  // namespace convoy::capi
