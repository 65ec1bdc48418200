// Files of a database: their modes, the length of the log, and the check of the SQLite library.
#include "lib/storage/sqlite/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/opener_locks.h"
#include "lib/storage/sqlite/process_guard.h"
#include "lib/storage/sqlite/sqlite_storage.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;

mode_t ModeOf(const std::string& path) {
  struct stat status = {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

TEST_CASE("database_file: all files of a new database are for their owner alone") {
  for (const mode_t mask : {0000, 0022, 0277}) {
    INFO("umask " << mask);
    TemporaryFile file;
    const mode_t before = umask(mask);
    auto storage = OpenSqliteStorage(file.path());
    umask(before);
    REQUIRE(storage.ok());
    REQUIRE(Put(**storage, "", 0, {MakeProject(1)}).status.ok());
    for (const char* suffix : {"", "-wal", "-shm"}) {
      CHECK(ModeOf(file.path() + suffix) == 0600);
    }
  }
}

TEST_CASE("database_file: an existing database keeps its mode, and its side files have it, too") {
  TemporaryFile file;
  REQUIRE(OpenSqliteStorage(file.path()).ok());
  REQUIRE(chmod(file.path().c_str(), 0640) == 0);
  auto storage = OpenSqliteStorage(file.path()).value();
  for (const char* suffix : {"", "-wal", "-shm"}) CHECK(ModeOf(file.path() + suffix) == 0640);
}

TEST_CASE("database_file: a link to a file that does not exist yet is followed") {
  TemporaryFile target, link;
  std::filesystem::create_symlink(target.path(), link.path());
  auto storage = OpenSqliteStorage(link.path());
  REQUIRE(storage.ok());
  CHECK(ModeOf(target.path()) == 0600);
}

TEST_CASE("database_file: a SQLite that is too old or has no mutexes is refused with the reason") {
  CHECK(CheckSqliteLibrary().ok());
  const absl::Status old = CheckSqliteVersion(3034001, "3.34.1", true);
  CHECK(absl::IsFailedPrecondition(old));
  CHECK(old.message().find("3.34.1, at least 3.35.0") != std::string::npos);
  const absl::Status single = CheckSqliteVersion(3040001, "3.40.1", false);
  CHECK(absl::IsFailedPrecondition(single));
  CHECK(single.message().find("several threads") != std::string::npos);
}

TEST_CASE("database_file: the log is short again after a reader that pinned it has gone") {
  TemporaryFile file;
  auto storage = OpenSqliteStorage(file.path()).value();
  const std::string log = file.path() + "-wal";
  const auto write = [&](int number) {
    Event event = MakeEvent(Id('P', 1), number);
    event.body = std::string(12 << 20, 'x');
    REQUIRE(Submit(*storage, event, {}).status.ok());
  };
  auto reader = Connection::Open({.path = file.path(), .is_read_only = true}).value();
  REQUIRE(reader->Execute("BEGIN").ok());
  REQUIRE(reader->QueryInt("SELECT count(*) FROM event").ok());
  for (int number = 1; number <= 5; ++number) write(number);
  CHECK(std::filesystem::file_size(log) > 60'000'000);
  REQUIRE(storage->Prune({}).ok());  // there is time, but the reader is there, too
  CHECK(std::filesystem::file_size(log) > 60'000'000);

  REQUIRE(reader->Execute("COMMIT").ok());
  SECTION("at once when there is time") {
    REQUIRE(storage->Prune({}).ok());
    CHECK(std::filesystem::file_size(log) == 0);
  }
  SECTION("with the writes that follow") {
    for (int number = 6; number <= 8; ++number) write(number);
    CHECK(std::filesystem::file_size(log) <= 33 << 20);
  }
  CHECK(storage->GetEvent(Id('P', 1), MakeEvent(Id('P', 1), 1).id).ok());
}

TEST_CASE("process_guard: a private SQLite refuses a file that something else here has open") {
  TemporaryFile file;
  REQUIRE(CreateDatabaseFile(file.path()).ok());
  const int descriptor = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(descriptor >= 0);
  const auto refused = ProcessGuard::Enter(file.path(), true);
  CHECK(refused.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(refused.status().message().find("SQLite") != std::string::npos);
  CHECK(ProcessGuard::Enter(file.path(), false).ok());  // the system's: the process has it once
  close(descriptor);

  auto first = ProcessGuard::Enter(file.path(), true);
  REQUIRE(first.ok());
  const int ours = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);  // as its connections do
  auto second = ProcessGuard::Enter(file.path(), true);
  CHECK(second.ok());
  // The system's SQLite, in this process: another copy.
  CHECK(ProcessGuard::Enter(file.path(), false).status().code() ==
        absl::StatusCode::kFailedPrecondition);
  const pid_t child = fork();
  if (child == 0) {  // another process is no danger
    const auto theirs = ProcessGuard::Enter(file.path(), false);
    _exit(theirs.ok() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  first->reset();
  CHECK_FALSE(ProcessGuard::Enter(file.path(), false).ok());
  close(ours);
  second->reset();
  CHECK(ProcessGuard::Enter(file.path(), false).ok());
  CHECK(ProcessGuard::Enter(file.path(), true).ok());
  CHECK(ProcessGuard::Enter(file.path() + "-missing", true).ok());  // opening it says why
}

TEST_CASE("opener_locks: a lock ends with its holder, in one process and in another") {
  TemporaryFile file;
  REQUIRE(CreateDatabaseFile(file.path()).ok());
  auto first = OpenerLocks::Open(file.path()).value();
  auto second = OpenerLocks::Open(file.path()).value();
  CHECK(ModeOf(file.path() + "-openers") == 0600);
  CHECK(first->TryLock(7).value());
  CHECK_FALSE(second->TryLock(7).value());
  CHECK(second->IsHeldByOther(7));
  CHECK_FALSE(second->IsHeldByOther(6));
  CHECK_FALSE(second->IsHeldByOther(8));
  CHECK_FALSE(first->IsHeldByOther(7));                     // its own
  { auto third = OpenerLocks::Open(file.path()).value(); }  // closing lets go of nothing else
  CHECK(second->IsHeldByOther(7));
  first.reset();
  CHECK_FALSE(second->IsHeldByOther(7));

  const pid_t child = fork();
  if (child == 0) {
    auto theirs = OpenerLocks::Open(file.path());
    const bool is_held = theirs.ok() && (*theirs)->TryLock(8).value_or(false);
    kill(getpid(), is_held ? SIGSTOP : SIGKILL);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, WUNTRACED) == child);
  REQUIRE(WIFSTOPPED(status));
  CHECK(second->IsHeldByOther(8));  // stopped is not dead
  kill(child, SIGKILL);
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_FALSE(second->IsHeldByOther(8));
}

}  // namespace
}  // namespace convoy::storage
