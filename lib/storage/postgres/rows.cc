// Rows of traffic; see rows.h.
#include "lib/storage/postgres/rows.h"

#include <vector>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/model/codec.h"
#include "lib/storage/postgres/names.h"

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

std::string Text(const Row& row, int column) { return std::string(row.TextAt(column)); }

absl::Time Time(const Row& row, int column) { return base::FromMicros(row.IntAt(column)); }

absl::StatusOr<std::vector<std::string>> NamesIn(Connection& connection, std::string_view bytes) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, DecodeNumbers(bytes));
  std::vector<std::string> ids;
  ids.reserve(numbers.size());
  for (const int64_t number : numbers) {
    CONVOY_ASSIGN_OR_RETURN(std::string id, NameOf(connection, number));
    ids.push_back(std::move(id));
  }
  return ids;
}

std::string EncodeTimings(const Attempt& attempt) {
  if (attempt.elapsed == absl::ZeroDuration()) return "";
  std::vector<int64_t> numbers;
  for (const absl::Duration duration :
       {attempt.elapsed, attempt.phases.name_lookup, attempt.phases.connect, attempt.phases.tls,
        attempt.phases.first_byte}) {
    numbers.push_back(absl::ToInt64Microseconds(duration));
  }
  return EncodeNumbers(numbers);
}

absl::Status DecodeTimings(std::string_view bytes, Attempt* attempt) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, DecodeNumbers(bytes));
  if (numbers.empty()) return absl::OkStatus();
  if (numbers.size() < 5) return absl::DataLossError("the timings of an attempt are damaged");
  attempt->elapsed = absl::Microseconds(numbers[0]);
  attempt->phases = {.name_lookup = absl::Microseconds(numbers[1]),
                     .connect = absl::Microseconds(numbers[2]),
                     .tls = absl::Microseconds(numbers[3]),
                     .first_byte = absl::Microseconds(numbers[4])};
  return absl::OkStatus();
}

std::string_view View(const std::string& text) { return text; }

}  // namespace

void AddEvent(RowPieces& rows, const RowKey& at, const Event& event, int64_t project,
              int64_t source, std::string_view endpoints) {
  const std::string headers = model::EncodeHeaders(event.headers);
  rows.AddRow({at.key, at.shift, at.tail, project, source, int64_t{event.is_duplicate},
               static_cast<int64_t>(event.status), base::ToMicros(event.created_at),
               base::ToMicros(event.acknowledged_at), View(event.event_type),
               View(event.idempotency_key), View(event.failure_reason), endpoints,
               View(event.content_type), View(event.url_query), View(event.url_path), View(headers),
               View(event.body)});
}

void AddDelivery(RowPieces& rows, const RowKey& at, const Delivery& delivery, int64_t event,
                 int64_t project, int64_t endpoint, int64_t subscription) {
  const int64_t due_at_us = base::ToMicros(delivery.due_at);
  rows.AddRow({at.key,
               at.shift,
               at.tail,
               event,
               project,
               endpoint,
               subscription,
               static_cast<int64_t>(delivery.status),
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
               int64_t{0},
               due_at_us});
}

void AddAttempt(RowPieces& rows, const RowKey& at, const Attempt& attempt, int64_t delivery) {
  const std::string request_headers = model::EncodeHeaders(attempt.request_headers);
  const std::string response_headers = model::EncodeHeaders(attempt.response_headers);
  const std::string timings = EncodeTimings(attempt);
  rows.AddRow({at.key, at.shift, at.tail, delivery, int64_t{attempt.http_status},
               int64_t{attempt.is_success}, base::ToMicros(attempt.requested_at),
               base::ToMicros(attempt.responded_at), View(attempt.url), View(attempt.method),
               View(attempt.remote_ip), View(attempt.error), View(request_headers),
               View(response_headers), View(attempt.response_body), View(timings)});
}

void AddHeld(Columns& columns, const RowKey& at, const HeldInput& input, int64_t project,
             int64_t source) {
  const std::string headers = model::EncodeHeaders(input.headers);
  columns.AddRow({at.key, at.shift, at.tail, project, source, static_cast<int64_t>(input.kind),
                  base::ToMicros(input.received_at), base::ToMicros(input.expires_at),
                  View(input.reason), View(input.detail), View(input.method), View(input.path),
                  View(input.query), View(input.position), View(headers), View(input.body)});
}

std::string IdAt(const Row& row, int column) {
  return JoinUlid(
      {.key = row.IntAt(column) - row.IntAt(column + 1), .tail = row.IntAt(column + 2)});
}

