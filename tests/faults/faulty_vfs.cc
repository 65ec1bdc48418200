// Files are passed through to the system's VFS; beside them stands, in memory, what a power loss
// would leave. Syncs are recorded and not passed on: nothing here ever depends on the real disk.
#include "tests/faults/faulty_vfs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <new>
#include <system_error>

namespace convoy::testing {
namespace {

std::string ReadFile(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  std::string bytes(error ? 0 : size, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

uint64_t NextRandom(uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

bool IsCrash(Fault fault) {
  return fault == Fault::kKill || fault == Fault::kPowerLoss || fault == Fault::kTornPowerLoss;
}

}  // namespace

std::string_view NameOf(Fault fault) {
  constexpr std::string_view kNames[] = {"none",       "write",          "disk full", "short write",
                                         "sync",       "open",           "read",      "truncate",
                                         "delete",     "shared memory",  "lock",      "kill",
                                         "power loss", "torn power loss"};
  return kNames[static_cast<size_t>(fault)];
}

struct FaultyVfs::File {
  sqlite3_file handle;  // what SQLite knows; must be first
  std::string* path;    // null for files without a name
  sqlite3_file* real;   // stands right behind this object

  static File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  std::string_view name() const { return path != nullptr ? std::string_view(*path) : ""; }
};

struct FaultyVfs::Methods {
  static int Close(sqlite3_file* file) {
    File& self = File::Of(file);
    delete self.path;
    return self.real->pMethods != nullptr ? self.real->pMethods->xClose(self.real) : SQLITE_OK;
  }

  static int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 at) {
    if (Get().Strikes({Fault::kRead}, File::Of(file).name())) {
      return Get().Failure(SQLITE_IOERR_READ);
    }
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xRead(real, bytes, size, at);
  }

  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    FaultyVfs& vfs = Get();
    const File& self = File::Of(file);
    const bool was_dead = vfs.is_dead_;
    const bool strikes = vfs.Strikes({Fault::kWrite, Fault::kDiskFull, Fault::kShortWrite,
                                      Fault::kKill, Fault::kPowerLoss, Fault::kTornPowerLoss},
                                     self.name());
    const Fault fault = vfs.plan_.fault;
    if (strikes && (was_dead || fault == Fault::kWrite)) return vfs.Failure(SQLITE_IOERR_WRITE);
    if (strikes && fault == Fault::kDiskFull) return SQLITE_FULL;
    const int written_size = strikes ? size / 2 : size;
    if (self.path != nullptr) {
      vfs.DiskOf(*self.path)
          .unsynced.push_back(
              {.at = at,
               .bytes = {static_cast<const char*>(bytes), static_cast<size_t>(written_size)}});
    }
    const int code = self.real->pMethods->xWrite(self.real, bytes, written_size, at);
    return strikes ? SQLITE_IOERR_WRITE : code;
  }

  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    FaultyVfs& vfs = Get();
    const File& self = File::Of(file);
    if (vfs.Strikes({Fault::kTruncate, Fault::kPowerLoss, Fault::kTornPowerLoss}, self.name())) {
      return vfs.Failure(SQLITE_IOERR_TRUNCATE);
    }
    if (self.path != nullptr) {
      vfs.DiskOf(*self.path).unsynced.push_back({.is_truncation = true, .at = size});
    }
    return self.real->pMethods->xTruncate(self.real, size);
  }

  static int Sync(sqlite3_file* file, int) {
    FaultyVfs& vfs = Get();
    const File& self = File::Of(file);
    const bool strikes =
        vfs.Strikes({Fault::kSync, Fault::kPowerLoss, Fault::kTornPowerLoss}, self.name());
    const int failure = vfs.Failure(SQLITE_IOERR_FSYNC);
    if (self.path == nullptr || vfs.is_dead_) return strikes ? failure : SQLITE_OK;
    Disk& disk = vfs.DiskOf(*self.path);
    if (vfs.plan_.is_sync_a_lie) return SQLITE_OK;
    if (!strikes) {
      for (const Change& change : disk.unsynced) Apply(change, disk.durable);
    }
    disk.unsynced.clear();
    return strikes ? failure : SQLITE_OK;
  }

  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xFileSize(real, size);
  }
  static int Lock(sqlite3_file* file, int level) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xLock(real, level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xUnlock(real, level);
  }
  static int CheckReservedLock(sqlite3_file* file, int* is_locked) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xCheckReservedLock(real, is_locked);
  }
  static int FileControl(sqlite3_file* file, int op, void* argument) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xFileControl(real, op, argument);
  }
  static int SectorSize(sqlite3_file* file) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xSectorSize(real);
  }
  static int DeviceCharacteristics(sqlite3_file* file) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xDeviceCharacteristics(real);
  }
  static int ShmMap(sqlite3_file* file, int region, int size, int may_extend,
                    void volatile** memory) {
    if (Get().Strikes({Fault::kSharedMemory}, File::Of(file).name())) {
      return Get().Failure(SQLITE_IOERR_SHMMAP);
    }
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xShmMap(real, region, size, may_extend, memory);
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    // Only what takes a lock, and for writing: readers have others.
    constexpr int kTakesToWrite = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
    if (flags == kTakesToWrite && Get().Strikes({Fault::kLock}, File::Of(file).name())) {
      return Get().Failure(SQLITE_IOERR_SHMLOCK);
    }
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xShmLock(real, offset, count, flags);
  }
  static void ShmBarrier(sqlite3_file* file) {
    sqlite3_file* real = File::Of(file).real;
    real->pMethods->xShmBarrier(real);
  }
  static int ShmUnmap(sqlite3_file* file, int should_delete) {
    sqlite3_file* real = File::Of(file).real;
    return real->pMethods->xShmUnmap(real, should_delete);
  }

  static const sqlite3_io_methods* Table() {
    static const sqlite3_io_methods kTable = {.iVersion = 2,  // no memory-mapped files
                                              .xClose = Close,
                                              .xRead = Read,
                                              .xWrite = Write,
                                              .xTruncate = Truncate,
                                              .xSync = Sync,
                                              .xFileSize = FileSize,
                                              .xLock = Lock,
                                              .xUnlock = Unlock,
                                              .xCheckReservedLock = CheckReservedLock,
                                              .xFileControl = FileControl,
                                              .xSectorSize = SectorSize,
                                              .xDeviceCharacteristics = DeviceCharacteristics,
                                              .xShmMap = ShmMap,
                                              .xShmLock = ShmLock,
                                              .xShmBarrier = ShmBarrier,
                                              .xShmUnmap = ShmUnmap};
    return &kTable;
  }
};

