// Rows of traffic; see rows.h.
#include "lib/storage/sqlite/rows.h"

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/model/codec.h"

namespace convoy::storage {
namespace {

std::string Text(const Statement& row, int column) { return std::string(row.TextAt(column)); }

absl::Time Time(const Statement& row, int column) { return base::FromMicros(row.IntAt(column)); }

// Ids are ULIDs, which have no spaces.
std::vector<std::string> SplitIds(std::string_view text) {
  return absl::StrSplit(text, ' ', absl::SkipEmpty());
}

}  // namespace

absl::Status InsertEvent(Connection& connection, const Event& event) {
  const std::string endpoint_ids = absl::StrJoin(event.endpoint_ids, " ");
  const std::string headers = model::EncodeHeaders(event.headers);
  return connection
      .Prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Text(event.id)
      .Text(event.project_id)
      .Text(event.source_id)
      .Text(event.event_type)
      .Text(endpoint_ids)
      .Text(headers)
      .Blob(event.body)
      .Text(event.content_type)
      .Text(event.url_query)
      .Text(event.url_path)
      .Text(event.idempotency_key)
      .Int(event.is_duplicate)
      .Int(static_cast<int64_t>(event.status))
      .Text(event.failure_reason)
      .Int(base::ToMicros(event.created_at))
      .Int(base::ToMicros(event.acknowledged_at))
      .Run();
}

absl::StatusOr<Event> ReadEvent(const Statement& row) {
  Event event;
  event.id = Text(row, 0);
  event.project_id = Text(row, 1);
  event.source_id = Text(row, 2);
  event.event_type = Text(row, 3);
  event.endpoint_ids = SplitIds(row.TextAt(4));
  CONVOY_ASSIGN_OR_RETURN(event.headers, model::DecodeHeaders(row.TextAt(5)));
  event.body = Text(row, 6);
  event.content_type = Text(row, 7);
  event.url_query = Text(row, 8);
  event.url_path = Text(row, 9);
  event.idempotency_key = Text(row, 10);
  event.is_duplicate = row.IntAt(11) != 0;
  event.status = static_cast<EventStatus>(row.IntAt(12));
  event.failure_reason = Text(row, 13);
  event.created_at = Time(row, 14);
  event.acknowledged_at = Time(row, 15);
  return event;
}

absl::Status InsertDelivery(Connection& connection, const Delivery& delivery) {
  return connection
      .Prepare(
          "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, "
          "?)")
      .Text(delivery.id)
      .Text(delivery.project_id)
      .Text(delivery.event_id)
      .Text(delivery.endpoint_id)
      .Text(delivery.subscription_id)
      .Text(delivery.event_type)
      .Text(delivery.idempotency_key)
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
      .Int(base::ToMicros(delivery.due_at))
      .Run();
}

Delivery ReadDelivery(const Statement& row) {
  Delivery delivery;
  delivery.id = Text(row, 0);
  delivery.project_id = Text(row, 1);
  delivery.event_id = Text(row, 2);
  delivery.endpoint_id = Text(row, 3);
  delivery.subscription_id = Text(row, 4);
  delivery.event_type = Text(row, 5);
  delivery.idempotency_key = Text(row, 6);
  delivery.status = static_cast<DeliveryStatus>(row.IntAt(7));
  delivery.mode = static_cast<DeliveryMode>(row.IntAt(8));
  delivery.retry.strategy = static_cast<RetryStrategy>(row.IntAt(9));
  delivery.retry.interval = absl::Microseconds(row.IntAt(10));
  delivery.retry.attempts_max = static_cast<uint32_t>(row.IntAt(11));
  delivery.attempts_count = static_cast<uint32_t>(row.IntAt(12));
  delivery.due_at = Time(row, 13);
  delivery.description = Text(row, 14);
  delivery.latency = absl::Microseconds(row.IntAt(15));
  delivery.created_at = Time(row, 16);
  delivery.updated_at = Time(row, 17);
  return delivery;
}

absl::Status InsertAttempt(Connection& connection, const Attempt& attempt) {
  const std::string request_headers = model::EncodeHeaders(attempt.request_headers);
  const std::string response_headers = model::EncodeHeaders(attempt.response_headers);
  return connection
      .Prepare("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Text(attempt.id)
      .Text(attempt.project_id)
      .Text(attempt.delivery_id)
      .Text(attempt.endpoint_id)
      .Text(attempt.url)
      .Text(attempt.method)
      .Text(request_headers)
      .Int(attempt.http_status)
      .Text(response_headers)
      .Blob(attempt.response_body)
      .Text(attempt.remote_ip)
      .Text(attempt.error)
      .Int(attempt.is_success)
      .Int(base::ToMicros(attempt.requested_at))
      .Int(base::ToMicros(attempt.responded_at))
      .Run();
}

absl::StatusOr<Attempt> ReadAttempt(const Statement& row) {
  Attempt attempt;
  attempt.id = Text(row, 0);
  attempt.project_id = Text(row, 1);
  attempt.delivery_id = Text(row, 2);
  attempt.endpoint_id = Text(row, 3);
  attempt.url = Text(row, 4);
  attempt.method = Text(row, 5);
  CONVOY_ASSIGN_OR_RETURN(attempt.request_headers, model::DecodeHeaders(row.TextAt(6)));
  attempt.http_status = static_cast<int>(row.IntAt(7));
  CONVOY_ASSIGN_OR_RETURN(attempt.response_headers, model::DecodeHeaders(row.TextAt(8)));
  attempt.response_body = Text(row, 9);
  attempt.remote_ip = Text(row, 10);
  attempt.error = Text(row, 11);
  attempt.is_success = row.IntAt(12) != 0;
  attempt.requested_at = Time(row, 13);
  attempt.responded_at = Time(row, 14);
  return attempt;
}

absl::Status InsertHeld(Connection& connection, const HeldInput& input) {
  const std::string headers = model::EncodeHeaders(input.headers);
  return connection
      .Prepare("INSERT INTO held_input VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .Text(input.id)
      .Text(input.project_id)
      .Text(input.source_id)
      .Int(static_cast<int64_t>(input.kind))
      .Text(input.reason)
      .Text(input.detail)
      .Text(input.method)
      .Text(input.path)
      .Text(input.query)
      .Text(headers)
      .Blob(input.body)
      .Text(input.position)
      .Int(base::ToMicros(input.received_at))
      .Int(base::ToMicros(input.expires_at))
      .Run();
}

absl::StatusOr<HeldInput> ReadHeld(const Statement& row) {
  HeldInput input;
  input.id = Text(row, 0);
  input.project_id = Text(row, 1);
  input.source_id = Text(row, 2);
  input.kind = static_cast<HeldKind>(row.IntAt(3));
  input.reason = Text(row, 4);
  input.detail = Text(row, 5);
  input.method = Text(row, 6);
  input.path = Text(row, 7);
  input.query = Text(row, 8);
  CONVOY_ASSIGN_OR_RETURN(input.headers, model::DecodeHeaders(row.TextAt(9)));
  input.body = Text(row, 10);
  input.position = Text(row, 11);
  input.received_at = Time(row, 12);
  input.expires_at = Time(row, 13);
  return input;
}

}  // namespace convoy::storage
