// Outboxes: an SQLite file, or PostgreSQL by a connection URI.
#include "examples/convoyd/outboxes.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/outbox.h"
#include "examples/convoyd/commands.h"
#include "examples/convoyd/database.h"

namespace convoyd {

absl::Status ApplyOutbox(Settings& settings, std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos) return absl::InvalidArgumentError("outbox must be NAME=WHERE");
  const std::string name(text.substr(0, equals));
  const std::string_view where = text.substr(equals + 1);
  if (const absl::Status status = convoy::CheckOutboxName(name); !status.ok()) return status;
  if (!CheckDatabase(where).ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("outbox ", name, " must be the path of an SQLite file",
                     CheckDatabase("postgres://").ok() ? " or postgres://…" : ""));
  }
  if (!settings.outboxes.emplace(name, where).second) {
    return absl::InvalidArgumentError(absl::StrCat("outbox ", name, " is given twice"));
  }
  return absl::OkStatus();
}

std::shared_ptr<convoy::Broker> NewOutboxes(const Settings& settings) {
  std::map<std::string, std::shared_ptr<convoy::Broker>> outboxes;
  for (const auto& [name, where] : settings.outboxes) {
#ifdef CONVOYD_POSTGRES
    if (IsPostgres(where)) {
      outboxes[name] = convoy::NewPostgresOutbox(
          {.dsn = where, .should_create = settings.should_create_outboxes});
      continue;
    }
#endif
    outboxes[name] =
        convoy::NewSqliteOutbox({.path = where, .should_create = settings.should_create_outboxes});
  }
  return convoy::NewOutboxBroker(std::move(outboxes));
}

int RunOutbox(std::span<char* const> words) {
  constexpr std::string_view kHelp =
      "convoyd outbox sqlite|postgres: print the SQL that makes the table of an outbox, to be run\n"
      "once by the host's migrations (docs/outbox.md)\n";
  const std::string_view kind = words.size() == 1 ? words[0] : "";
  if (kind == "sqlite") {
    Print(convoy::SqliteOutboxSql());
    return kExitDone;
  }
#ifdef CONVOYD_POSTGRES
  if (kind == "postgres") {
    Print(convoy::PostgresOutboxSql());
    return kExitDone;
  }
#endif
  if (kind == "--help" || kind == "-h") {
    Print(kHelp);
    return kExitDone;
  }
  return Fail("outbox",
              absl::InvalidArgumentError("must be followed by sqlite, or by postgres where that "
                                         "is built in"),
              kExitUsage);
}

}  // namespace convoyd
