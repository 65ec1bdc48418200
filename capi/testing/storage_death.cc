// The requirements of tables about the death of a process: a child writes and is killed, and this
// process looks at what it left.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "capi/testing/storage_table.h"

namespace convoy::capi {
namespace {

constexpr int kKills = 12;
constexpr int kRowsOfBatch = 40;

Rows Generation(uint64_t number) {
  Rows rows;
  for (int i = 0; i < kRowsOfBatch; ++i) {
    rows[absl::StrCat("row ", 100 + i)] = absl::StrCat(number, std::string(200, '.'));
  }
  return rows;
}

// The child: opens the place, writes generations above `number` as fast as it can, and tells each
// one that is durable. Never returns.
[[noreturn]] void WriteUntilKilled(const StorageMaker& maker, uint64_t number, int pipe) {
  const auto table = maker.Make(false);
  while (table.ok()) {
    if (!(*table)->Write(PutsOf(Generation(++number))).ok() || !(*table)->Sync().ok()) break;
    if (write(pipe, &number, sizeof number) != sizeof number) break;
  }
  _exit(1);
}

struct Ended {
  std::string failure;
  uint64_t durable_number = 0;  // the last that the child told
};

// Lets a child write for `time`, then kills it.
Ended Run(const StorageMaker& maker, uint64_t number, absl::Duration time) {
  int ends[2];
  if (pipe(ends) != 0) return {"there is no pipe"};
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    return {"fork failed"};
  }
  if (child == 0) {
    close(ends[0]);
    WriteUntilKilled(maker, number, ends[1]);
  }
  close(ends[1]);
  Ended ended{.durable_number = number};
  uint64_t told = 0;
  bool is_first = true;
  while (read(ends[0], &told, sizeof told) == sizeof told) {
    ended.durable_number = told;
    if (!is_first) continue;
    is_first = false;
    absl::SleepFor(time);
    kill(child, SIGKILL);
  }
  close(ends[0]);
  if (is_first) {
    kill(child, SIGKILL);
    ended.failure = "a child could not open, write and sync the place";
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (ended.failure.empty() && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
    ended.failure = "a child could not write any more";
  }
  return ended;
}

// The generation of a row's value; 0 for none.
uint64_t NumberOf(const std::string& value) { return std::strtoull(value.c_str(), nullptr, 10); }

// Kills a child many times, and calls `check` with what it had told and what it left.
template <typename Check>
std::string KillOften(const StorageMaker& maker, const Check& check) {
  if (const auto table = maker.Make(true); !table.ok()) {
    return absl::StrCat("make failed: ", table.status().message());
  } else if (const absl::Status written = (*table)->Write(PutsOf(Generation(1))); !written.ok()) {
    return absl::StrCat("write failed: ", written.message());
  }
  uint64_t number = 1;
  for (int i = 0; i < kKills; ++i) {
    const Ended ended = Run(maker, number, absl::Microseconds(300 + 1700 * i));
    if (!ended.failure.empty()) return ended.failure;
    const auto table = maker.Make(false);
    if (!table.ok()) {
      return absl::StrCat("after a kill the place does not open: ", table.status().message());
    }
    const auto rows = ScanAll(**table);
    if (!rows.ok()) return absl::StrCat("scan failed: ", rows.status().message());
    const std::string difference = check(*rows, ended.durable_number);
    if (!difference.empty()) return difference;
    for (const auto& [key, value] : *rows) number = std::max(number, NumberOf(value));
  }
  return "";
}

}  // namespace

std::string CheckSyncedSurvives(const StorageMaker& maker) {
  return KillOften(maker, [](const RowList& rows, uint64_t durable) -> std::string {
    if (rows.size() < kRowsOfBatch) {
      return absl::StrCat("after a kill there were ", rows.size(), " rows of ", kRowsOfBatch);
    }
    for (const auto& [key, value] : rows) {
      if (NumberOf(value) >= durable) continue;
      return absl::StrCat("batch ", durable, " was synced; after a kill the row ", Show(key),
                          " is that of batch ", NumberOf(value));
    }
    return "";
  });
}

std::string CheckBatchesSurviveWhole(const StorageMaker& maker) {
  return KillOften(maker, [](const RowList& rows, uint64_t) -> std::string {
    if (rows.empty()) return "after a kill there were no rows";
    const std::string difference = DifferenceOf(rows, Generation(NumberOf(rows[0].second)));
    return difference.empty()
               ? ""
               : absl::StrCat("after a kill a batch was there in part: ", difference);
  });
}

}  // namespace convoy::capi
