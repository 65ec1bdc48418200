// Rows of traffic: the column lists and the code that binds and reads them, side by side.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "lib/storage/sqlite/connection.h"
#include "lib/storage/traffic_rows.h"

namespace convoy::storage {

inline constexpr std::string_view kEventColumns =
    "key, key_shift, id_tail, source, event_type, endpoints, headers, body, content_type, "
    "url_query, url_path, idempotency_key, is_duplicate, status, failure_reason, created_at_us, "
    "acknowledged_at_us";
inline constexpr std::string_view kDeliveryColumns =
    "key, key_shift, id_tail, event, endpoint, subscription, status, mode, strategy, interval_us, "
    "attempts_max, attempts_count, due_at_us, description, latency_us, created_at_us, "
    "updated_at_us";
inline constexpr std::string_view kAttemptColumns =
    "key, key_shift, id_tail, url, method, request_headers, http_status, response_headers, "
    "response_body, remote_ip, error, is_success, requested_at_us, responded_at_us, timings";
inline constexpr std::string_view kHeldColumns =
    "key, key_shift, id_tail, source, kind, reason, detail, method, path, query, headers, body, "
    "position, received_at_us, expires_at_us";

// Where an event is, and its project.
struct EventRow {
  int64_t key = 0;
  int64_t project = 0;
};

// Where a delivery is, and what decides about it.
struct DeliveryRow {
  int64_t key = 0;
  int64_t event = 0;
  int64_t project = 0;
  int64_t endpoint = 0;
  DeliveryStatus status = DeliveryStatus::kScheduled;
  uint64_t lease = 0;
};

// Fields of a delivery that are stored with its event only.
struct EventHead {
  std::string id;
  std::string event_type;
  std::string idempotency_key;
};

// In a write transaction.
absl::StatusOr<EventRow> InsertEvent(Connection& connection, const Event& event);
// Unclaimed; wakes when it is due.
absl::StatusOr<DeliveryRow> InsertDelivery(Connection& connection, const Delivery& delivery,
                                           const EventRow& event);
absl::Status InsertAttempt(Connection& connection, const Attempt& attempt, int64_t delivery);
absl::Status InsertHeld(Connection& connection, const HeldInput& input);

// Inserts a row of this id and gives its key. `owner` is its project, of an attempt its delivery;
// `bind` binds the columns behind id_tail, in the
// order of the table.
using BindRow = absl::FunctionRef<void(Statement&)>;
absl::StatusOr<int64_t> InsertEventRow(Connection& connection, std::string_view id, int64_t owner,
                                       BindRow bind);
absl::StatusOr<int64_t> InsertDeliveryRow(Connection& connection, std::string_view id,
                                          int64_t owner, BindRow bind);
absl::StatusOr<int64_t> InsertAttemptRow(Connection& connection, std::string_view id, int64_t owner,
                                         BindRow bind);
absl::StatusOr<int64_t> InsertHeldRow(Connection& connection, std::string_view id, int64_t owner,
                                      BindRow bind);

// nullopt if there is no such row in the project.
absl::StatusOr<std::optional<EventRow>> FindEvent(Connection& connection,
                                                  std::string_view project_id, std::string_view id);
absl::StatusOr<std::optional<DeliveryRow>> FindDelivery(Connection& connection,
                                                        std::string_view project_id,
                                                        std::string_view id);

// The current row, whose columns are the ones above. Its numbers of names are looked up.
absl::StatusOr<Event> ReadEvent(Connection& connection, const Statement& row,
                                std::string_view project_id);
absl::StatusOr<EventHead> ReadEventHead(Connection& connection, int64_t event);
absl::StatusOr<Delivery> ReadDelivery(Connection& connection, const Statement& row,
                                      std::string_view project_id, const EventHead& event);
// The column of a delivery that its event is in.
int64_t EventOf(const Statement& row);
absl::StatusOr<Attempt> ReadAttempt(const Statement& row, const AttemptOwner& owner);
absl::StatusOr<HeldInput> ReadHeld(Connection& connection, const Statement& row,
                                   std::string_view project_id);

}  // namespace convoy::storage
