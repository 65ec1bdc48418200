// Wrote version1.db, version2.db and version3.db, linked with the library as it was released with
// schema version 3 (see README.md). Not part of the build: the files stay as they are.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sqlite3.h>

#include "convoy/gateway.h"
#include "tests/unit/storage/released_content.h"

namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

void RunSql(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  Require(sqlite3_open(path.c_str(), &db) == SQLITE_OK, "open");
  Require(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sql);
  Require(sqlite3_close(db) == SQLITE_OK, "close");
}

void Make(const std::string& path, int version) {
  {
    auto storage = convoy::OpenSqliteStorage(path).value();
    Require(convoy::testing::FillConfiguration(*storage), "configuration");
    Require(convoy::testing::FillEvents(*storage), "events");
    Require(convoy::testing::FillAttempts(*storage), "attempts");
    if (version >= 2) Require(convoy::testing::FillHeld(*storage), "held inputs");
  }
  // The later versions added this, and nothing else: it is taken away again.
  if (version <= 2) RunSql(path, "DROP INDEX dedupe_key_by_expiry; PRAGMA user_version = 2");
  if (version == 1) {
    RunSql(path, "DROP TABLE held_input; DROP INDEX source_by_broker; PRAGMA user_version = 1");
  }
  RunSql(path, "VACUUM; PRAGMA journal_mode = DELETE");
}

}  // namespace

int main() {
  for (int version = 1; version <= 3; ++version) {
    Make("version" + std::to_string(version) + ".db", version);
  }
}
