// Readers of the rows in which databases keep traffic: events, deliveries, attempts, held inputs.
// Every row begins with key, key_shift and id_tail (lib/storage/sqlite/row_keys.h); ids of
// configuration objects are numbers in it.
//
// A Row has TextAt(column) and IntAt(column). A NameOf gives the id of a number, or an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/model/codec.h"
#include "lib/storage/number_list.h"

namespace convoy::storage {

// Timings of an attempt as one value, empty if they are not known.
std::string EncodeTimings(const Attempt& attempt);
// kDataLoss for a value that is none.
absl::Status DecodeTimings(std::string_view bytes, Attempt* attempt);

// Fields of an attempt that are stored with its delivery only.
struct AttemptOwner {
  std::string project_id;
  std::string delivery_id;
  std::string endpoint_id;
};

template <typename Row>
std::string TextIn(const Row& row, int column) {
  return std::string(row.TextAt(column));
}

template <typename Row>
absl::Time TimeIn(const Row& row, int column) {
  return base::FromMicros(row.IntAt(column));
}

// The id of a row whose key, key_shift and id_tail stand from `column` on.
template <typename Row>
std::string IdIn(const Row& row, int column) {
  return JoinUlid(
      {.key = row.IntAt(column) - row.IntAt(column + 1), .tail = row.IntAt(column + 2)});
}

// The ids of a list of numbers (EncodeNumbers).
template <typename NameOf>
absl::StatusOr<std::vector<std::string>> NamesIn(std::string_view bytes, NameOf name_of) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, DecodeNumbers(bytes));
  std::vector<std::string> ids;
  ids.reserve(numbers.size());
  for (const int64_t number : numbers) {
    CONVOY_ASSIGN_OR_RETURN(std::string id, name_of(number));
    ids.push_back(std::move(id));
  }
  return ids;
}

template <typename Row, typename NameOf>
absl::StatusOr<Event> ReadEventRow(const Row& row, std::string_view project_id, NameOf name_of) {
  Event event;
  event.id = IdIn(row, 0);
  event.project_id = project_id;
  CONVOY_ASSIGN_OR_RETURN(event.source_id, name_of(row.IntAt(3)));
  event.event_type = TextIn(row, 4);
  CONVOY_ASSIGN_OR_RETURN(event.endpoint_ids, NamesIn(row.TextAt(5), name_of));
  CONVOY_ASSIGN_OR_RETURN(event.headers, model::DecodeHeaders(row.TextAt(6)));
  event.body = TextIn(row, 7);
  event.content_type = TextIn(row, 8);
  event.url_query = TextIn(row, 9);
  event.url_path = TextIn(row, 10);
  event.idempotency_key = TextIn(row, 11);
  event.is_duplicate = row.IntAt(12) != 0;
  event.status = static_cast<EventStatus>(row.IntAt(13));
  event.failure_reason = TextIn(row, 14);
  event.created_at = TimeIn(row, 15);
  event.acknowledged_at = TimeIn(row, 16);
  return event;
}

// All of the delivery but what it has of its event.
template <typename Row, typename NameOf>
absl::StatusOr<Delivery> ReadDeliveryRow(const Row& row, std::string_view project_id,
                                         NameOf name_of) {
  Delivery delivery;
  delivery.id = IdIn(row, 0);
  delivery.project_id = project_id;
  CONVOY_ASSIGN_OR_RETURN(delivery.endpoint_id, name_of(row.IntAt(4)));
  CONVOY_ASSIGN_OR_RETURN(delivery.subscription_id, name_of(row.IntAt(5)));
  delivery.status = static_cast<DeliveryStatus>(row.IntAt(6));
  delivery.mode = static_cast<DeliveryMode>(row.IntAt(7));
  delivery.retry.strategy = static_cast<RetryStrategy>(row.IntAt(8));
  delivery.retry.interval = absl::Microseconds(row.IntAt(9));
  delivery.retry.attempts_max = static_cast<uint32_t>(row.IntAt(10));
  delivery.attempts_count = static_cast<uint32_t>(row.IntAt(11));
  delivery.due_at = TimeIn(row, 12);
  delivery.description = TextIn(row, 13);
  delivery.latency = absl::Microseconds(row.IntAt(14));
  delivery.created_at = TimeIn(row, 15);
  delivery.updated_at = TimeIn(row, 16);
  return delivery;
}

template <typename Row>
absl::StatusOr<Attempt> ReadAttemptRow(const Row& row, const AttemptOwner& owner) {
  Attempt attempt;
  attempt.id = IdIn(row, 0);
  attempt.project_id = owner.project_id;
  attempt.delivery_id = owner.delivery_id;
  attempt.endpoint_id = owner.endpoint_id;
  attempt.url = TextIn(row, 3);
  attempt.method = TextIn(row, 4);
  CONVOY_ASSIGN_OR_RETURN(attempt.request_headers, model::DecodeHeaders(row.TextAt(5)));
  attempt.http_status = static_cast<int>(row.IntAt(6));
  CONVOY_ASSIGN_OR_RETURN(attempt.response_headers, model::DecodeHeaders(row.TextAt(7)));
  attempt.response_body = TextIn(row, 8);
  attempt.remote_ip = TextIn(row, 9);
  attempt.error = TextIn(row, 10);
  attempt.is_success = row.IntAt(11) != 0;
  attempt.requested_at = TimeIn(row, 12);
  attempt.responded_at = TimeIn(row, 13);
  CONVOY_RETURN_IF_ERROR(DecodeTimings(row.TextAt(14), &attempt));
  return attempt;
}

template <typename Row, typename NameOf>
absl::StatusOr<HeldInput> ReadHeldRow(const Row& row, std::string_view project_id, NameOf name_of) {
  HeldInput input;
  input.id = IdIn(row, 0);
  input.project_id = project_id;
  CONVOY_ASSIGN_OR_RETURN(input.source_id, name_of(row.IntAt(3)));
  input.kind = static_cast<HeldKind>(row.IntAt(4));
  input.reason = TextIn(row, 5);
  input.detail = TextIn(row, 6);
  input.method = TextIn(row, 7);
  input.path = TextIn(row, 8);
  input.query = TextIn(row, 9);
  CONVOY_ASSIGN_OR_RETURN(input.headers, model::DecodeHeaders(row.TextAt(10)));
  input.body = TextIn(row, 11);
  input.redelivery_id = TextIn(row, 12);
  input.received_at = TimeIn(row, 13);
  input.expires_at = TimeIn(row, 14);
  return input;
}

}  // namespace convoy::storage
