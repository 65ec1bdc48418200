// Rows of traffic; see rows.h.
#include "lib/storage/sqlite/rows.h"

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/model/codec.h"
#include "lib/storage/sqlite/row_keys.h"
#include "lib/storage/traffic_rows.h"

namespace convoy::storage {
namespace {

constexpr std::string_view kFindEvent =
    "SELECT key FROM event WHERE key BETWEEN ?1 AND ?1 + 63 AND key - key_shift = ?1 "
    "AND id_tail = ?2 AND project = ?3 LIMIT 1";
constexpr std::string_view kFindDelivery =
    "SELECT key, event, endpoint, status, lease FROM delivery WHERE key BETWEEN ?1 AND ?1 + 63 "
    "AND key - key_shift = ?1 AND id_tail = ?2 AND project = ?3 LIMIT 1";
constexpr std::string_view kFindAttempt =
    "SELECT key FROM attempt WHERE key BETWEEN ?1 AND ?1 + 63 AND key - key_shift = ?1 "
    "AND id_tail = ?2 AND delivery = ?3 LIMIT 1";
constexpr std::string_view kFindHeld =
    "SELECT key FROM held_input WHERE key BETWEEN ?1 AND ?1 + 63 AND key - key_shift = ?1 "
    "AND id_tail = ?2 AND project = ?3 LIMIT 1";

// Gives the ids of numbers.
auto NamesOf(Connection& connection) {
  return [&connection](int64_t number) { return NameOf(connection, number); };
}

absl::StatusOr<std::string> InternAll(Connection& connection, const std::vector<std::string>& ids) {
  std::vector<int64_t> numbers;
  numbers.reserve(ids.size());
  for (const std::string& id : ids) {
    CONVOY_ASSIGN_OR_RETURN(const int64_t number, InternName(connection, id));
    numbers.push_back(number);
  }
  return EncodeNumbers(numbers);
}

}  // namespace

absl::StatusOr<int64_t> InsertEventRow(Connection& connection, std::string_view id, int64_t owner,
                                       BindRow bind) {
  return InsertRow(
      connection, id, owner,
      "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", kFindEvent,
      bind);
}

absl::StatusOr<int64_t> InsertDeliveryRow(Connection& connection, std::string_view id,
                                          int64_t owner, BindRow bind) {
  return InsertRow(connection, id, owner,
                   "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                   "?, ?, ?, ?)",
                   kFindDelivery, bind);
}

