// File creation with an exact mode, and the judgement of the SQLite library.
#include "lib/storage/sqlite/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include <sqlite3.h>

namespace convoy::storage {
namespace {

// Statements with RETURNING came with it.
constexpr int kVersionMin = 3'035'000;
constexpr std::string_view kVersionMinText = "3.35.0";

constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;

absl::Status ErrorOf(std::string_view doing, const std::string& path, int error) {
  return absl::UnavailableError(
      absl::StrCat(path, ": ", doing, ": ", std::generic_category().message(error)));
}

// A new file's descriptor, or -1 with errno. The mode is set apart from the umask, while the file
// is known to this process alone.
int CreateNew(const std::string& path, mode_t mode) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) return -1;
  if (fchmod(fd, mode) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

// The file that `path` leads to, whether or not there is one.
std::string FollowLinks(std::filesystem::path path) {
  constexpr int kLinksMax = 40;  // as Linux
  std::error_code error;
  for (int i = 0; i < kLinksMax && std::filesystem::is_symlink(path, error); ++i) {
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / target;  // the target alone, if that is absolute
  }
  return path.string();
}

// Whether SQLite takes its mutexes: a host may have switched them off at run time.
bool IsThreadsafe() {
  if (sqlite3_threadsafe() == 0) return false;
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_FULLMUTEX;
  const bool is_open = sqlite3_open_v2(":memory:", &db, flags, nullptr) == SQLITE_OK;
  const bool has_mutex = is_open && sqlite3_db_mutex(db) != nullptr;
  sqlite3_close(db);
  return has_mutex;
}

}  // namespace

absl::Status CreateDatabaseFile(const std::string& path) {
  const std::string target = FollowLinks(path);
  const int fd = CreateNew(target, kOwnerOnly);
  if (fd < 0 && errno != EEXIST) return ErrorOf("cannot create the database", path, errno);
  if (fd >= 0) close(fd);
  return absl::OkStatus();
}

absl::Status OpenSideFile(const std::string& path, const std::string& database, int& out_fd) {
  struct stat owner = {};
  if (stat(database.c_str(), &owner) != 0) return ErrorOf("cannot look at it", database, errno);
  out_fd = CreateNew(path, owner.st_mode & 0777);
  if (out_fd >= 0) {
    // As SQLite does for its own side files: a database that root opened stays its owner's.
    const bool is_given = geteuid() != 0 || fchown(out_fd, owner.st_uid, owner.st_gid) == 0;
    if (is_given) return absl::OkStatus();
    const absl::Status status = ErrorOf("cannot change the owner", path, errno);
    close(out_fd);
    return status;
  }
  if (errno != EEXIST) return ErrorOf("cannot create it", path, errno);
  out_fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  return out_fd >= 0 ? absl::OkStatus() : ErrorOf("cannot open it", path, errno);
}

absl::Status CheckSqliteVersion(int version_number, std::string_view version, bool is_threadsafe) {
  if (version_number < kVersionMin) {
    return absl::FailedPreconditionError(
        absl::StrCat("the SQLite library of this process is version ", version, ", at least ",
                     kVersionMinText, " is needed"));
  }
  if (!is_threadsafe) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the SQLite library of this process (version ", version,
        ") cannot be used from several threads: it was built with SQLITE_THREADSAFE=0 or "
        "configured with SQLITE_CONFIG_SINGLETHREAD"));
  }
  return absl::OkStatus();
}

absl::Status CheckSqliteLibrary() {
  return CheckSqliteVersion(sqlite3_libversion_number(), sqlite3_libversion(), IsThreadsafe());
}

}  // namespace convoy::storage
