// The moves of rows: an old row is copied column by column, but for what is a number now.
#include "lib/storage/sqlite/moved_rows.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/backlogs.h"
#include "lib/storage/sqlite/dedupe_keys.h"
#include "lib/storage/sqlite/names.h"
#include "lib/storage/sqlite/row_keys.h"
#include "lib/storage/sqlite/rows.h"

namespace convoy::storage {
namespace {

// Of one piece: a fraction of a second. Keys of requests fall anywhere in their new table, so many
// are sorted at once and share its pages.
constexpr int kRowsMax = 4'000;
constexpr size_t kBytesMax = 8 * 1024 * 1024;
constexpr int kDedupeKeysMax = 100'000;

// Copies the columns [first, end) of a row into the next parameters of `target`.
void Copy(const Statement& row, int first, int end, Statement& target) {
  for (int column = first; column < end; ++column) target.Value(row, column);
}

// Moves rows in the order of their rowids: `copy` puts one over, `remove` deletes up to a rowid.
template <typename Copy>
absl::StatusOr<uint64_t> MoveRows(Connection& connection, std::string_view select,
                                  std::string_view remove, const Copy& copy) {
  uint64_t rows_count = 0;
  int64_t last_rowid = 0;
  {
    Statement row = connection.Prepare(select);
    row.Int(kRowsMax);
    for (size_t bytes = 0; bytes < kBytesMax && row.Next(); ++rows_count) {
      last_rowid = row.IntAt(0);
      CONVOY_ASSIGN_OR_RETURN(const size_t row_bytes, copy(row));
      bytes += row_bytes;
    }
    if (!row.status().ok()) return row.status();
  }
  if (rows_count > 0) CONVOY_RETURN_IF_ERROR(connection.Prepare(remove).Int(last_rowid).Run());
  return rows_count;
}

absl::StatusOr<std::string> InternList(Connection& connection, std::string_view ids) {
  std::vector<int64_t> numbers;
  for (const std::string_view id : absl::StrSplit(ids, ' ', absl::SkipEmpty())) {
    CONVOY_ASSIGN_OR_RETURN(const int64_t number, InternName(connection, id));
    numbers.push_back(number);
  }
  return EncodeNumbers(numbers);
}

absl::Status WakeLane(Connection& connection, const DeliveryRow& delivery, int64_t wake_at_us) {
  return connection
      .Prepare(
          "INSERT INTO lane (endpoint, project, wake_at_us) VALUES (?, ?, ?) ON CONFLICT "
          "(endpoint) "
          "DO UPDATE SET wake_at_us = excluded.wake_at_us "
          "WHERE excluded.wake_at_us < lane.wake_at_us")
      .Int(delivery.endpoint)
      .Int(delivery.project)
      .Int(wake_at_us)
      .Run();
}

}  // namespace

absl::StatusOr<uint64_t> MoveEvents(Connection& connection) {
  const auto copy = [&](const Statement& row) -> absl::StatusOr<size_t> {
    CONVOY_ASSIGN_OR_RETURN(const int64_t project, InternName(connection, row.TextAt(2)));
    CONVOY_ASSIGN_OR_RETURN(const int64_t source, InternName(connection, row.TextAt(3)));
    CONVOY_ASSIGN_OR_RETURN(const std::string endpoints, InternList(connection, row.TextAt(4)));
    CONVOY_RETURN_IF_ERROR(
        InsertEventRow(connection, row.TextAt(1), project, [&](Statement& target) {
          target.Int(project).Int(source);
          Copy(row, 5, 12, target);
          target.Blob(endpoints);
          Copy(row, 12, 17, target);
        }).status());
    return row.TextAt(16).size();
  };
  return MoveRows(connection,
                  "SELECT rowid, id, project_id, source_id, endpoint_ids, is_duplicate, status, "
                  "created_at_us, acknowledged_at_us, event_type, idempotency_key, failure_reason, "
                  "content_type, url_query, url_path, headers, body FROM old_event "
                  "ORDER BY rowid LIMIT ?",
                  "DELETE FROM old_event WHERE rowid <= ?", copy);
}

absl::StatusOr<uint64_t> MoveDeliveries(Connection& connection) {
  const auto copy = [&](const Statement& row) -> absl::StatusOr<size_t> {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<EventRow> event,
                            FindEvent(connection, row.TextAt(2), row.TextAt(3)));
    if (!event.has_value()) return absl::DataLossError("a delivery without its event");
    DeliveryRow moved{.event = event->key, .project = event->project};
    CONVOY_ASSIGN_OR_RETURN(moved.endpoint, InternName(connection, row.TextAt(4)));
    CONVOY_ASSIGN_OR_RETURN(const int64_t subscription, InternName(connection, row.TextAt(5)));
    CONVOY_RETURN_IF_ERROR(
        InsertDeliveryRow(connection, row.TextAt(1), moved.project, [&](Statement& target) {
          target.Int(moved.event).Int(moved.project).Int(moved.endpoint);
          target.Int(subscription);
          Copy(row, 6, 19, target);
        }).status());
    moved.status = static_cast<DeliveryStatus>(row.IntAt(6));
    if (!IsFinal(moved.status)) {
      CONVOY_RETURN_IF_ERROR(WakeLane(connection, moved, row.IntAt(18)));
      CONVOY_RETURN_IF_ERROR(ChangeBacklog(connection, moved.project, 1));
    }
    return 0;
  };
  return MoveRows(connection,
                  "SELECT rowid, id, project_id, event_id, endpoint_id, subscription_id, status, "
                  "mode, strategy, interval_us, attempts_max, attempts_count, due_at_us, "
                  "description, latency_us, created_at_us, updated_at_us, lease, wake_at_us "
                  "FROM old_delivery ORDER BY rowid LIMIT ?",
                  "DELETE FROM old_delivery WHERE rowid <= ?", copy);
}

