// `convoyd prune`: removes what is old and has ended, also beside a running server: in small
// transactions, and for as long as one took the store is left to others.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
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

constexpr absl::Duration kProgressEvery = absl::Seconds(2);

constexpr std::string_view kHelp =
    "\nRemoves events that came in longer ago than --older-than, with their deliveries and\n"
    "attempts, and idempotency keys that have expired, from a database that exists. An event with\n"
    "a delivery that is still to be made stays. A server may run on the database meanwhile, and\n"
    "the command may be stopped at any time. Progress goes to standard error, the counts are one\n"
    "line of JSON. The file keeps its size, and what was freed in it is used again.\n"
    "`convoyd serve --retention-ms` does the same all the time.\n";

absl::StatusOr<absl::Duration> AgeIn(const LoadedSettings& loaded) {
  if (loaded.others.empty()) {
    return absl::InvalidArgumentError("say what is old, e.g. --older-than 30d");
  }
  return ParseDuration("--older-than", loaded.others.back().value);
}

// Opening would create it.
absl::Status CheckExists(const std::string& path) {
  if (IsPostgres(path)) return absl::OkStatus();
  std::error_code error;
  if (std::filesystem::exists(path, error)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("there is no database ", path));
}

void Add(const convoy::Pruned& piece, convoy::Pruned& sum) {
  sum.events_count += piece.events_count;
  sum.deliveries_count += piece.deliveries_count;
  sum.attempts_count += piece.attempts_count;
  sum.keys_count += piece.keys_count;
}

absl::StatusOr<convoy::Pruned> PruneAll(convoy::Storage& storage, absl::Duration age) {
  const absl::Time start = absl::Now();
  convoy::PruneRequest request{.events_before = start - age,
                               .keys_expired_by = start - convoy::kExpiredKeyGrace};
  convoy::Pruned sum;
  absl::Time reported_at = start;
  while (true) {
    const absl::Time begin = absl::Now();
    const auto piece = storage.Prune(request);
    if (!piece.ok()) return piece.status();
    Add(*piece, sum);
    if (!piece->may_have_more) return sum;
    request.after_event_id = piece->last_event_id;
    const absl::Time end = absl::Now();
    if (end - reported_at >= kProgressEvery) {
      reported_at = end;
      std::fprintf(stderr, "convoyd prune: %ju events so far\n",
                   static_cast<uintmax_t>(sum.events_count));
    }
    absl::SleepFor(end - begin);
  }
}

}  // namespace

int RunPrune(std::span<char* const> words) {
  const std::vector<std::string> flags{"database", "config", "older-than"};
  const auto loaded = LoadSettings(words, flags, environ);
  if (!loaded.ok()) return Fail("prune", loaded.status(), kExitUsage);
  if (loaded->is_help_wanted) {
    Print(absl::StrCat("convoyd prune: remove old events that have been dealt with\n\n",
                       "  --older-than AGE                 90s, 15m, 12h or 30d; needed\n",
                       SettingsHelp(flags), kHelp));
    return kExitDone;
  }
  const auto age = AgeIn(*loaded);
  if (!age.ok()) return Fail("prune", age.status(), kExitUsage);
  const std::string& path = loaded->settings.database;
  if (const absl::Status status = CheckExists(path); !status.ok()) {
    return Fail("prune", status, kExitFailed);
  }
  const auto storage = OpenDatabase(path);
  if (!storage.ok()) return Fail("prune", storage.status(), kExitFailed);
  const auto pruned = PruneAll(**storage, *age);
  if (!pruned.ok()) return Fail("prune", pruned.status(), kExitFailed);
  Print(JsonLine()
            .AddRaw("events", absl::StrCat(pruned->events_count))
            .AddRaw("deliveries", absl::StrCat(pruned->deliveries_count))
            .AddRaw("attempts", absl::StrCat(pruned->attempts_count))
            .AddRaw("dedupe_keys", absl::StrCat(pruned->keys_count))
            .Take());
  return kExitDone;
}

}  // namespace convoyd
