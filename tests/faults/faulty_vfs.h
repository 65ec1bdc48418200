// A SQLite VFS over the system's own that fails on demand, and that knows what a loss of power
// would leave on the disk: for every file the bytes that were synced, and the writes that were not.
//
// The fault model: a call may fail and leave the file as it was, or half written; a sync that fails
// forgets for good what it should have made durable (as Linux does: the pages count as clean); when
// the power goes, unsynced writes are lost, all of them or any subset, and the last ones may be
// torn. Synced bytes stay, a deletion is durable at once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

namespace convoy::testing {

enum class Fault {
  kNone,
  kWrite,       // nothing is written
  kDiskFull,    // nothing is written, and SQLite is told why
  kShortWrite,  // half of it is written
  kSync,
  kOpen,
  kRead,
  kTruncate,
  kDelete,
  kSharedMemory,  // the index of the write-ahead log cannot be mapped
  kLock,          // a lock of the write-ahead log cannot be taken
  kKill,          // the process dies in a write: half of it is there, everything before it, too
  kPowerLoss,     // and all unsynced writes with it
  kTornPowerLoss  // and some of the unsynced writes with it
};

std::string_view NameOf(Fault fault);

struct FaultPlan {
  Fault fault = Fault::kNone;
  uint64_t at = 0;             // the how-manieth call that the fault applies to fails, from 1
  bool is_persistent = false;  // and every one after it
  uint64_t seed = 0;           // which unsynced writes survive
  bool is_sync_a_lie = false;  // a disk outside the model: for proving that the audit notices
  int code = 0;                // what SQLite is told instead of the error that fits the fault
  std::string path_end;        // only files whose names end so; empty: all
};

// The one VFS of the test, registered under name(). For one thread.
class FaultyVfs {
 public:
  static FaultyVfs& Get();

  const char* name() const { return vfs_.zName; }

  // Starts counting anew; takes what is on the disk now as durable.
  void Arm(const FaultPlan& plan);
  bool has_fired() const { return has_fired_; }
  // Calls that the fault applies to, since Arm.
  uint64_t calls_count() const { return count_; }

  // Nothing reaches the disk any more: every call fails until Restart. Close all files meanwhile.
  void Kill() { is_dead_ = true; }
  bool is_dead() const { return is_dead_; }
  // The process comes back; with `has_lost_power` the files become what survived.
  void Restart(bool has_lost_power);

 private:
  struct Change {
    bool is_truncation = false;
    int64_t at = 0;  // where it begins, or the new size
    std::string bytes;
  };
  struct Disk {
    std::string durable;
    std::vector<Change> unsynced;
  };
  struct File;
  struct Methods;

  FaultyVfs();
  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                  int* out_flags);
  static int Delete(sqlite3_vfs* vfs, const char* path, int should_sync);

  // Whether this call, to which faults of these kinds apply, is to fail. Kills where the plan says.
  bool Strikes(std::initializer_list<Fault> kinds, std::string_view path);
  // The code that a failing call returns.
  int Failure(int fitting) const { return plan_.code != 0 ? plan_.code : fitting; }
  Disk& DiskOf(const std::string& path);
  static void Apply(const Change& change, std::string& bytes);
  void Survive(Disk& disk, uint64_t& random) const;

  sqlite3_vfs* const base_;
  sqlite3_vfs vfs_{};
  FaultPlan plan_;
  uint64_t count_ = 0;
  bool has_fired_ = false;
  bool is_dead_ = false;
  std::map<std::string, Disk> disks_;
};

}  // namespace convoy::testing