absl::StatusOr<int64_t> InsertAttemptRow(Connection& connection, std::string_view id, int64_t owner,
                                         BindRow bind) {
  return InsertRow(connection, id, owner,
                   "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   kFindAttempt, bind);
}

absl::StatusOr<int64_t> InsertHeldRow(Connection& connection, std::string_view id, int64_t owner,
                                      BindRow bind) {
  return InsertRow(connection, id, owner,
                   "INSERT INTO held_input VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   kFindHeld, bind);
}

absl::StatusOr<EventRow> InsertEvent(Connection& connection, const Event& event) {
  EventRow row;
  CONVOY_ASSIGN_OR_RETURN(row.project, InternName(connection, event.project_id));
  CONVOY_ASSIGN_OR_RETURN(const int64_t source, InternName(connection, event.source_id));
  CONVOY_ASSIGN_OR_RETURN(const std::string endpoints, InternAll(connection, event.endpoint_ids));
  const std::string headers = model::EncodeHeaders(event.headers);
  const auto bind = [&](Statement& statement) {
    statement.Int(row.project)
        .Int(source)
        .Int(event.is_duplicate)
        .Int(static_cast<int64_t>(event.status))
        .Int(base::ToMicros(event.created_at))
        .Int(base::ToMicros(event.acknowledged_at))
        .Text(event.event_type)
        .Text(event.idempotency_key)
        .Text(event.failure_reason)
        .Blob(endpoints)
        .Text(event.content_type)
        .Text(event.url_query)
        .Text(event.url_path)
        .Text(headers)
        .Blob(event.body);
  };
  CONVOY_ASSIGN_OR_RETURN(row.key, InsertEventRow(connection, event.id, row.project, bind));
  return row;
}

absl::StatusOr<DeliveryRow> InsertDelivery(Connection& connection, const Delivery& delivery,
                                           const EventRow& event) {
  DeliveryRow row{.event = event.key, .project = event.project, .status = delivery.status};
  CONVOY_ASSIGN_OR_RETURN(row.endpoint, InternName(connection, delivery.endpoint_id));
  CONVOY_ASSIGN_OR_RETURN(const int64_t subscription,
                          InternName(connection, delivery.subscription_id));
  const auto bind = [&](Statement& statement) {
    statement.Int(event.key)
        .Int(event.project)
        .Int(row.endpoint)
        .Int(subscription)
        .Int(static_cast<int64_t>(delivery.status))
        .Int(static_cast<int64_t>(delivery.mode))
        .Int(static_cast<int64_t>(delivery.retry.strategy))
        .Int(absl::ToInt64Microseconds(delivery.retry.interval))
        .Int(delivery.retry.attempts_max)
        .Int(delivery.attempts_count)
        .Int(base::ToMicros(delivery.due_at))
        .Text(delivery.description)
        .Int(absl::ToInt64Microseconds(delivery.latency))
        .Int(base::ToMicros(delivery.created_at))
        .Int(base::ToMicros(delivery.updated_at))
        .Int(0)
        .Int(base::ToMicros(delivery.due_at));
  };
  CONVOY_ASSIGN_OR_RETURN(row.key, InsertDeliveryRow(connection, delivery.id, event.project, bind));
  return row;
}

absl::Status InsertAttempt(Connection& connection, const Attempt& attempt, int64_t delivery) {
  const std::string request_headers = model::EncodeHeaders(attempt.request_headers);
  const std::string response_headers = model::EncodeHeaders(attempt.response_headers);
  const std::string timings = EncodeTimings(attempt);
  const auto bind = [&](Statement& statement) {
    statement.Int(delivery)
        .Int(attempt.http_status)
        .Int(attempt.is_success)
        .Int(base::ToMicros(attempt.requested_at))
        .Int(base::ToMicros(attempt.responded_at))
        .Text(attempt.url)
        .Text(attempt.method)
        .Text(attempt.remote_ip)
        .Text(attempt.error)
        .Text(request_headers)
        .Text(response_headers)
        .Blob(attempt.response_body)
        .Blob(timings);
  };
  const absl::Status status = InsertAttemptRow(connection, attempt.id, delivery, bind).status();
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

absl::Status InsertHeld(Connection& connection, const HeldInput& input) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, InternName(connection, input.project_id));
  CONVOY_ASSIGN_OR_RETURN(const int64_t source, InternName(connection, input.source_id));
  const std::string headers = model::EncodeHeaders(input.headers);
  const auto bind = [&](Statement& statement) {
    statement.Int(project)
        .Int(source)
        .Int(static_cast<int64_t>(input.kind))
        .Int(base::ToMicros(input.received_at))
        .Int(base::ToMicros(input.expires_at))
        .Text(input.reason)
        .Text(input.detail)
        .Text(input.method)
        .Text(input.path)
        .Text(input.query)
        .Text(input.redelivery_id)
        .Text(headers)
        .Blob(input.body);
  };
  return InsertHeldRow(connection, input.id, project, bind).status();
}

absl::StatusOr<std::optional<EventRow>> FindEvent(Connection& connection,
                                                  std::string_view project_id,
                                                  std::string_view id) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return std::nullopt;
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, project_id));
  Statement row = connection.Prepare(kFindEvent);
  const bool has_row = BindId(row, *parts, project).Next();
  CONVOY_RETURN_IF_ERROR(row.status());
  if (!has_row) return std::nullopt;
  return EventRow{.key = row.IntAt(0), .project = project};
}

absl::StatusOr<std::optional<DeliveryRow>> FindDelivery(Connection& connection,
                                                        std::string_view project_id,
                                                        std::string_view id) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return std::nullopt;
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, project_id));
  Statement row = connection.Prepare(kFindDelivery);
  const bool has_row = BindId(row, *parts, project).Next();
  CONVOY_RETURN_IF_ERROR(row.status());
  if (!has_row) return std::nullopt;
  return DeliveryRow{.key = row.IntAt(0),
                     .event = row.IntAt(1),
                     .project = project,
                     .endpoint = row.IntAt(2),
                     .status = static_cast<DeliveryStatus>(row.IntAt(3)),
                     .lease = static_cast<uint64_t>(row.IntAt(4))};
}

absl::StatusOr<Event> ReadEvent(Connection& connection, const Statement& row,
                                std::string_view project_id) {
  return ReadEventRow(row, project_id, NamesOf(connection));
}

absl::StatusOr<EventHead> ReadEventHead(Connection& connection, int64_t event) {
  Statement row = connection.Prepare(
      "SELECT key, key_shift, id_tail, event_type, idempotency_key FROM event WHERE key = ?");
  if (!row.Int(event).Next()) {
    CONVOY_RETURN_IF_ERROR(row.status());
    return absl::DataLossError("a delivery without its event");
  }
  return EventHead{
      .id = IdAt(row, 0), .event_type = TextIn(row, 3), .idempotency_key = TextIn(row, 4)};
}

int64_t EventOf(const Statement& row) { return row.IntAt(3); }

absl::StatusOr<Delivery> ReadDelivery(Connection& connection, const Statement& row,
                                      std::string_view project_id, const EventHead& event) {
  CONVOY_ASSIGN_OR_RETURN(Delivery delivery, ReadDeliveryRow(row, project_id, NamesOf(connection)));
  delivery.event_id = event.id;
  delivery.event_type = event.event_type;
  delivery.idempotency_key = event.idempotency_key;
  return delivery;
}

absl::StatusOr<Attempt> ReadAttempt(const Statement& row, const AttemptOwner& owner) {
  return ReadAttemptRow(row, owner);
}

absl::StatusOr<HeldInput> ReadHeld(Connection& connection, const Statement& row,
                                   std::string_view project_id) {
  return ReadHeldRow(row, project_id, NamesOf(connection));
}

}  // namespace convoy::storage
