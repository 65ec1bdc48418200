// Intake of the PostgreSQL store beside bare libpq, on one server: groups of 64 events of 1 KiB
// with 100 bytes of headers, a delivery and a dedupe key each, one group after the other. Bare
// libpq writes the lean rows (lean_postgres.h), once with a statement for each row in one pipeline,
// and once with a statement for each table that takes arrays. All commit synchronously. The three
// take turns every thousand events, so that what else the machine does slows all of them, and all
// of their time counts.
//
//   benchmark_postgres DSN [EVENTS]
//   benchmark_postgres DSN EVENTS bare
//       bare libpq alone: the yardstick beside what other processes do
//   benchmark_postgres DSN EVENTS FIRST
//       the store alone, from the event of that number on: one of several processes, which waits
//       for a line before it starts
//   benchmark_postgres DSN EVENTS slices COUNT
//       the store alone, whose tables have so many partitions before that of the events: the events
//       are accepted, claimed, and recorded as delivered. The seconds of each.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "benchmarks/common.h"
#include "benchmarks/lean_postgres.h"
#include "convoy/postgres.h"
#include "convoy/ulid.h"
#include "lib/storage/postgres/connection.h"

namespace benchmarks {
namespace {

using convoy::storage::postgres::Connection;

constexpr int64_t kTurn = 16 * kGroup;  // events

// The store, as intake writes to it.
class Ours {
 public:
  explicit Ours(const std::string& dsn) : body_(BodyOf1KiB()) {
    storage_ = Must(convoy::OpenPostgresStorage({.dsn = dsn, .schema = "ours"}));
  }

  void Write(int64_t first) {
    std::vector<convoy::WriteBatch> batches(kGroup);
    std::vector<convoy::WriteBatch*> pointers;
    for (int64_t i = 0; i < kGroup; ++i) {
      batches[i].submissions.push_back(Make(first + i));
      pointers.push_back(&batches[i]);
    }
    std::vector<convoy::CommitResult> results(kGroup);
    Must(storage_->Commit(pointers, results));
  }

  // Claims a group of what has been written up to the event of that number.
  convoy::Claim Claim(int64_t last) {
    return Must(storage_->ClaimDue({.now = absl::FromUnixMicros(kEpochUs + last),
                                    .items_max = kGroup,
                                    .items_per_endpoint_max = kGroup}));
  }

  // Records that the deliveries have succeeded.
  void Record(const convoy::Claim& claim) {
    convoy::WriteBatch batch;
    for (const convoy::ClaimedDelivery& claimed : claim.deliveries) {
      convoy::DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
      update.delivery.status = convoy::DeliveryStatus::kSuccess;
      const int64_t key = convoy::SplitUlid(claimed.delivery.id)->key;
      update.attempt =
          convoy::Attempt{.id = convoy::JoinUlid({.key = key, .tail = TailOf(key + 2)}),
                          .project_id = claimed.delivery.project_id,
                          .delivery_id = claimed.delivery.id,
                          .endpoint_id = claimed.delivery.endpoint_id,
                          .url = "http://127.0.0.1:12345/e1",
                          .request_headers = {{"x", AttemptHeaders()}},
                          .http_status = 200,
                          .response_headers = {{"x", AttemptHeaders()}},
                          .is_success = true,
                          .requested_at = claimed.delivery.created_at,
                          .responded_at = claimed.delivery.created_at + absl::Milliseconds(1)};
      batch.updates.push_back(std::move(update));
    }
    convoy::WriteBatch* const batches[] = {&batch};
    convoy::CommitResult results[1];
    Must(storage_->Commit(batches, results));
  }

