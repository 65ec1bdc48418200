// Rows of traffic: the column lists, and the code that writes and reads them, side by side. The
// columns are those of lib/storage/sqlite/rows.h.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "convoy/ulid.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/traffic_rows.h"

namespace convoy::storage::postgres {

inline constexpr std::string_view kEventColumns =
    "key, key_shift, id_tail, source, event_type, endpoints, headers, body, content_type, "
    "url_query, url_path, idempotency_key, is_duplicate, status, failure_reason, created_at_us, "
    "acknowledged_at_us";
// Of a delivery d and its event e.
inline constexpr std::string_view kDeliveryColumns =
    "d.key, d.key_shift, d.id_tail, d.event, d.endpoint, d.subscription, d.status, d.mode, "
    "d.strategy, d.interval_us, d.attempts_max, d.attempts_count, d.due_at_us, d.description, "
    "d.latency_us, d.created_at_us, d.updated_at_us, e.key, e.key_shift, e.id_tail, e.event_type, "
    "e.idempotency_key";
inline constexpr std::string_view kAttemptColumns =
    "key, key_shift, id_tail, url, method, request_headers, http_status, response_headers, "
    "response_body, remote_ip, error, is_success, requested_at_us, responded_at_us, timings";
inline constexpr std::string_view kHeldColumns =
    "key, key_shift, id_tail, source, kind, reason, detail, method, path, query, headers, body, "
    "position, received_at_us, expires_at_us";

// Inserts of many rows, whose parameters are the columns of what the functions below add.
extern const char* const kInsertEvents;
extern const char* const kInsertDeliveries;
extern const char* const kInsertAttempts;
extern const char* const kInsertHeld;

// Where a row goes.
struct RowKey {
  int64_t key = 0;
  int64_t shift = 0;
  int64_t tail = 0;
};

// `endpoints` are the numbers of the event's endpoints, encoded.
void AddEventRow(RowPieces& rows, const RowKey& at, const Event& event, int64_t project,
                 int64_t source, std::string_view endpoints);
// Numbers of the objects that a delivery belongs to.
struct DeliveryNumbers {
  int64_t event = 0;
  int64_t project = 0;
  int64_t endpoint = 0;
  int64_t subscription = 0;
};
// The claim under which a delivery is stored.
struct ClaimMark {
  uint64_t lease = 0;  // 0: unclaimed
  absl::Time lease_ends_at;
};
// Wakes when it is due, or when the lease ends.
void AddDeliveryRow(RowPieces& rows, const RowKey& at, const Delivery& delivery,
                    const DeliveryNumbers& numbers, const ClaimMark& claim);
void AddAttemptRow(RowPieces& rows, const RowKey& at, const Attempt& attempt, int64_t delivery);
void AddHeldRow(Columns& columns, const RowKey& at, const HeldInput& input, int64_t project,
                int64_t source);

// The id of a row whose key, key_shift and id_tail stand from `column` on.
std::string IdAt(const Row& row, int column);

// A row whose columns are the ones above. What it names by numbers is looked up.
absl::StatusOr<Event> ReadEvent(Connection& connection, const Row& row,
                                std::string_view project_id);
absl::StatusOr<Delivery> ReadDelivery(Connection& connection, const Row& row,
                                      std::string_view project_id);
absl::StatusOr<Attempt> ReadAttempt(const Row& row, const AttemptOwner& owner);
absl::StatusOr<HeldInput> ReadHeld(Connection& connection, const Row& row,
                                   std::string_view project_id);

}  // namespace convoy::storage::postgres
