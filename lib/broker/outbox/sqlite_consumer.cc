// Reader of an outbox in SQLite. Rows are read in the order of their numbers, which is that of
// their commits: SQLite has one writer at a time. No lock of the database is held between a poll
// and its acknowledgement.
#include "lib/broker/outbox/sqlite_consumer.h"

#include <poll.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include <sqlite3.h>

#include "lib/base/status_macros.h"
#include "lib/broker/outbox/one_outbox.h"
#include "lib/broker/outbox/oversized_row.h"
#include "lib/broker/outbox/row_message.h"
#include "lib/storage/sqlite/failure.h"

namespace convoy::broker::outbox {
namespace {

using storage::Statement;

// Between two looks: how late a row may be seen, and how often an idle gateway wakes.
constexpr absl::Duration kShortestPause = absl::Milliseconds(10);
constexpr absl::Duration kLongestPause = absl::Milliseconds(160);
// How long the host may hold a lock until that is an error.
constexpr absl::Duration kLockPatience = absl::Seconds(10);
constexpr int kLockStepMs = 2;
constexpr int kLockStepsMax = 5'000;
// Between two looks at which file the path leads to.
constexpr absl::Duration kFileLookInterval = absl::Seconds(1);
// A reader that holds the lock and leaves the oldest row where it is for so long is frozen, or gone
// with a child that keeps its descriptors.
constexpr absl::Duration kStalledAfter = absl::Seconds(30);
// Beyond it the number is taken from the ids.
constexpr int64_t kCountedMax = 100'000;

// Of ids beyond ?1. Columns but for `data` as bytes, of which ?3, ?4 and ?5 are kept at most.
constexpr std::string_view kSelect =
    "SELECT id, substr(CAST(row_key AS BLOB), 1, ?3), data, "
    "substr(CAST(event_type AS BLOB), 1, ?4), substr(CAST(endpoint_id AS BLOB), 1, ?4), "
    "substr(CAST(owner_id AS BLOB), 1, ?4), substr(CAST(idempotency_key AS BLOB), 1, ?4), "
    "substr(CAST(custom_headers AS BLOB), 1, ?5), "
    "(SELECT substr(CAST(identity AS BLOB), 1, ?3) FROM convoy_outbox_schema LIMIT 1) "
    "FROM convoy_outbox WHERE id > ?1 ORDER BY id LIMIT ?2";

bool IsBusy(const absl::Status& status) {
  return (storage::SqliteCodeOf(status) & 0xFF) == SQLITE_BUSY;
}

uint64_t BytesOf(const BrokerMessage& message) {
  uint64_t bytes = message.body.size();
  for (const Header& column : message.attributes) bytes += column.value.size();
  return bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BrokerConsumer>> SqliteConsumer::Open(
    const SqliteOutboxOptions& options, const BrokerEnvironment& env) {
  CONVOY_ASSIGN_OR_RETURN(SqliteTable table, OpenSqliteTable(options));
  const std::string path(table.connection->path());
  auto lock = ReaderLock::Open(path);
  if (!lock.ok()) return WithoutPath(lock.status(), path);
  table.connection->WaitForLocks(false);  // it is done here, where an interruption ends it
  CONVOY_ASSIGN_OR_RETURN(auto interruption, Interruption::New());
  return absl::WrapUnique(
      new SqliteConsumer(std::move(table), *std::move(lock), std::move(interruption), env));
}

absl::StatusOr<std::vector<BrokerMessage>> SqliteConsumer::Poll(const PollLimits& limits,
                                                                absl::Duration patience) {
  const absl::Time deadline = clock_.SteadyNow() + patience;
  if (std::exchange(is_lag_asked_, false)) {
    absl::StatusOr<BrokerLag> lag = CountWaiting();
    is_lag_asked_ = IsBusy(lag.status());
    if (!is_lag_asked_) lag_ = lag.ok() ? std::move(lag) : Shown(lag.status());
  }
  pause_ = kShortestPause;
  while (!interruption_->Take()) {
    absl::StatusOr<std::vector<BrokerMessage>> messages = Look(limits);
    if (MayWaitFor(messages.status())) {
      messages = std::vector<BrokerMessage>();
      pause_ = kShortestPause;
    }
    if (!messages.ok()) return Shown(messages.status());
    const absl::Duration left = deadline - clock_.SteadyNow();
    if (!messages->empty() || left <= absl::ZeroDuration()) return messages;
    pollfd wake = {.fd = interruption_->fd(), .events = POLLIN, .revents = 0};
    poll(&wake, 1, static_cast<int>(std::min(pause_, left) / absl::Milliseconds(1)) + 1);
    pause_ = std::min(2 * pause_, kLongestPause);
  }
  return std::vector<BrokerMessage>();
}

bool SqliteConsumer::MayWaitFor(const absl::Status& status) {
  if (!IsBusy(status)) {
    busy_since_.reset();
    return false;
  }
  const absl::Time now = clock_.SteadyNow();
  if (!busy_since_.has_value()) busy_since_ = now;
  return now - *busy_since_ < kLockPatience;
}

absl::StatusOr<std::vector<BrokerMessage>> SqliteConsumer::Look(const PollLimits& limits) {
  const absl::Time now = clock_.SteadyNow();
  if (now - file_seen_at_ >= kFileLookInterval) {
    if (IsReplaced(table_)) return absl::UnavailableError("the outbox's file was replaced");
    file_seen_at_ = now;
  }
  // Before the rows are read: what is committed in between is seen with the next look.
  CONVOY_ASSIGN_OR_RETURN(const int64_t version,
                          table_.connection->QueryInt("PRAGMA data_version"));
  if (version == seen_version_) return std::vector<BrokerMessage>();
  CONVOY_ASSIGN_OR_RETURN(const bool may_read, MayRead());
  if (!may_read) return std::vector<BrokerMessage>();
  CONVOY_ASSIGN_OR_RETURN(std::vector<BrokerMessage> messages, Read(limits));
  if (messages.empty()) seen_version_ = version;
  return messages;
}

absl::StatusOr<bool> SqliteConsumer::MayRead() {
  if (lock_->TryLock()) {
    has_taken_over_ = false;
    return true;
  }
  if (has_taken_over_) return true;
  Statement oldest = table_.connection->Prepare("SELECT id FROM convoy_outbox ORDER BY id LIMIT 1");
  const std::optional<int64_t> id =
      oldest.Next() ? std::optional<int64_t>(oldest.IntAt(0)) : std::nullopt;
  CONVOY_RETURN_IF_ERROR(oldest.status());
  const absl::Time now = clock_.SteadyNow();
  if (!id.has_value() || id != oldest_id_) {
    oldest_id_ = id;
    oldest_since_ = now;
    return false;
  }
  if (now - oldest_since_ < kStalledAfter) return false;
  has_taken_over_ = true;
  const LogField field{"file", table_.connection->path()};
  observer_.Log(LogLevel::kWarning, "outbox taken over from a reader that does not go on",
                {&field, 1});
  return true;
}

int64_t SqliteConsumer::last_in_flight() const {
  return in_flight_.empty() ? std::numeric_limits<int64_t>::min() : in_flight_.rbegin()->first;
}

absl::StatusOr<std::vector<BrokerMessage>> SqliteConsumer::Read(const PollLimits& limits) {
  std::vector<BrokerMessage> messages;
  std::map<int64_t, InFlight> read;
  const absl::Status status = ReadRows(limits, messages, read);
  // Before a row that is too big for this statement: those are handed out one by one.
  const bool is_before_oversized = IsTooBig(status) && !messages.empty();
  if (IsTooBig(status) && messages.empty()) {
    CONVOY_RETURN_IF_ERROR(ReadOversized(messages, read));
  } else if (!status.ok() && !is_before_oversized) {
    return status;
  }
  in_flight_.merge(read);
  return messages;
}

absl::Status SqliteConsumer::ReadRows(const PollLimits& limits,
                                      std::vector<BrokerMessage>& out_messages,
                                      std::map<int64_t, InFlight>& out_read) {
  const ValueBound bound(*table_.connection, kDataBytesMax);
  uint64_t bytes = 0;
  Statement rows = table_.connection->Prepare(kSelect);
  rows.Int(last_in_flight())
      .Int(limits.messages_max)
      .Int(kRowKeyBytesMax)
      .Int(kTextBytesMax)
      .Int(kHeadersBytesMax);
  while (bytes < limits.bytes_max && rows.Next()) {
    out_messages.push_back(MessageOf({.id = rows.IntAt(0),
                                      .row_key = std::string(rows.TextAt(1)),
                                      .data = std::string(rows.TextAt(2)),
                                      .event_type = rows.TextAt(3),
                                      .endpoint_id = rows.TextAt(4),
                                      .owner_id = rows.TextAt(5),
                                      .idempotency_key = rows.TextAt(6),
                                      .custom_headers = rows.TextAt(7)},
                                     rows.TextAt(8)));
    bytes += BytesOf(out_messages.back());
    out_read.emplace(rows.IntAt(0), InFlight{.row_key = std::string(rows.TextAt(1))});
  }
  return rows.status();
}

absl::Status SqliteConsumer::ReadOversized(std::vector<BrokerMessage>& out_messages,
                                           std::map<int64_t, InFlight>& out_read) {
  storage::Connection& connection = *table_.connection;
  Statement next = connection.Prepare(
      "SELECT id, (SELECT substr(CAST(identity AS BLOB), 1, ?2) FROM convoy_outbox_schema "
      "LIMIT 1) FROM convoy_outbox WHERE id > ?1 ORDER BY id LIMIT 1");
  if (!next.Int(last_in_flight()).Int(kRowKeyBytesMax).Next()) return next.status();
  const int64_t id = next.IntAt(0);
  CONVOY_ASSIGN_OR_RETURN(std::string row_key,
                          ReadStart(connection, "row_key", id, kRowKeyBytesMax));
  CONVOY_ASSIGN_OR_RETURN(std::string data, ReadStart(connection, "data", id, kCutDataBytes));
  CONVOY_ASSIGN_OR_RETURN(const std::string event_type,
                          ReadStart(connection, "event_type", id, kTextBytesMax));
  out_read.emplace(id, InFlight{.row_key = row_key, .is_oversized = true});
  out_messages.push_back(MessageOf({.id = id,
                                    .row_key = std::move(row_key),
                                    .data = std::move(data),
                                    .is_cut = true,
                                    .event_type = event_type},
                                   next.TextAt(1)));
  return absl::OkStatus();
}

absl::Status SqliteConsumer::Acknowledge(std::span<const BrokerMessage> messages) {
  if (messages.empty()) return absl::OkStatus();
  std::optional<int64_t> left;
  absl::Status status = ExecuteInTurn("BEGIN IMMEDIATE");
  if (status.ok()) status = Delete(messages, left);
  if (status.ok()) status = ExecuteInTurn("COMMIT");
  if (!status.ok()) {
    if (table_.connection->is_in_transaction()) {
      table_.connection->Execute("ROLLBACK").IgnoreError();
    }
    return Shown(status);
  }
  for (const BrokerMessage& message : messages) in_flight_.erase(static_cast<int64_t>(message.tag));
  // A number below those that were in flight may have been inserted meanwhile.
  if (in_flight_.empty()) seen_version_.reset();
  if (!left.has_value()) return absl::OkStatus();
  // It would be read again at once, and for ever. Those that could be deleted are gone.
  return absl::FailedPreconditionError(absl::StrCat(
      "row ", *left, " of convoy_outbox could not be deleted: a trigger of the host keeps it"));
}

absl::Status SqliteConsumer::ExecuteInTurn(const char* sql) {
  pollfd wake = {.fd = interruption_->fd(), .events = POLLIN, .revents = 0};
  absl::Status status = table_.connection->Execute(sql);
  for (int i = 0; IsBusy(status) && i < kLockStepsMax; ++i) {
    if (poll(&wake, 1, kLockStepMs) > 0) break;
    status = table_.connection->Execute(sql);
  }
  return status;
}

absl::Status SqliteConsumer::Shown(const absl::Status& error) const {
  return WithoutPath(error, table_.connection->path());
}

absl::Status SqliteConsumer::Delete(std::span<const BrokerMessage> messages,
                                    std::optional<int64_t>& out_left) {
  for (const BrokerMessage& message : messages) {
    const auto row = in_flight_.find(static_cast<int64_t>(message.tag));
    if (row == in_flight_.end()) continue;
    CONVOY_ASSIGN_OR_RETURN(const bool is_left, row->second.is_oversized
                                                    ? DeleteOversized(row->first, row->second)
                                                    : DeleteRow(row->first, row->second));
    if (is_left) out_left = row->first;
  }
  return absl::OkStatus();
}

// With its key: a table that was made anew meanwhile has the same numbers. Keys compare as bytes:
// a host may have written its own as a BLOB.
absl::StatusOr<bool> SqliteConsumer::DeleteRow(int64_t id, const InFlight& row) {
  Statement remove = table_.connection->Prepare(
      "DELETE FROM convoy_outbox WHERE id = ?1 AND substr(CAST(row_key AS BLOB), 1, ?2) = ?3");
  CONVOY_RETURN_IF_ERROR(remove.Int(id).Int(kRowKeyBytesMax).Blob(row.row_key).Run());
  if (table_.connection->changes_count() > 0) return false;
  Statement same = table_.connection->Prepare(
      "SELECT 1 FROM convoy_outbox WHERE id = ?1 AND substr(CAST(row_key AS BLOB), 1, ?2) = ?3");
  const bool is_left = same.Int(id).Int(kRowKeyBytesMax).Blob(row.row_key).Next();
  CONVOY_RETURN_IF_ERROR(same.status());
  return is_left;
}

// The key may be what is too big for a statement.
absl::StatusOr<bool> SqliteConsumer::DeleteOversized(int64_t id, const InFlight& row) {
  CONVOY_ASSIGN_OR_RETURN(const std::string row_key,
                          ReadStart(*table_.connection, "row_key", id, kRowKeyBytesMax));
  if (row_key != row.row_key) return false;
  Statement remove = table_.connection->Prepare("DELETE FROM convoy_outbox WHERE id = ?1");
  CONVOY_RETURN_IF_ERROR(remove.Int(id).Run());
  return table_.connection->changes_count() == 0;
}

absl::StatusOr<BrokerLag> SqliteConsumer::CountWaiting() {
  Statement count = table_.connection->Prepare(
      "SELECT count(*), min(id) FROM "
      "(SELECT id FROM convoy_outbox WHERE id > ?1 ORDER BY id LIMIT ?2)");
  if (!count.Int(last_in_flight()).Int(kCountedMax).Next()) return count.status();
  int64_t waiting = count.IntAt(0);
  if (waiting == kCountedMax) {
    CONVOY_ASSIGN_OR_RETURN(const int64_t last,
                            table_.connection->QueryInt("SELECT max(id) FROM convoy_outbox"));
    waiting = std::max(waiting, last - count.IntAt(1) + 1);
  }
  return BrokerLag{.messages_count = static_cast<uint64_t>(waiting), .at = clock_.Now()};
}

}  // namespace convoy::broker::outbox

namespace convoy {

std::shared_ptr<Broker> NewSqliteOutbox(SqliteOutboxOptions options) {
  using broker::outbox::OneOutbox;
  using broker::outbox::SqliteConsumer;
  return std::make_shared<OneOutbox<SqliteConsumer, SqliteOutboxOptions>>(std::move(options));
}

}  // namespace convoy