 private:
  convoy::Submission Make(int64_t number) const {
    const int64_t key = kEpochKey + number;
    const absl::Time now = absl::FromUnixMicros(kEpochUs + number);
    convoy::Submission submission;
    convoy::Event& event = submission.event;
    event.id = convoy::JoinUlid({.key = key, .tail = TailOf(key)});
    event.project_id = "01J00000000000000000000001";
    event.source_id = "01J00000000000000000000002";
    event.endpoint_ids = {EndpointOf(number)};
    event.headers = {{"x", EventHeaders()}};
    event.body = body_;
    event.created_at = event.acknowledged_at = now;
    convoy::Delivery delivery;
    delivery.id = convoy::JoinUlid({.key = key, .tail = TailOf(key + 1)});
    delivery.project_id = event.project_id;
    delivery.event_id = event.id;
    delivery.endpoint_id = EndpointOf(number);
    delivery.due_at = delivery.created_at = delivery.updated_at = now;
    submission.deliveries.push_back(std::move(delivery));
    submission.dedupe = convoy::DedupeKey{
        .scope = event.project_id, .key = HashOf(number), .expires_at = now + absl::Hours(24)};
    return submission;
  }

  static std::string EndpointOf(int64_t number) {
    return absl::StrCat("01J0000000000000000000001", number % kEndpoints);
  }

  const std::string body_;
  std::unique_ptr<convoy::Storage> storage_;
};

int64_t WalBytes(Connection& connection) {
  return Must(connection.Run("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8"))
      .IntAt(0, 0);
}

// A writer of groups, and what its turns took so far.
struct Contender {
  std::function<void(int64_t first)> write;
  double seconds = 0;
  int64_t wal_bytes = 0;

  void TakeTurn(Connection& connection, int64_t first) {
    const int64_t wal_before = WalBytes(connection);
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < kTurn; i += kGroup) write(first + i);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    wal_bytes += WalBytes(connection) - wal_before;
  }
};

Contender Sum(const Contender& a, const Contender& b) {
  return {.seconds = a.seconds + b.seconds, .wal_bytes = a.wal_bytes + b.wal_bytes};
}

// The printed figures of several contenders: events a second, and bytes of WAL for each.
class Figures {
 public:
  explicit Figures(int64_t events) : events_(static_cast<double>(events)) {}

  void Add(std::string_view name, const Contender& contender) {
    absl::StrAppend(&json_, json_.empty() ? "{" : ", ", "\"", name,
                    "\": {\"per_s\": ", events_ / contender.seconds,
                    ", \"wal_bytes\": ", static_cast<double>(contender.wal_bytes) / events_, "}");
  }
  void Print() const { std::puts((json_ + "}").c_str()); }

 private:
  const double events_;
  std::string json_;
};

// Bare libpq with a statement for each row, for each table, and for each table with outcomes.
class Lean {
 public:
  explicit Lean(const std::string& dsn) : lean_(dsn) { lean_.CreateTables(); }

  void TakeTurn(Connection& connection, int64_t turn) {
    const int64_t second = (2 * turn + 1) * kTurn;
    rows_.TakeTurn(connection, 2 * turn * kTurn);
    arrays_.TakeTurn(connection, second);
    outcomes_.TakeTurn(connection, second);
  }

  void AddTo(Figures& figures) const {
    figures.Add("bare_rows", rows_);
    figures.Add("bare_arrays", arrays_);
    figures.Add("bare_whole", Sum(arrays_, outcomes_));
  }

