// What flows, as rows: the column lists and the code that binds and reads them, side by side.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

inline constexpr std::string_view kEventColumns =
    "id, project_id, source_id, event_type, endpoint_ids, headers, body, content_type, url_query, "
    "url_path, idempotency_key, is_duplicate, status, failure_reason, created_at_us, "
    "acknowledged_at_us";
inline constexpr std::string_view kDeliveryColumns =
    "id, project_id, event_id, endpoint_id, subscription_id, event_type, idempotency_key, status, "
    "mode, strategy, interval_us, attempts_max, attempts_count, due_at_us, description, "
    "latency_us, created_at_us, updated_at_us";
inline constexpr std::string_view kAttemptColumns =
    "id, project_id, delivery_id, endpoint_id, url, method, request_headers, http_status, "
    "response_headers, response_body, remote_ip, error, is_success, requested_at_us, "
    "responded_at_us";
inline constexpr std::string_view kHeldColumns =
    "id, project_id, source_id, kind, reason, detail, method, path, query, headers, body, "
    "position, received_at_us, expires_at_us";

absl::Status InsertEvent(Connection& connection, const Event& event);
// Unclaimed; wakes when it is due.
absl::Status InsertDelivery(Connection& connection, const Delivery& delivery);
absl::Status InsertAttempt(Connection& connection, const Attempt& attempt);
absl::Status InsertHeld(Connection& connection, const HeldInput& input);

// The current row, whose columns are the ones above.
absl::StatusOr<Event> ReadEvent(const Statement& row);
Delivery ReadDelivery(const Statement& row);
absl::StatusOr<Attempt> ReadAttempt(const Statement& row);
absl::StatusOr<HeldInput> ReadHeld(const Statement& row);

}  // namespace convoy::storage
