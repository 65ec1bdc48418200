// `convoyd copy`: moves everything into another database, from an SQLite file to PostgreSQL or
// back.
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "examples/convoyd/arguments.h"
#include "examples/convoyd/commands.h"
#include "examples/convoyd/database.h"
#include "examples/convoyd/json_text.h"
#ifdef CONVOYD_POSTGRES
#include "convoy/copy.h"
#endif

namespace convoyd {

#ifdef CONVOYD_POSTGRES
namespace {

constexpr absl::Duration kProgressEvery = absl::Seconds(1);

constexpr std::string_view kHelp =
    "convoyd copy: move everything into another database\n"
    "\n"
    "  --from DATABASE   the path of an SQLite file, or postgres://…\n"
    "  --to DATABASE     the same; created if it is missing, and empty\n"
    "\n"
    "Stop every process that uses one of them first: the command refuses to run beside one, and\n"
    "none can be started meanwhile. In the end every row is compared. The command may be stopped\n"
    "at any time, also by a crash: with the same words it goes on from there, and until it is\n"
    "done no server starts on the copy. The original stays as it is. Progress goes to standard\n"
    "error, the counts are one line of JSON.\n";

struct Sides {
  bool is_help_wanted = false;
  std::string from;
  std::string to;
};

absl::StatusOr<Sides> ReadSides(std::span<char* const> words) {
  const std::vector<std::string> flags{"from", "to"};
  const auto list = ReadArguments(words, flags);
  if (!list.ok()) return list.status();
  Sides sides{.is_help_wanted = list->is_help_wanted};
  for (const Argument& argument : list->arguments) {
    (argument.flag == "from" ? sides.from : sides.to) = argument.value;
  }
  if (sides.is_help_wanted) return sides;
  for (const auto& [flag, value] :
       {std::pair("--from", &sides.from), std::pair("--to", &sides.to)}) {
    if (value->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(flag, " is missing: the path of an SQLite file, or postgres://…"));
    }
    const absl::Status status = CheckDatabase(*value);
    if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(flag, ": ", status.message()));
  }
  return sides;
}

convoy::CopySide SideOf(const std::string& database) {
  convoy::CopySide side;
  (IsPostgres(database) ? side.dsn : side.path) = database;
  return side;
}

void Report(const convoy::CopyProgress& progress) {
  std::fprintf(stderr, "convoyd copy: %s %.*s: %ju of %ju rows\n",
               progress.is_comparing ? "comparing" : "copying",
               static_cast<int>(progress.table.size()), progress.table.data(),
               static_cast<uintmax_t>(progress.rows_done),
               static_cast<uintmax_t>(progress.rows_count));
}

}  // namespace

int RunCopy(std::span<char* const> words) {
  const auto sides = ReadSides(words);
  if (!sides.ok()) return Fail("copy", sides.status(), kExitUsage);
  if (sides->is_help_wanted) {
    Print(kHelp);
    return kExitDone;
  }
  absl::Time reported_at = absl::InfinitePast();
  const auto on_progress = [&](const convoy::CopyProgress& progress) {
    const absl::Time now = absl::Now();
    if (now - reported_at >= kProgressEvery) {
      reported_at = now;
      Report(progress);
    }
    return true;
  };
  const auto counts = convoy::CopyStore(
      {.from = SideOf(sides->from), .to = SideOf(sides->to), .on_progress = on_progress});
  if (!counts.ok()) return Fail("copy", counts.status(), kExitFailed);
  Print(JsonLine()
            .AddRaw("events", absl::StrCat(counts->events))
            .AddRaw("deliveries", absl::StrCat(counts->deliveries))
            .AddRaw("attempts", absl::StrCat(counts->attempts))
            .AddRaw("rows", absl::StrCat(counts->rows))
            .Take());
  return kExitDone;
}

#else

int RunCopy(std::span<char* const>) {
  return Fail("copy",
              absl::UnimplementedError("this convoyd is built without PostgreSQL, the other kind "
                                       "of database to copy to"),
              kExitUsage);
}

#endif

}  // namespace convoyd