 private:
  LeanPostgres lean_;
  Contender rows_{[this](int64_t first) { lean_.WriteRows(first); }};
  Contender arrays_{[this](int64_t first) { lean_.WriteArrays(first); }};
  Contender outcomes_{[this](int64_t first) { lean_.WriteOutcomes(first); }};
};

int64_t TurnsOf(int64_t count) { return std::max<int64_t>(count / kTurn, 1); }

void Run(const std::string& dsn, int64_t count) {
  Ours ours(dsn);
  const auto connection = Must(Connection::Open({.dsn = dsn, .schema = "ours"}));
  Lean lean(dsn);
  Contender store{[&](int64_t first) { ours.Write(first); }};
  Contender delivery{[&](int64_t first) { ours.Record(ours.Claim(first + kGroup)); }};
  const int64_t turns = TurnsOf(count);
  for (int64_t turn = 0; turn < turns; ++turn) {
    store.TakeTurn(*connection, turn * kTurn);
    lean.TakeTurn(*connection, turn);
    delivery.TakeTurn(*connection, turn * kTurn);
  }
  Figures figures(turns * kTurn);
  figures.Add("store", store);
  figures.Add("store_whole", Sum(store, delivery));
  lean.AddTo(figures);
  figures.Print();
}

void RunBare(const std::string& dsn, int64_t count) {
  Lean lean(dsn);
  const auto connection = Must(Connection::Open({.dsn = dsn, .schema = "lean"}));
  for (int64_t turn = 0; turn < TurnsOf(count); ++turn) lean.TakeTurn(*connection, turn);
  Figures figures(TurnsOf(count) * kTurn);
  lean.AddTo(figures);
  figures.Print();
}

// Cuts the empty partition of the past into so many, all of them before the events.
void Cut(const std::string& dsn, int slices) {
  const auto connection = Must(Connection::Open({.dsn = dsn, .schema = "ours"}));
  const auto bound = [&](int i) { return kEpochKey / (slices + 1) * (i + 1); };
  for (const char* table : {"event", "delivery", "attempt"}) {
    std::string sql = absl::StrCat("ALTER TABLE ", table, " DETACH PARTITION ", table, "_past;");
    for (int i = 0; i < slices; ++i) {
      absl::StrAppend(&sql, "CREATE TABLE ", table, "_cut", i, " PARTITION OF ", table,
                      " FOR VALUES FROM (", bound(i), ") TO (", bound(i + 1), ");");
    }
    absl::StrAppend(&sql, "DO $$ BEGIN EXECUTE 'ALTER TABLE ", table, " ATTACH PARTITION ", table,
                    "_past FOR VALUES FROM (", bound(slices),
                    ") TO (' || (SELECT end_key FROM slice) || ')'; END $$");
    Must(connection->Execute(sql));
  }
}

void RunOnSlices(const std::string& dsn, int64_t count, int slices) {
  Must(Must(Connection::Open({.dsn = dsn, .schema = "ours"}))
           ->Execute("DROP SCHEMA IF EXISTS ours CASCADE"));
  Ours ours(dsn);
  Cut(dsn, slices);
  const auto connection = Must(Connection::Open({.dsn = dsn, .schema = "ours"}));
  Contender intake{[&](int64_t first) { ours.Write(first); }};
  std::vector<convoy::Claim> claimed;
  Contender claims{[&](int64_t first) { claimed.push_back(ours.Claim(first + kGroup)); }};
  Contender outcomes{[&](int64_t) {
    ours.Record(claimed.back());
    claimed.pop_back();
  }};
  for (int64_t first = 0; first + kTurn <= count; first += kTurn) {
    intake.TakeTurn(*connection, first);
    claims.TakeTurn(*connection, first);
    outcomes.TakeTurn(*connection, first);
  }
  std::printf("{\"intake_s\": %.3f, \"claims_s\": %.3f, \"outcomes_s\": %.3f}\n", intake.seconds,
              claims.seconds, outcomes.seconds);
}

void RunOneOfMany(const std::string& dsn, int64_t count, int64_t first) {
  Ours ours(dsn);
  std::puts("ready");
  std::fflush(stdout);
  if (std::getchar() == EOF) Die("nothing to wait for");
  for (int64_t i = 0; i < count / kGroup * kGroup; i += kGroup) ours.Write(first + i);
  std::puts("done");
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  if (argc < 2) {
    benchmarks::Die("usage: benchmark_postgres DSN [EVENTS [bare | FIRST | slices COUNT]]");
  }
  if (argc > 4) {
    benchmarks::RunOnSlices(argv[1], std::atoll(argv[2]), std::atoi(argv[4]));
    return 0;
  }
  if (argc > 3 && std::string_view(argv[3]) == "bare") {
    benchmarks::RunBare(argv[1], std::atoll(argv[2]));
    return 0;
  }
  if (argc > 3) {
    benchmarks::RunOneOfMany(argv[1], std::atoll(argv[2]), std::atoll(argv[3]));
    return 0;
  }
  benchmarks::Run(argv[1], argc > 2 ? std::atoll(argv[2]) : 20'000);
  return 0;
}
