// Lean rows in PostgreSQL; see lean_postgres.h.
#include "benchmarks/lean_postgres.h"

#include <string_view>

namespace benchmarks {
namespace {

using convoy::storage::postgres::Columns;
using convoy::storage::postgres::Connection;
using convoy::storage::postgres::Params;

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

}  // namespace

int64_t TailOf(int64_t key) { return static_cast<int64_t>(Mix(static_cast<uint64_t>(key)) >> 5); }

std::string HashOf(int64_t number) {
  const uint64_t halves[] = {Mix(static_cast<uint64_t>(number)),
                             Mix(static_cast<uint64_t>(~number))};
  return std::string(reinterpret_cast<const char*>(halves), sizeof(halves));
}

const std::string& EventHeaders() {
  static const std::string* const kHeaders = new std::string(100, 'h');
  return *kHeaders;
}

const std::string& AttemptHeaders() {
  static const std::string* const kHeaders = new std::string(200, 'h');
  return *kHeaders;
}

LeanPostgres::LeanPostgres(const std::string& dsn)
    : body_(BodyOf1KiB()), connection_(Must(Connection::Open({.dsn = dsn, .schema = "lean"}))) {}

void LeanPostgres::CreateTables() { Must(connection_->Execute(kLeanSchema)); }

void LeanPostgres::WriteRows(int64_t first) {
  connection_->Queue("BEGIN");
  for (int64_t number = first; number < first + kGroup; ++number) {
    const int64_t key = kEpochKey + number;
    const int64_t now_us = kEpochUs + number;
    Params event;
    event.Int(key).Int(TailOf(key)).Int(1).Int(2).Int(now_us).Bytes(EventHeaders()).Bytes(body_);
    connection_->Queue(kEventRow, event);
    Params delivery;
    delivery.Int(key).Int(TailOf(key + 1)).Int(key).Int(1).Int(number % kEndpoints).Int(0);
    delivery.Int(0).Int(now_us).Int(0).Int(now_us).Int(now_us).Int(0);
    connection_->Queue(kDeliveryRow, delivery);
    connection_->Queue(kKeyRow, Params().Bytes(HashOf(number)).Int(now_us));
  }
  Must(connection_->Run("COMMIT").status());
}

void LeanPostgres::WriteArrays(int64_t first) {
  Columns events, deliveries, keys;
  const int64_t zero = 0;
  for (int64_t number = first; number < first + kGroup; ++number) {
    const int64_t key = kEpochKey + number;
    const int64_t now_us = kEpochUs + number;
    const std::string hash = HashOf(number);
    events.AddRow({key, TailOf(key), int64_t{1}, int64_t{2}, now_us,
                   std::string_view(EventHeaders()), std::string_view(body_)});
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

void LeanPostgres::WriteOutcomes(int64_t first) {
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

}  // namespace benchmarks
