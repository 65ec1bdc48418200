// One fault at a time: the first call of its kind fails, then the second, and so on until the
// scenario ends without having met it; each followed by an audit of what is on the disk.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <catch2/catch.hpp>

#include "tests/faults/audit.h"
#include "tests/faults/faulty_vfs.h"
#include "tests/faults/scenario.h"

namespace convoy::testing {
namespace {

constexpr uint64_t kRunsMax = 20'000;  // far beyond any scenario: the loop must end by itself

// A database of its own in a directory of its own.
class Directory {
 public:
  Directory()
      : path_(std::filesystem::temp_directory_path() / absl::StrCat("convoy_faults_", getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }

  // The path of a database that does not exist.
  std::string Fresh() const {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      std::filesystem::remove(entry.path());
    }
    return path_ / "convoy.db";
  }

 private:
  const std::filesystem::path path_;
};

struct Run {
  bool has_fired = false;
  std::vector<std::string> findings;
};

// With `loses_power` the machine goes down at the end, whatever failed before.
Run RunOnce(const std::string& path, const FaultPlan& plan, bool loses_power) {
  FaultyVfs& vfs = FaultyVfs::Get();
  vfs.Arm(plan);
  const History history = RunScenario(path);
  const bool has_crashed = vfs.is_dead() && plan.fault != Fault::kKill;
  vfs.Restart(loses_power || has_crashed);
  const bool has_fired = vfs.has_fired();
  vfs.Arm({});
  return {has_fired, Audit(path, history)};
}

// Runs until the fault is not met any more; returns how many runs met it.
uint64_t RunAll(FaultPlan plan, bool loses_power) {
  const Directory directory;
  for (plan.at = 1; plan.at < kRunsMax; ++plan.at) {
    plan.seed = plan.at;
    const Run run = RunOnce(directory.Fresh(), plan, loses_power);
    INFO("fault: " << NameOf(plan.fault) << (plan.is_persistent ? ", for good" : ", once")
                   << (loses_power ? ", then power loss" : "") << ", at: " << plan.at);
    INFO(absl::StrJoin(run.findings, "\n"));
    CHECK(run.findings.empty());
    if (!run.has_fired) return plan.at - 1;
  }
  FAIL("the scenario never ends without the fault");
  return 0;
}

void Report(std::string_view fault, std::string_view manner, uint64_t runs_count) {
  CHECK(runs_count > 0);
  std::printf("%-18s %-26s %5llu runs\n", std::string(fault).c_str(), std::string(manner).c_str(),
              static_cast<unsigned long long>(runs_count));
}

TEST_CASE("faults: without a fault everything is answered, and is there") {
  const Directory directory;
  const std::string path = directory.Fresh();
  FaultyVfs::Get().Arm({});
  const History history = RunScenario(path);
  CHECK(history.operations.size() == 20);
  uint64_t pruned_count = 0;
  for (const Operation& operation : history.operations) {
    CHECK(operation.answer == Answer::kGiven);
    if (operation.pruned.has_value()) pruned_count += operation.pruned->events_count;
  }
  CHECK(pruned_count == 2);
  CHECK(Audit(path, history).empty());
}

TEST_CASE("faults: the store survives the n-th call that fails") {
  for (const Fault fault :
       {Fault::kWrite, Fault::kDiskFull, Fault::kShortWrite, Fault::kSync, Fault::kOpen,
        Fault::kRead, Fault::kTruncate, Fault::kDelete, Fault::kSharedMemory}) {
    Report(NameOf(fault), "once, then a clean end", RunAll({.fault = fault}, false));
    Report(NameOf(fault), "for good, then power loss",
           RunAll({.fault = fault, .is_persistent = true}, true));
  }
}

TEST_CASE("faults: the store survives a crash at the n-th call") {
  for (const Fault fault : {Fault::kKill, Fault::kPowerLoss, Fault::kTornPowerLoss}) {
    Report(NameOf(fault), "", RunAll({.fault = fault}, /*loses_power=*/false));
  }
}

TEST_CASE("faults: a disk that only pretends to sync is found out") {
  const Directory directory;
  uint64_t found_count = 0;
  for (uint64_t at = 1; at <= 200; at += 10) {
    const Run run = RunOnce(directory.Fresh(),
                            {.fault = Fault::kPowerLoss, .at = at, .is_sync_a_lie = true}, true);
    found_count += !run.findings.empty();
  }
  CHECK(found_count > 0);
}

}  // namespace
}  // namespace convoy::testing
