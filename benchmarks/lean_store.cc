// Values are made beforehand, so the timed part is binding, stepping and committing.
#include "benchmarks/lean_store.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>

#include "absl/strings/str_cat.h"

#include "benchmarks/common.h"

namespace benchmarks {
namespace {

constexpr const char* kSchema = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4096;
PRAGMA cache_size = -16384;
CREATE TABLE event (
  key INTEGER PRIMARY KEY, id_tail INTEGER NOT NULL, project INTEGER NOT NULL,
  source INTEGER NOT NULL, created_at_us INTEGER NOT NULL, headers TEXT NOT NULL,
  body BLOB NOT NULL
);
CREATE TABLE delivery (
  key INTEGER PRIMARY KEY, id_tail INTEGER NOT NULL, event INTEGER NOT NULL,
  project INTEGER NOT NULL, endpoint INTEGER NOT NULL, status INTEGER NOT NULL,
  attempts_count INTEGER NOT NULL, due_at_us INTEGER NOT NULL, latency_us INTEGER NOT NULL,
  created_at_us INTEGER NOT NULL, updated_at_us INTEGER NOT NULL, lease INTEGER NOT NULL
);
CREATE INDEX delivery_by_event ON delivery (event);
CREATE INDEX delivery_by_project ON delivery (project);
CREATE INDEX delivery_by_due ON delivery (endpoint, due_at_us) WHERE status < 3;
CREATE TABLE dedupe_key (hash BLOB PRIMARY KEY, expires_at_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE attempt (
  key INTEGER PRIMARY KEY, id_tail INTEGER NOT NULL, delivery INTEGER NOT NULL,
  http_status INTEGER NOT NULL, requested_at_us INTEGER NOT NULL, responded_at_us INTEGER NOT NULL,
  url TEXT NOT NULL, request_headers TEXT NOT NULL, response_headers TEXT NOT NULL,
  response_body BLOB NOT NULL
);
CREATE INDEX attempt_by_delivery ON attempt (delivery);
)sql";

// 2026, so that numbers have their usual width.
constexpr int64_t kEpochUs = 1'777'629'600'000'000;
constexpr int64_t kEpochKey = (kEpochUs / 1000) << 21;

// The bits of `number`, mixed (splitmix64), as an identifier would have them.
uint64_t Mix(uint64_t number) {
  number += 0x9E3779B97F4A7C15;
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
  return number ^ (number >> 31);
}

int64_t TailOf(int64_t key) { return static_cast<int64_t>(Mix(static_cast<uint64_t>(key)) >> 5); }

void Bind(sqlite3_stmt* statement, int column, int64_t value) {
  sqlite3_bind_int64(statement, column, value);
}
void Bind(sqlite3_stmt* statement, int column, const std::string& value) {
  sqlite3_bind_blob64(statement, column, value.data(), value.size(), SQLITE_STATIC);
}

template <typename... Values>
void BindAll(sqlite3_stmt* statement, const Values&... values) {
  int column = 0;
  (Bind(statement, ++column, values), ...);
}

}  // namespace

LeanStore::LeanStore(const std::string& path)
    : body_(BodyOf1KiB()),
      headers_(std::string(100, 'h')),
      request_headers_(std::string(193, 'q')),
      response_headers_(std::string(24, 'r')) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  sqlite3* db = nullptr;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) Die(absl::StrCat("cannot open ", path));
  db_.reset(db);
  Execute(kSchema);
  insert_event_ = Prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert_delivery_ = Prepare("INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert_key_ = Prepare("INSERT INTO dedupe_key VALUES (?, ?) ON CONFLICT DO NOTHING");
  update_delivery_ = Prepare(
      "UPDATE delivery SET status = ?, attempts_count = ?, latency_us = ?, updated_at_us = ?, "
      "lease = 0 WHERE key = ?");
  insert_attempt_ = Prepare("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
}

void LeanStore::Execute(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    Die(absl::StrCat(sql, ": ", sqlite3_errmsg(db_.get())));
  }
}

LeanStore::Statement LeanStore::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) {
    Die(absl::StrCat(sql, ": ", sqlite3_errmsg(db_.get())));
  }
  return Statement(statement);
}

void LeanStore::Run(const Statement& statement) {
  if (sqlite3_step(statement.get()) != SQLITE_DONE) Die(sqlite3_errmsg(db_.get()));
  sqlite3_reset(statement.get());
}

void LeanStore::InsertEvent(int64_t number) {
  const int64_t key = kEpochKey + number;
  const int64_t now_us = kEpochUs + number;
  BindAll(insert_event_.get(), key, TailOf(key), int64_t{1}, int64_t{2}, now_us, headers_, body_);
  Run(insert_event_);
  BindAll(insert_delivery_.get(), key, TailOf(key + 1), key, int64_t{1}, number % 16, int64_t{0},
          int64_t{0}, now_us, int64_t{0}, now_us, now_us, int64_t{0});
  Run(insert_delivery_);
  const std::array<uint64_t, 2> hash = {Mix(static_cast<uint64_t>(number)),
                                        Mix(static_cast<uint64_t>(~number))};
  sqlite3_bind_blob(insert_key_.get(), 1, hash.data(), sizeof(hash), SQLITE_STATIC);
  Bind(insert_key_.get(), 2, now_us);
  Run(insert_key_);
}

double LeanStore::InsertEvents(int64_t count, int64_t batch) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t first = 0; first < count; first += batch) {
    Execute("BEGIN IMMEDIATE");
    for (int64_t i = first; i < std::min(first + batch, count); ++i) InsertEvent(i);
    Execute("COMMIT");
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count();
}

// Texts of the sizes that the gateway records of the same requests and answers.
void LeanStore::RecordOutcomes(int64_t first, int64_t count) {
  static const std::string url = "http://127.0.0.1:12345/e1";
  static const std::string response_body;
  Execute("BEGIN IMMEDIATE");
  for (int64_t number = first; number < first + count; ++number) {
    const int64_t key = kEpochKey + number;
    const int64_t now_us = kEpochUs + number;
    BindAll(update_delivery_.get(), int64_t{3}, int64_t{1}, int64_t{12'345}, now_us, key);
    Run(update_delivery_);
    BindAll(insert_attempt_.get(), key, TailOf(key + 2), key, int64_t{200}, now_us, now_us + 1, url,
            request_headers_, response_headers_, response_body);
    Run(insert_attempt_);
  }
  Execute("COMMIT");
}

}  // namespace benchmarks
