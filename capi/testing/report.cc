// Passing of a report to the host.
#include "capi/testing/report.h"

#include <set>
#include <utility>

namespace convoy::capi {

void Defects::Add(std::string_view defect) {
  constexpr size_t kTextsMax = 32;
  absl::MutexLock lock(&mutex_);
  if (texts_.size() < kTextsMax) texts_.emplace_back(defect);
}

std::vector<std::string> Defects::Take() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(texts_, {});
}

void AddDefects(std::vector<std::string> defects, testing::ConformanceReport* report) {
  constexpr char kRequirement[] = "the promises of the table are kept";
  report->checked.emplace_back(kRequirement);
  for (std::string& defect : defects) {
    report->failures.push_back({kRequirement, std::move(defect)});
  }
}

int32_t Tell(const testing::ConformanceReport& report, convoy_report_fn tell, void* user) {
  std::set<std::string> failed;
  for (const auto& failure : report.failures) failed.insert(failure.requirement);
  if (tell != nullptr) {
    for (const std::string& met : report.checked) {
      if (!failed.contains(met)) tell(user, CONVOY_REPORT_MET, met.c_str(), "");
    }
    for (const auto& failure : report.failures) {
      tell(user, CONVOY_REPORT_FAILED, failure.requirement.c_str(), failure.detail.c_str());
    }
    for (const std::string& skipped : report.skipped) {
      tell(user, CONVOY_REPORT_SKIPPED, skipped.c_str(), "");
    }
  }
  return static_cast<int32_t>(failed.size());
}

int32_t Refuse(const absl::Status& why, convoy_report_fn tell, void* user) {
  const convoy_status code =
      absl::IsUnimplemented(why) ? CONVOY_E_UNSUPPORTED : Report(why, nullptr);
  if (tell != nullptr) {
    tell(user, CONVOY_REPORT_FAILED, "the suite can begin", std::string(why.message()).c_str());
  }
  return -code;
}

}  // namespace convoy::capi
