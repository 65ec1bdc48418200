// Adapter of a third party under the installed conformance suite; here, a store that forgets.
#include <cstdio>
#include <memory>

#include "convoy/gateway.h"
#include "convoy/testing/storage_conformance.h"

namespace {

class Stores : public convoy::testing::StorageFactory {
 public:
  absl::StatusOr<std::unique_ptr<convoy::Storage>> OpenEmpty() override {
    return convoy::NewMemoryStorage();
  }
};

}  // namespace

int main() {
  Stores stores;
  const convoy::testing::ConformanceReport report = convoy::testing::CheckStorage(stores);
  for (const convoy::testing::ConformanceFailure& failure : report.failures) {
    std::printf("%s: %s\n", failure.requirement.c_str(), failure.detail.c_str());
  }
  if (!report.failures.empty() || report.checked.size() < 10) return 1;
  std::puts("verified");
  return 0;
}
