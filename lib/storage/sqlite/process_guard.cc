// Two means: the descriptors of this process tell who has the file open now, and a lock beside the
// database, at an offset that is this process's, tells other copies of this library. See
// process_guard.h.
#include "lib/storage/sqlite/process_guard.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/opener_locks.h"
#include "lib/storage/sqlite/sqlite_copy.h"

namespace convoy::storage {
namespace {

using FileId = std::pair<dev_t, ino_t>;

// The databases that this copy of the library has open: its stores share one SQLite.
struct OpenFile {
  std::unique_ptr<OpenerLocks> lock;
  int stores_count = 0;
};
struct OpenFiles {
  absl::Mutex mutex;
  std::map<FileId, OpenFile> files ABSL_GUARDED_BY(mutex);
};
OpenFiles& OurFiles() {
  static auto* const files = new OpenFiles;
  return *files;
}

absl::Status Refuse(const std::string& database, std::string_view who) {
  return absl::FailedPreconditionError(absl::StrCat(
      database, ": ", who,
      " of this process has it open, with another copy of SQLite than this library's; the two "
      "would damage it: let only one of them open it, or use a libconvoy that links the system's "
      "SQLite"));
}

// A descriptor of this process that has the file open; -1: none.
int FindDescriptor(const FileId& file) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    struct stat found = {};
    if (stat(entry.path().c_str(), &found) != 0) continue;
    if (FileId(found.st_dev, found.st_ino) == file) return atoi(entry.path().filename().c_str());
  }
  return -1;
}

// The offset of this process's lock, far above those of openers. A process id alone is not enough:
// processes of two containers may have the same one.
int64_t OffsetOfProcess() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // Behind the name, which may hold anything: the state, …, and as the 20th the time of the start.
  const std::string_view rest = std::string_view(text).substr(text.rfind(')') + 1);
  const std::vector<std::string_view> fields = absl::StrSplit(rest, ' ', absl::SkipEmpty());
  const std::string_view started = fields.size() > 19 ? fields[19] : "";
  uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a: every copy of the library has the same
  for (const char c : absl::StrCat(getpid(), " ", started)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  }
  return (int64_t{1} << 62) | static_cast<int64_t>(hash & ((uint64_t{1} << 61) - 1));
}

#ifdef F_OFD_GETLK
constexpr bool kHasLocks = true;
#else
constexpr bool kHasLocks = false;
#endif

absl::Status CheckNoPrivateCopy(const std::string& database) {
  if (!kHasLocks) return absl::OkStatus();
  const auto lock = OpenerLocks::Open(database);
  if (!lock.ok() || !(*lock)->IsHeldByOther(OffsetOfProcess())) return absl::OkStatus();
  return Refuse(database, "another libconvoy");
}

}  // namespace

ProcessGuard::~ProcessGuard() {
  if (!file_.has_value()) return;
  OpenFiles& ours = OurFiles();
  const absl::MutexLock lock(&ours.mutex);
  const auto found = ours.files.find(*file_);
  if (--found->second.stores_count == 0) ours.files.erase(found);
}

absl::StatusOr<std::unique_ptr<ProcessGuard>> ProcessGuard::Enter(const std::string& database) {
  return Enter(database, IsSqlitePrivate());
}

absl::StatusOr<std::unique_ptr<ProcessGuard>> ProcessGuard::Enter(const std::string& database,
                                                                  bool is_private) {
  if (!is_private) {
    CONVOY_RETURN_IF_ERROR(CheckNoPrivateCopy(database));
    return absl::WrapUnique(new ProcessGuard(std::nullopt));
  }
  struct stat found = {};
  if (stat(database.c_str(), &found) != 0) {  // opening it will say why
    return absl::WrapUnique(new ProcessGuard(std::nullopt));
  }
  const FileId file(found.st_dev, found.st_ino);
  OpenFiles& ours = OurFiles();
  const absl::MutexLock lock(&ours.mutex);
  if (!ours.files.contains(file)) {
    if (const int descriptor = FindDescriptor(file); descriptor >= 0) {
      return Refuse(database, absl::StrCat("another part (descriptor ", descriptor, ")"));
    }
    CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<OpenerLocks> held, OpenerLocks::Open(database));
    CONVOY_ASSIGN_OR_RETURN(const bool is_alone, held->TryLock(OffsetOfProcess()));
    if (!is_alone) return Refuse(database, "another libconvoy");
    ours.files.emplace(file, OpenFile{.lock = std::move(held)});
  }
  ++ours.files[file].stores_count;
  return absl::WrapUnique(new ProcessGuard(file));
}

}  // namespace convoy::storage