FaultyVfs& FaultyVfs::Get() {
  static FaultyVfs* const kVfs = new FaultyVfs();
  return *kVfs;
}

FaultyVfs::FaultyVfs() : base_(sqlite3_vfs_find(nullptr)), vfs_(*base_) {
  vfs_.zName = "convoy_faulty";
  vfs_.pNext = nullptr;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + base_->szOsFile;
  vfs_.xOpen = Open;
  vfs_.xDelete = Delete;
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/0);
}

int FaultyVfs::Open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  FaultyVfs& vfs = Get();
  auto* self = new (file) File{};
  self->real = reinterpret_cast<sqlite3_file*>(self + 1);
  if (vfs.Strikes({Fault::kOpen}, path != nullptr ? path : "")) {
    return vfs.Failure(SQLITE_CANTOPEN);
  }
  const int code = vfs.base_->xOpen(vfs.base_, path, self->real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  self->handle.pMethods = Methods::Table();
  if (path != nullptr) {
    self->path = new std::string(path);
    vfs.DiskOf(*self->path);
  }
  return SQLITE_OK;
}

int FaultyVfs::Delete(sqlite3_vfs*, const char* path, int should_sync) {
  FaultyVfs& vfs = Get();
  if (vfs.Strikes({Fault::kDelete, Fault::kPowerLoss, Fault::kTornPowerLoss}, path)) {
    return vfs.Failure(SQLITE_IOERR_DELETE);
  }
  vfs.disks_.erase(path);
  return vfs.base_->xDelete(vfs.base_, path, should_sync);
}

bool FaultyVfs::Strikes(std::initializer_list<Fault> kinds, std::string_view path) {
  if (is_dead_) return true;
  if (std::find(kinds.begin(), kinds.end(), plan_.fault) == kinds.end()) return false;
  if (!path.ends_with(plan_.path_end)) return false;
  ++count_;
  if (count_ != plan_.at && !(plan_.is_persistent && count_ > plan_.at)) return false;
  has_fired_ = true;
  if (IsCrash(plan_.fault)) is_dead_ = true;
  return true;
}

FaultyVfs::Disk& FaultyVfs::DiskOf(const std::string& path) {
  const auto [disk, is_new] = disks_.try_emplace(path);
  if (is_new) disk->second.durable = ReadFile(path);
  return disk->second;
}

void FaultyVfs::Apply(const Change& change, std::string& bytes) {
  const auto at = static_cast<size_t>(change.at);
  if (change.is_truncation) {
    bytes.resize(std::min(bytes.size(), at));
  } else {
    bytes.resize(std::max(bytes.size(), at + change.bytes.size()));
    bytes.replace(at, change.bytes.size(), change.bytes);
  }
}

void FaultyVfs::Arm(const FaultPlan& plan) {
  plan_ = plan;
  count_ = 0;
  has_fired_ = false;
  is_dead_ = false;
  disks_.clear();
}

// Each unsynced write reaches the disk whole, by half or not at all.
void FaultyVfs::Survive(Disk& disk, uint64_t& random) const {
  if (plan_.fault != Fault::kTornPowerLoss) return;
  for (Change& change : disk.unsynced) {
    const uint64_t luck = NextRandom(random) % 4;
    if (luck == 0) continue;
    if (luck == 1) change.bytes.resize(change.bytes.size() / 2);
    Apply(change, disk.durable);
  }
}

void FaultyVfs::Restart(bool has_lost_power) {
  is_dead_ = false;
  if (!has_lost_power) return;
  uint64_t random = plan_.seed;
  for (auto& [path, disk] : disks_) {
    Survive(disk, random);
    disk.unsynced.clear();
    std::ofstream(path, std::ios::binary | std::ios::trunc) << disk.durable;
    std::filesystem::remove(path + "-shm");
  }
}

}  // namespace convoy::testing
