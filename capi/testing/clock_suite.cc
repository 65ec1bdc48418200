// Suite for clocks: small enough to stand in its entry point.
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "capi/parts/c_clock.h"
#include "capi/testing/report.h"

namespace convoy::capi {
namespace {

constexpr absl::Duration kNear = absl::Minutes(5);

class ClockSuite {
 public:
  explicit ClockSuite(Clock& clock) : clock_(clock) {}

  void Check(std::string_view requirement, bool holds, std::string_view detail) {
    report_.checked.emplace_back(requirement);
    if (!holds) report_.failures.push_back({std::string(requirement), std::string(detail)});
  }

  void CheckReal() {
    const absl::Time now = clock_.Now();
    const absl::Time real = NewSystemClock()->Now();
    Check("the current instant is near the system's", absl::AbsDuration(now - real) < kNear,
          absl::StrCat("now_us is ", absl::ToUnixMicros(now), ", the system's ",
                       absl::ToUnixMicros(real)));
  }

  void CheckPassing() {
    const absl::Time begin = clock_.SteadyNow();
    absl::SleepFor(absl::Milliseconds(200));
    const absl::Duration passed = clock_.SteadyNow() - begin;
    Check("time passes", passed > absl::Milliseconds(100) && passed < absl::Seconds(10),
          absl::StrCat("in 200 ms of the system steady_us went on by ",
                       absl::ToInt64Microseconds(passed), " us"));
  }

  void CheckOrder() {
    constexpr int kThreads = 4;
    constexpr int kReads = 20'000;
    bool is_in_order[kThreads] = {};
    std::thread threads[kThreads];
    for (int i = 0; i < kThreads; ++i) {
      threads[i] = std::thread([this, &mine = is_in_order[i]] {
        mine = true;
        absl::Time last = clock_.SteadyNow();
        for (int n = 0; n < kReads; ++n) {
          clock_.Now();
          const absl::Time next = clock_.SteadyNow();
          mine = mine && next >= last;
          last = next;
        }
      });
    }
    bool is_all = true;
    for (int i = 0; i < kThreads; ++i) {
      threads[i].join();
      is_all = is_all && is_in_order[i];
    }
    Check("steady instants do not go back, on any of several threads", is_all,
          "steady_us went back");
  }

  const testing::ConformanceReport& report() const { return report_; }

 private:
  Clock& clock_;
  testing::ConformanceReport report_;
};

}  // namespace
}  // namespace convoy::capi

int32_t convoy_clock_conformance(const convoy_clock* clock, int32_t is_real,
                                 convoy_report_fn report, void* user) {
  using namespace convoy::capi;
  return RunSuite([&] {
    absl::Status checked = CheckTable(clock, "clock", sizeof *clock);
    if (!checked.ok()) return Refuse(checked, report, user);
    const auto part = std::make_shared<const ClockPart>(CopyTable(*clock));
    checked = CheckComplete(**part);
    if (!checked.ok()) return Refuse(checked, report, user);
    CClock under_test(part, nullptr);
    ClockSuite suite(under_test);
    if (is_real != 0) {
      suite.CheckReal();
      suite.CheckPassing();
    }
    suite.CheckOrder();
    return Tell(suite.report(), report, user);
  });
}