absl::StatusOr<uint64_t> MoveAttempts(Connection& connection) {
  const auto copy = [&](const Statement& row) -> absl::StatusOr<size_t> {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<DeliveryRow> delivery,
                            FindDelivery(connection, row.TextAt(2), row.TextAt(3)));
    if (!delivery.has_value()) return absl::DataLossError("an attempt without its delivery");
    CONVOY_RETURN_IF_ERROR(
        InsertAttemptRow(connection, row.TextAt(1), delivery->key, [&](Statement& target) {
          target.Int(delivery->key);
          Copy(row, 4, 15, target);
          target.Blob("");
        }).status());
    return row.TextAt(14).size();
  };
  return MoveRows(connection,
                  "SELECT rowid, id, project_id, delivery_id, http_status, is_success, "
                  "requested_at_us, responded_at_us, url, method, remote_ip, error, "
                  "request_headers, response_headers, response_body FROM old_attempt "
                  "ORDER BY rowid LIMIT ?",
                  "DELETE FROM old_attempt WHERE rowid <= ?", copy);
}

absl::StatusOr<uint64_t> MoveHeldInputs(Connection& connection) {
  const auto copy = [&](const Statement& row) -> absl::StatusOr<size_t> {
    CONVOY_ASSIGN_OR_RETURN(const int64_t project, InternName(connection, row.TextAt(2)));
    CONVOY_ASSIGN_OR_RETURN(const int64_t source, InternName(connection, row.TextAt(3)));
    CONVOY_RETURN_IF_ERROR(
        InsertHeldRow(connection, row.TextAt(1), project, [&](Statement& target) {
          target.Int(project).Int(source);
          Copy(row, 4, 15, target);
        }).status());
    return row.TextAt(14).size();
  };
  return MoveRows(connection,
                  "SELECT rowid, id, project_id, source_id, kind, received_at_us, expires_at_us, "
                  "reason, detail, method, path, query, position, headers, body "
                  "FROM old_held_input ORDER BY rowid LIMIT ?",
                  "DELETE FROM old_held_input WHERE rowid <= ?", copy);
}

absl::StatusOr<uint64_t> MoveDedupeKeys(Connection& connection) {
  std::vector<DedupeRow> rows;
  std::string last_scope;
  std::string last_key;
  {
    Statement row = connection.Prepare(
        "SELECT scope, key, expires_at_us FROM old_dedupe_key ORDER BY scope, key LIMIT ?");
    row.Int(kDedupeKeysMax);
    while (row.Next()) {
      last_scope = row.TextAt(0);
      last_key = row.TextAt(1);
      CONVOY_ASSIGN_OR_RETURN(const int64_t project, InternName(connection, last_scope));
      rows.push_back({.project = project, .hash = HashOf(last_key), .expires_at_us = row.IntAt(2)});
    }
    if (!row.status().ok()) return row.status();
  }
  if (rows.empty()) return 0;
  std::sort(rows.begin(), rows.end(), [](const DedupeRow& left, const DedupeRow& right) {
    return std::tie(left.project, left.hash) < std::tie(right.project, right.hash);
  });
  for (const DedupeRow& row : rows) {
    CONVOY_RETURN_IF_ERROR(TakeKey(connection, row, std::numeric_limits<int64_t>::min()).status());
  }
  CONVOY_RETURN_IF_ERROR(
      connection.Prepare("DELETE FROM old_dedupe_key WHERE (scope, key) <= (?, ?)")
          .Text(last_scope)
          .Blob(last_key)
          .Run());
  return rows.size();
}

}  // namespace convoy::storage
