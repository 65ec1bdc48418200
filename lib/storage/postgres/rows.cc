// Rows of traffic; see rows.h.
#include "lib/storage/postgres/rows.h"

#include <vector>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/model/codec.h"
#include "lib/storage/postgres/names.h"
#include "lib/storage/traffic_rows.h"

namespace convoy::storage::postgres {

const char* const kInsertEvents =
    "INSERT INTO event (key, key_shift, id_tail, project, source, is_duplicate, status, "
    "created_at_us, acknowledged_at_us, event_type, idempotency_key, failure_reason, endpoints, "
    "content_type, url_query, url_path, headers, body) SELECT * FROM unnest($1::int8[], "
    "$2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], "
    "$9::int8[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[], "
    "$15::bytea[], $16::bytea[], $17::bytea[], $18::bytea[])";
const char* const kInsertDeliveries =
    "INSERT INTO delivery (key, key_shift, id_tail, event, project, endpoint, subscription, "
    "status, mode, strategy, interval_us, attempts_max, attempts_count, due_at_us, description, "
    "latency_us, created_at_us, updated_at_us, lease, wake_at_us) SELECT * FROM "
    "unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], "
    "$8::int8[], $9::int8[], $10::int8[], $11::int8[], $12::int8[], $13::int8[], $14::int8[], "
    "$15::bytea[], $16::int8[], $17::int8[], $18::int8[], $19::int8[], $20::int8[])";
const char* const kInsertAttempts =
    "INSERT INTO attempt (key, key_shift, id_tail, delivery, http_status, is_success, "
    "requested_at_us, responded_at_us, url, method, remote_ip, error, request_headers, "
    "response_headers, response_body, timings) SELECT * FROM unnest($1::int8[], $2::int8[], "
    "$3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::bytea[], "
    "$10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[], "
    "$16::bytea[])";
const char* const kInsertHeld =
    "INSERT INTO held_input (key, key_shift, id_tail, project, source, kind, received_at_us, "
    "expires_at_us, reason, detail, method, path, query, position, headers, body) SELECT * FROM "
    "unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], "
    "$8::int8[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], "
    "$14::bytea[], $15::bytea[], $16::bytea[])";

namespace {

// Gives the ids of numbers.
auto NamesOf(Connection& connection) {
  return [&connection](int64_t number) { return NameOf(connection, number); };
}

std::string_view View(const std::string& text) { return text; }

}  // namespace

void AddEventRow(RowPieces& rows, const RowKey& at, const Event& event, int64_t project,
                 int64_t source, std::string_view endpoints) {
  const std::string headers = model::EncodeHeaders(event.headers);
  rows.AddRow({at.key, at.shift, at.tail, project, source, int64_t{event.is_duplicate},
               static_cast<int64_t>(event.status), base::ToMicros(event.created_at),
               base::ToMicros(event.acknowledged_at), View(event.event_type),
               View(event.idempotency_key), View(event.failure_reason), endpoints,
               View(event.content_type), View(event.url_query), View(event.url_path), View(headers),
               View(event.body)});
}

void AddDeliveryRow(RowPieces& rows, const RowKey& at, const Delivery& delivery,
                    const DeliveryNumbers& numbers, const ClaimMark& claim) {
  const int64_t due_at_us = base::ToMicros(delivery.due_at);
  const bool is_claimed = claim.lease != 0;
  rows.AddRow({at.key,
               at.shift,
               at.tail,
               numbers.event,
               numbers.project,
               numbers.endpoint,
               numbers.subscription,
               static_cast<int64_t>(is_claimed ? DeliveryStatus::kProcessing : delivery.status),
               static_cast<int64_t>(delivery.mode),
               static_cast<int64_t>(delivery.retry.strategy),
               absl::ToInt64Microseconds(delivery.retry.interval),
               int64_t{delivery.retry.attempts_max},
               int64_t{delivery.attempts_count},
               due_at_us,
               View(delivery.description),
               absl::ToInt64Microseconds(delivery.latency),
               base::ToMicros(delivery.created_at),
               base::ToMicros(delivery.updated_at),
               static_cast<int64_t>(claim.lease),
               is_claimed ? base::ToMicros(claim.lease_ends_at) : due_at_us});
}

void AddAttemptRow(RowPieces& rows, const RowKey& at, const Attempt& attempt, int64_t delivery) {
  const std::string request_headers = model::EncodeHeaders(attempt.request_headers);
  const std::string response_headers = model::EncodeHeaders(attempt.response_headers);
  const std::string timings = EncodeTimings(attempt);
  rows.AddRow({at.key, at.shift, at.tail, delivery, int64_t{attempt.http_status},
               int64_t{attempt.is_success}, base::ToMicros(attempt.requested_at),
               base::ToMicros(attempt.responded_at), View(attempt.url), View(attempt.method),
               View(attempt.remote_ip), View(attempt.error), View(request_headers),
               View(response_headers), View(attempt.response_body), View(timings)});
}

void AddHeldRow(Columns& columns, const RowKey& at, const HeldInput& input, int64_t project,
                int64_t source) {
  const std::string headers = model::EncodeHeaders(input.headers);
  columns.AddRow({at.key, at.shift, at.tail, project, source, static_cast<int64_t>(input.kind),
                  base::ToMicros(input.received_at), base::ToMicros(input.expires_at),
                  View(input.reason), View(input.detail), View(input.method), View(input.path),
                  View(input.query), View(input.redelivery_id), View(headers), View(input.body)});
}

std::string IdAt(const Row& row, int column) { return IdIn(row, column); }

absl::StatusOr<Event> ReadEvent(Connection& connection, const Row& row,
                                std::string_view project_id) {
  return ReadEventRow(row, project_id, NamesOf(connection));
}

absl::StatusOr<Delivery> ReadDelivery(Connection& connection, const Row& row,
                                      std::string_view project_id) {
  CONVOY_ASSIGN_OR_RETURN(Delivery delivery, ReadDeliveryRow(row, project_id, NamesOf(connection)));
  delivery.event_id = IdAt(row, 17);
  delivery.event_type = TextIn(row, 20);
  delivery.idempotency_key = TextIn(row, 21);
  return delivery;
}

absl::StatusOr<Attempt> ReadAttempt(const Row& row, const AttemptOwner& owner) {
  return ReadAttemptRow(row, owner);
}

absl::StatusOr<HeldInput> ReadHeld(Connection& connection, const Row& row,
                                   std::string_view project_id) {
  return ReadHeldRow(row, project_id, NamesOf(connection));
}

}  // namespace convoy::storage::postgres
