// Intake of the PostgreSQL store beside bare libpq, on one server: groups of 64 events of 1 KiB
// with 100 bytes of headers, a delivery and a dedupe key each, one group after the other. Bare
// libpq writes the lean rows (lean_store.h), once with a statement for each row in one pipeline,
// and once with a statement for each table that takes arrays. All commit synchronously. The three
// take turns every thousand events, so that what else the machine does slows all of them, and all
// of their time counts.
//
//   benchmark_postgres DSN [EVENTS]
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
#include "convoy/postgres.h"
#include "convoy/ulid.h"
#include "lib/storage/postgres/connection.h"

namespace benchmarks {
namespace {

using convoy::storage::postgres::Columns;
using convoy::storage::postgres::Connection;
using convoy::storage::postgres::ConnectionOptions;
using convoy::storage::postgres::Params;

constexpr int64_t kGroup = 64;
constexpr int64_t kTurn = 16 * kGroup;  // events
constexpr int64_t kEndpoints = 16;
// 2026, so that numbers have their usual width.
constexpr int64_t kEpochUs = 1'777'629'600'000'000;
constexpr int64_t kEpochKey = (kEpochUs / 1000) << 21;

constexpr const char* kLeanSchema = R"sql(
DROP SCHEMA IF EXISTS lean CASCADE; CREATE SCHEMA lean; SET search_path TO lean;
CREATE TABLE event (
  key int8 PRIMARY KEY, id_tail int8 NOT NULL, project int8 NOT NULL, source int8 NOT NULL,
  created_at_us int8 NOT NULL, headers bytea NOT NULL, body bytea NOT NULL
);
CREATE TABLE delivery (
  key int8 PRIMARY KEY, id_tail int8 NOT NULL, event int8 NOT NULL, project int8 NOT NULL,
  endpoint int8 NOT NULL, status int8 NOT NULL, attempts_count int8 NOT NULL,
  due_at_us int8 NOT NULL, latency_us int8 NOT NULL, created_at_us int8 NOT NULL,
  updated_at_us int8 NOT NULL, lease int8 NOT NULL
);
CREATE INDEX delivery_by_event ON delivery (event);
CREATE INDEX delivery_by_project ON delivery (project);
CREATE INDEX delivery_by_due ON delivery (endpoint, due_at_us) WHERE status < 3;
CREATE TABLE dedupe_key (hash bytea PRIMARY KEY, expires_at_us int8 NOT NULL);
CREATE TABLE attempt (
  key int8 PRIMARY KEY, id_tail int8 NOT NULL, delivery int8 NOT NULL, http_status int8 NOT NULL,
  requested_at_us int8 NOT NULL, responded_at_us int8 NOT NULL, request_headers bytea NOT NULL,
  response_headers bytea NOT NULL
);
CREATE INDEX attempt_by_delivery ON attempt (delivery);
)sql";

constexpr std::string_view kOutcomeRows =
    "UPDATE delivery AS d SET status = w.status, attempts_count = 1, latency_us = w.latency_us, "
    "updated_at_us = w.updated_at_us FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[]) "
    "AS w(key, status, latency_us, updated_at_us) WHERE d.key = w.key";
constexpr std::string_view kAttemptRows =
    "INSERT INTO attempt SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], "
    "$5::int8[], $6::int8[], $7::bytea[], $8::bytea[])";
constexpr std::string_view kEventRow =
    "INSERT INTO event VALUES ($1::int8, $2::int8, $3::int8, $4::int8, $5::int8, $6::bytea, "
    "$7::bytea)";
constexpr std::string_view kDeliveryRow =
    "INSERT INTO delivery VALUES ($1::int8, $2::int8, $3::int8, $4::int8, $5::int8, $6::int8, "
    "$7::int8, $8::int8, $9::int8, $10::int8, $11::int8, $12::int8)";
constexpr std::string_view kKeyRow =
    "INSERT INTO dedupe_key VALUES ($1::bytea, $2::int8) ON CONFLICT DO NOTHING";
constexpr std::string_view kEventRows =
    "INSERT INTO event SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], "
    "$5::int8[], $6::bytea[], $7::bytea[])";
constexpr std::string_view kDeliveryRows =
    "INSERT INTO delivery SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], "
    "$5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::int8[], "
    "$12::int8[])";
constexpr std::string_view kKeyRows =
    "INSERT INTO dedupe_key SELECT * FROM unnest($1::bytea[], $2::int8[]) ON CONFLICT DO NOTHING";

// The bits of `number`, mixed (splitmix64), as an identifier would have them.
uint64_t Mix(uint64_t number) {
  number += 0x9E3779B97F4A7C15;
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
  return number ^ (number >> 31);
}

int64_t TailOf(int64_t key) { return static_cast<int64_t>(Mix(static_cast<uint64_t>(key)) >> 5); }

std::string HashOf(int64_t number) {
  const uint64_t halves[] = {Mix(static_cast<uint64_t>(number)),
                             Mix(static_cast<uint64_t>(~number))};
  return std::string(reinterpret_cast<const char*>(halves), sizeof(halves));
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Die(value.status().ToString());
  return *std::move(value);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

const std::string& Headers() {
  static const std::string* const kHeaders = new std::string(100, 'h');
  return *kHeaders;
}

// Of a request, or of an answer.
const std::string& AttemptHeaders() {
  static const std::string* const kHeaders = new std::string(200, 'h');
  return *kHeaders;
}

// Bare libpq.
class Lean {
 public:
  explicit Lean(const std::string& dsn)
      : body_(BodyOf1KiB()), connection_(Must(Connection::Open({.dsn = dsn, .schema = "lean"}))) {
    Must(connection_->Execute(kLeanSchema));
  }

  void WriteRows(int64_t first) {
    connection_->Queue("BEGIN");
    for (int64_t number = first; number < first + kGroup; ++number) {
      const int64_t key = kEpochKey + number;
      const int64_t now_us = kEpochUs + number;
      Params event;
      event.Int(key).Int(TailOf(key)).Int(1).Int(2).Int(now_us).Bytes(Headers()).Bytes(body_);
      connection_->Queue(kEventRow, event);
      Params delivery;
      delivery.Int(key).Int(TailOf(key + 1)).Int(key).Int(1).Int(number % kEndpoints).Int(0);
      delivery.Int(0).Int(now_us).Int(0).Int(now_us).Int(now_us).Int(0);
      connection_->Queue(kDeliveryRow, delivery);
      connection_->Queue(kKeyRow, Params().Bytes(HashOf(number)).Int(now_us));
    }
    Must(connection_->Run("COMMIT").status());
  }

  void WriteArrays(int64_t first) {
    Columns events, deliveries, keys;
    const int64_t zero = 0;
    for (int64_t number = first; number < first + kGroup; ++number) {
      const int64_t key = kEpochKey + number;
      const int64_t now_us = kEpochUs + number;
      const std::string hash = HashOf(number);
      events.AddRow({key, TailOf(key), int64_t{1}, int64_t{2}, now_us, std::string_view(Headers()),
                     std::string_view(body_)});
      deliveries.AddRow({key, TailOf(key + 1), key, int64_t{1}, number % kEndpoints, zero, zero,
                         now_us, zero, now_us, now_us, zero});
      keys.AddRow({std::string_view(hash), now_us});
    }
    connection_->Queue("BEGIN");
    connection_->Queue(kEventRows, Params().All(events));
    connection_->Queue(kDeliveryRows, Params().All(deliveries));
    connection_->Queue(kKeyRows, Params().All(keys));
    Must(connection_->Run("COMMIT").status());
  }

  // Outcomes of the deliveries of a group that WriteArrays has written.
  void WriteOutcomes(int64_t first) {
    Columns updates, attempts;
    const int64_t success = 3, http_status = 200, latency_us = 1000;
    for (int64_t number = first; number < first + kGroup; ++number) {
      const int64_t key = kEpochKey + number;
      const int64_t now_us = kEpochUs + number;
      updates.AddRow({key, success, latency_us, now_us});
      attempts.AddRow({key, TailOf(key + 2), key, http_status, now_us, now_us + latency_us,
                       std::string_view(AttemptHeaders()), std::string_view(AttemptHeaders())});
    }
    connection_->Queue("BEGIN");
    connection_->Queue(kOutcomeRows, Params().All(updates));
    connection_->Queue(kAttemptRows, Params().All(attempts));
    Must(connection_->Run("COMMIT").status());
  }

 private:
  const std::string body_;
  const std::unique_ptr<Connection> connection_;
};

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
    event.headers = {{"x", Headers()}};
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

void Run(const std::string& dsn, int64_t count) {
  Ours ours(dsn);
  const auto connection = Must(Connection::Open({.dsn = dsn, .schema = "ours"}));
  Lean lean(dsn);
  Contender store{[&](int64_t first) { ours.Write(first); }};
  Contender delivery{[&](int64_t first) { ours.Record(ours.Claim(first + kGroup)); }};
  Contender rows{[&](int64_t first) { lean.WriteRows(first); }};
  Contender arrays{[&](int64_t first) { lean.WriteArrays(first); }};
  Contender outcomes{[&](int64_t first) { lean.WriteOutcomes(first); }};
  const int64_t turns = std::max<int64_t>(count / kTurn, 1);
  for (int64_t turn = 0; turn < turns; ++turn) {
    const int64_t second = (2 * turn + 1) * kTurn;
    store.TakeTurn(*connection, turn * kTurn);
    rows.TakeTurn(*connection, 2 * turn * kTurn);
    arrays.TakeTurn(*connection, second);
    delivery.TakeTurn(*connection, turn * kTurn);
    outcomes.TakeTurn(*connection, second);
  }
  const auto total = static_cast<double>(turns * kTurn);
  std::string json;
  const auto add = [&](std::string_view name, double seconds, int64_t wal_bytes) {
    absl::StrAppend(&json, json.empty() ? "{" : ", ", "\"", name,
                    "\": {\"per_s\": ", total / seconds,
                    ", \"wal_bytes\": ", static_cast<double>(wal_bytes) / total, "}");
  };
  add("store", store.seconds, store.wal_bytes);
  add("bare_rows", rows.seconds, rows.wal_bytes);
  add("bare_arrays", arrays.seconds, arrays.wal_bytes);
  add("store_whole", store.seconds + delivery.seconds, store.wal_bytes + delivery.wal_bytes);
  add("bare_whole", arrays.seconds + outcomes.seconds, arrays.wal_bytes + outcomes.wal_bytes);
  std::puts((json + "}").c_str());
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
  if (argc < 2) benchmarks::Die("usage: benchmark_postgres DSN [EVENTS [FIRST | slices COUNT]]");
  if (argc > 4) {
    benchmarks::RunOnSlices(argv[1], std::atoll(argv[2]), std::atoi(argv[4]));
    return 0;
  }
  if (argc > 3) {
    benchmarks::RunOneOfMany(argv[1], std::atoll(argv[2]), std::atoll(argv[3]));
    return 0;
  }
  benchmarks::Run(argv[1], argc > 2 ? std::atoll(argv[2]) : 20'000);
  return 0;
}
