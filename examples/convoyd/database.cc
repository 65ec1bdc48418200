// The choice of a store; see database.h.
#include "examples/convoyd/database.h"

#include <utility>

#include "absl/strings/str_cat.h"
#ifdef CONVOYD_POSTGRES
#include "convoy/postgres.h"
#endif

namespace convoyd {

bool IsPostgres(std::string_view database) {
  return database.starts_with("postgres://") || database.starts_with("postgresql://");
}

absl::Status CheckDatabase(std::string_view database) {
#ifdef CONVOYD_POSTGRES
  if (IsPostgres(database)) return absl::OkStatus();
  constexpr std::string_view kAllowed =
      "database must be the path of an SQLite file or postgres://…";
#else
  if (IsPostgres(database)) {
    return absl::InvalidArgumentError(
        "this convoyd is built without PostgreSQL: database must be the path of an SQLite file");
  }
  constexpr std::string_view kAllowed = "database must be the path of an SQLite file";
#endif
  if (database.empty() || database.starts_with(":") ||
      database.find("://") != std::string_view::npos || database.starts_with("file:")) {
    return absl::InvalidArgumentError(kAllowed);
  }
  return absl::OkStatus();
}

std::string ShownDatabase(const std::string& database) {
  if (!IsPostgres(database)) return database;
  std::string shown = database.substr(0, database.find('?'));
  const size_t begin = shown.find("://") + 3;
  const size_t at = shown.rfind('@');
  const size_t colon = shown.find(':', begin);
  if (at != shown.npos && colon < at) shown.erase(colon, at - colon);
  return shown;
}

absl::StatusOr<std::unique_ptr<convoy::Storage>> OpenDatabase(
    const std::string& database, std::shared_ptr<convoy::Observer> observer) {
#ifdef CONVOYD_POSTGRES
  if (IsPostgres(database)) return convoy::OpenPostgresStorage({.dsn = database});
#endif
  return convoy::OpenSqliteStorage(
      convoy::SqliteStorageOptions{.path = database, .observer = std::move(observer)});
}

}  // namespace convoyd