absl::StatusOr<Event> ReadEvent(Connection& connection, const Row& row,
                                std::string_view project_id) {
  Event event;
  event.id = IdAt(row, 0);
  event.project_id = project_id;
  CONVOY_ASSIGN_OR_RETURN(event.source_id, NameOf(connection, row.IntAt(3)));
  event.event_type = Text(row, 4);
  CONVOY_ASSIGN_OR_RETURN(event.endpoint_ids, NamesIn(connection, row.TextAt(5)));
  CONVOY_ASSIGN_OR_RETURN(event.headers, model::DecodeHeaders(row.TextAt(6)));
  event.body = Text(row, 7);
  event.content_type = Text(row, 8);
  event.url_query = Text(row, 9);
  event.url_path = Text(row, 10);
  event.idempotency_key = Text(row, 11);
  event.is_duplicate = row.IntAt(12) != 0;
  event.status = static_cast<EventStatus>(row.IntAt(13));
  event.failure_reason = Text(row, 14);
  event.created_at = Time(row, 15);
  event.acknowledged_at = Time(row, 16);
  return event;
}

absl::StatusOr<Delivery> ReadDelivery(Connection& connection, const Row& row,
                                      std::string_view project_id) {
  Delivery delivery;
  delivery.id = IdAt(row, 0);
  delivery.project_id = project_id;
  CONVOY_ASSIGN_OR_RETURN(delivery.endpoint_id, NameOf(connection, row.IntAt(4)));
  CONVOY_ASSIGN_OR_RETURN(delivery.subscription_id, NameOf(connection, row.IntAt(5)));
  delivery.status = static_cast<DeliveryStatus>(row.IntAt(6));
  delivery.mode = static_cast<DeliveryMode>(row.IntAt(7));
  delivery.retry.strategy = static_cast<RetryStrategy>(row.IntAt(8));
  delivery.retry.interval = absl::Microseconds(row.IntAt(9));
  delivery.retry.attempts_max = static_cast<uint32_t>(row.IntAt(10));
  delivery.attempts_count = static_cast<uint32_t>(row.IntAt(11));
  delivery.due_at = Time(row, 12);
  delivery.description = Text(row, 13);
  delivery.latency = absl::Microseconds(row.IntAt(14));
  delivery.created_at = Time(row, 15);
  delivery.updated_at = Time(row, 16);
  delivery.event_id = IdAt(row, 17);
  delivery.event_type = Text(row, 20);
  delivery.idempotency_key = Text(row, 21);
  return delivery;
}

absl::StatusOr<Attempt> ReadAttempt(const Row& row, const AttemptOwner& owner) {
  Attempt attempt;
  attempt.id = IdAt(row, 0);
  attempt.project_id = owner.project_id;
  attempt.delivery_id = owner.delivery_id;
  attempt.endpoint_id = owner.endpoint_id;
  attempt.url = Text(row, 3);
  attempt.method = Text(row, 4);
  CONVOY_ASSIGN_OR_RETURN(attempt.request_headers, model::DecodeHeaders(row.TextAt(5)));
  attempt.http_status = static_cast<int>(row.IntAt(6));
  CONVOY_ASSIGN_OR_RETURN(attempt.response_headers, model::DecodeHeaders(row.TextAt(7)));
  attempt.response_body = Text(row, 8);
  attempt.remote_ip = Text(row, 9);
  attempt.error = Text(row, 10);
  attempt.is_success = row.IntAt(11) != 0;
  attempt.requested_at = Time(row, 12);
  attempt.responded_at = Time(row, 13);
  CONVOY_RETURN_IF_ERROR(DecodeTimings(row.TextAt(14), &attempt));
  return attempt;
}

absl::StatusOr<HeldInput> ReadHeld(Connection& connection, const Row& row,
                                   std::string_view project_id) {
  HeldInput input;
  input.id = IdAt(row, 0);
  input.project_id = project_id;
  CONVOY_ASSIGN_OR_RETURN(input.source_id, NameOf(connection, row.IntAt(3)));
  input.kind = static_cast<HeldKind>(row.IntAt(4));
  input.reason = Text(row, 5);
  input.detail = Text(row, 6);
  input.method = Text(row, 7);
  input.path = Text(row, 8);
  input.query = Text(row, 9);
  CONVOY_ASSIGN_OR_RETURN(input.headers, model::DecodeHeaders(row.TextAt(10)));
  input.body = Text(row, 11);
  input.position = Text(row, 12);
  input.received_at = Time(row, 13);
  input.expires_at = Time(row, 14);
  return input;
}

}  // namespace convoy::storage::postgres
