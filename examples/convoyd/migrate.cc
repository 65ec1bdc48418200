// `convoyd migrate`: brings a database of an older version into the present form, with progress, so
// that the server that is started after it need not.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "convoy/gateway.h"
#include "examples/convoyd/commands.h"
#include "examples/convoyd/database.h"
#include "examples/convoyd/json_text.h"
#include "examples/convoyd/settings.h"

namespace convoyd {
namespace {

constexpr absl::Duration kProgressEvery = absl::Seconds(1);

constexpr std::string_view kHelp =
    "\nMoves every row of a database that an older version wrote into the tables of this one, in\n"
    "small transactions. It may be stopped at any time, also by a crash: the next start of it, or\n"
    "of the server, goes on from there. Stop servers of the older version first. `convoyd serve`\n"
    "does the same before it listens. Progress goes to standard error, the count of rows is one\n"
    "line of JSON: {\"rows\":N}, 0 if there was nothing to do.\n";

void Report(const convoy::MigrationProgress& progress) {
  std::fprintf(stderr, "convoyd migrate: %ju of %ju rows\n",
               static_cast<uintmax_t>(progress.rows_done),
               static_cast<uintmax_t>(progress.rows_count));
}

}  // namespace

int RunMigrate(std::span<char* const> words) {
  const std::vector<std::string> flags{"database", "config"};
  const auto loaded = LoadSettings(words, flags, environ);
  if (!loaded.ok()) return Fail("migrate", loaded.status(), kExitUsage);
  if (loaded->is_help_wanted) {
    Print(absl::StrCat("convoyd migrate: bring a database of an older version up to date\n\n",
                       SettingsHelp(flags), kHelp));
    return kExitDone;
  }
  const std::string& path = loaded->settings.database;
  if (IsPostgres(path)) {
    return Fail("migrate",
                absl::InvalidArgumentError("migrate is for SQLite files: tables in PostgreSQL are "
                                           "brought up to date when they are opened"),
                kExitUsage);
  }
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {  // opening would create it
    return Fail("migrate", absl::NotFoundError(absl::StrCat("there is no database ", path)),
                kExitFailed);
  }
  uint64_t rows_count = 0;
  absl::Time reported_at = absl::InfinitePast();
  const auto on_migration = [&](const convoy::MigrationProgress& progress) {
    rows_count = progress.rows_done;
    const absl::Time now = absl::Now();
    if (now - reported_at >= kProgressEvery || progress.rows_done == progress.rows_count) {
      reported_at = now;
      Report(progress);
    }
    return true;
  };
  const auto storage = convoy::OpenSqliteStorage(
      convoy::SqliteStorageOptions{.path = path, .on_migration = on_migration});
  if (!storage.ok()) return Fail("migrate", storage.status(), kExitFailed);
  Print(JsonLine().AddRaw("rows", absl::StrCat(rows_count)).Take());
  return kExitDone;
}

}  // namespace convoyd
