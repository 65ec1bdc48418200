// Reader of an outbox in PostgreSQL.
#include "lib/broker/outbox/postgres_consumer.h"

#include <poll.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/status_macros.h"
#include "lib/broker/outbox/one_outbox.h"
#include "lib/broker/outbox/row_message.h"

namespace convoy::broker::outbox {
namespace {

using storage::postgres::Params;
using storage::postgres::Rows;

// Between two looks, where rows are announced and where they are not.
constexpr absl::Duration kPauseWithNotices = absl::Seconds(1);
constexpr absl::Duration kPauseWithout = absl::Milliseconds(200);
// Beyond it the number is taken from the ids.
constexpr int64_t kCountedMax = 100'000;

// Ends what the last statement has left open: until another takes its place, its snapshot would
// keep the server from vacuuming what became old meanwhile. Has no effect, and needs no snapshot
// itself.
constexpr std::string_view kLetGo = "SET CONSTRAINTS ALL IMMEDIATE";

// As many rows as fit, and one more: their sizes are had without their content.
constexpr std::string_view kSelect = R"sql(
WITH head AS (
  SELECT id, octet_length(data)::int8 AS size FROM $TABLE WHERE id > $1::int8
    ORDER BY id LIMIT $2::int8),
last AS (
  SELECT max(id) AS id FROM (
    SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM head) AS sized
  WHERE before < $3::int8)
SELECT o.id, uuid_send(o.row_key), octet_length(o.data) > $4::int8,
  CASE WHEN octet_length(o.data) > $4::int8 THEN left(o.data, $5::int8::int4) ELSE o.data END,
  left(o.event_type, $6::int8::int4), left(o.endpoint_id, $6::int8::int4),
  left(o.owner_id, $6::int8::int4), left(o.idempotency_key, $6::int8::int4),
  left(o.custom_headers, $7::int8::int4),
  (SELECT identity::text FROM $TABLE_schema LIMIT 1)
FROM $TABLE AS o WHERE o.id > $1::int8 AND o.id <= (SELECT id FROM last)
ORDER BY o.id LIMIT $2::int8)sql";

std::string HexOf(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) absl::StrAppend(&hex, absl::Hex(byte & 0xFF, absl::kZeroPad2));
  return hex;
}

}  // namespace

// The lock is of the table, within its database.
PostgresConsumer::Sql::Sql(const std::string& schema)
    : exists(absl::StrCat("SELECT EXISTS (SELECT 1 FROM ", schema, ".outbox ORDER BY id LIMIT 1)")),
      lock(absl::StrCat("SELECT pg_try_advisory_xact_lock(hashtext('convoy outbox'), '", schema,
                        ".outbox'::regclass::oid::int4)")),
      select(absl::StrReplaceAll(kSelect, {{"$TABLE", absl::StrCat(schema, ".outbox")}})),
      remove(absl::StrCat("DELETE FROM ", schema,
                          ".outbox AS o USING unnest($1::int8[], $2::bytea[]) AS d(id, row_key) "
                          "WHERE o.id = d.id AND uuid_send(o.row_key) = d.row_key")),
      left(absl::StrCat("SELECT o.id FROM unnest($1::int8[], $2::bytea[]) AS d(id, row_key) JOIN ",
                        schema,
                        ".outbox AS o ON o.id = d.id WHERE uuid_send(o.row_key) = d.row_key "
                        "ORDER BY o.id LIMIT 1")),
      count(absl::StrCat("SELECT count(*)::int8, coalesce(min(id), 0), coalesce((SELECT max(id) "
                         "FROM ",
                         schema, ".outbox), 0) FROM (SELECT id FROM ", schema,
                         ".outbox WHERE id > $1::int8 ORDER BY id LIMIT $2::int8) AS counted")) {}

absl::StatusOr<std::unique_ptr<BrokerConsumer>> PostgresConsumer::Open(
    const PostgresOutboxOptions& options, const BrokerEnvironment& env) {
  absl::StatusOr<PostgresTable> table = OpenPostgresTable(options);
  if (absl::IsUnavailable(table.status())) {
    // It names the host's server and role: for the log, not for those who make sources.
    const LogField field{"error", table.status().message()};
    env.observer->Log(LogLevel::kWarning, "outbox not reached", {&field, 1});
    return absl::UnavailableError("PostgreSQL cannot be reached; the gateway's log says why");
  }
  CONVOY_RETURN_IF_ERROR(table.status());
  CONVOY_ASSIGN_OR_RETURN(auto interruption, Interruption::New());
  return absl::WrapUnique(new PostgresConsumer(WrittenSchema(options.schema), *std::move(table),
                                               std::move(interruption), env.clock));
}

int64_t PostgresConsumer::last_in_flight() const {
  return in_flight_.empty() ? std::numeric_limits<int64_t>::min() : in_flight_.rbegin()->first;
}

absl::StatusOr<std::vector<BrokerMessage>> PostgresConsumer::Poll(const PollLimits& limits,
                                                                  absl::Duration patience) {
  const absl::Time deadline = clock_.Now() + patience;
  if (std::exchange(is_lag_asked_, false)) {
    CONVOY_ASSIGN_OR_RETURN(lag_, CountWaiting());
  }
  while (!interruption_->Take()) {
    CONVOY_ASSIGN_OR_RETURN(std::vector<BrokerMessage> messages, Look(limits));
    const absl::Duration left = deadline - clock_.Now();
    if (!messages.empty() || left <= absl::ZeroDuration()) return messages;
    const absl::Duration pause = has_notices_ ? kPauseWithNotices : kPauseWithout;
    CONVOY_RETURN_IF_ERROR(Wait(std::min(pause, left)));
  }
  return std::vector<BrokerMessage>();
}

absl::Status PostgresConsumer::Wait(absl::Duration wait) {
  if (!table_.connection->TakeNotifications().has_any()) {
    pollfd ready[] = {{.fd = interruption_->fd(), .events = POLLIN, .revents = 0},
                      {.fd = table_.connection->fd(), .events = POLLIN, .revents = 0}};
    poll(ready, std::size(ready), static_cast<int>(wait / absl::Milliseconds(1)) + 1);
    if (!table_.connection->TakeNotifications().has_any()) {
      return table_.connection->is_alive()
                 ? absl::OkStatus()
                 : absl::UnavailableError("PostgreSQL: the connection is lost");
    }
  }
  has_notices_ = true;
  may_have_more_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BrokerMessage>> PostgresConsumer::Look(const PollLimits& limits) {
  if (!is_holding_) {
    if (!std::exchange(may_have_more_, false)) {
      CONVOY_ASSIGN_OR_RETURN(const Rows any, table_.connection->Run(sql_.exists));
      if (any.IntAt(0, 0) == 0) return std::vector<BrokerMessage>();
      // Found without having been announced: look more often.
      if (!table_.connection->TakeNotifications().has_any()) has_notices_ = false;
    }
    CONVOY_ASSIGN_OR_RETURN(const bool is_reader, TryLock());
    if (!is_reader) return std::vector<BrokerMessage>();
  }
  CONVOY_ASSIGN_OR_RETURN(std::vector<BrokerMessage> messages, Read(limits));
  if (in_flight_.empty()) CONVOY_RETURN_IF_ERROR(End("ROLLBACK"));
  may_have_more_ = !messages.empty();
  return messages;
}

// Rows are read by a later statement, whose snapshot has all that the former reader deleted.
absl::StatusOr<bool> PostgresConsumer::TryLock() {
  table_.connection->Queue("BEGIN");
  table_.connection->Queue(sql_.lock);
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> answers, table_.connection->Flush());
  is_holding_ = answers.back().IntAt(0, 0) != 0;
  if (!is_holding_) CONVOY_RETURN_IF_ERROR(End("ROLLBACK"));
  return is_holding_;
}

absl::Status PostgresConsumer::End(const char* how) {
  is_holding_ = false;
  return table_.connection->Run(how).status();
}

absl::StatusOr<std::vector<BrokerMessage>> PostgresConsumer::Read(const PollLimits& limits) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  table_.connection->Queue(sql_.select,
                           Params()
                               .Int(last_in_flight())
                               .Int(limits.messages_max)
                               .Int(static_cast<int64_t>(std::min(limits.bytes_max, kMost)))
                               .Int(kDataBytesMax)
                               .Int(kCutDataBytes)
                               .Int(kTextBytesMax)
                               .Int(kHeadersBytesMax));
  table_.connection->Queue(kLetGo);
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> answers, table_.connection->Flush());
  const Rows& rows = answers.front();
  std::vector<BrokerMessage> messages;
  for (int i = 0; i < rows.count(); ++i) {
    messages.push_back(MessageOf({.id = rows.IntAt(i, 0),
                                  .row_key = HexOf(rows.BytesAt(i, 1)),
                                  .data = rows.TextAt(i, 3),
                                  .is_cut = rows.IntAt(i, 2) != 0,
                                  .event_type = rows.BytesAt(i, 4),
                                  .endpoint_id = rows.BytesAt(i, 5),
                                  .owner_id = rows.BytesAt(i, 6),
                                  .idempotency_key = rows.BytesAt(i, 7),
                                  .custom_headers = rows.BytesAt(i, 8)},
                                 rows.BytesAt(i, 9)));
    in_flight_.emplace(rows.IntAt(i, 0), rows.TextAt(i, 1));
  }
  return messages;
}

// With its key: a table that was made anew meanwhile has the same numbers. The transaction ends
// with it, so what stays in flight may now be handed to another reader: unless this one gets the
// lock back, it gives up.
absl::Status PostgresConsumer::Acknowledge(std::span<const BrokerMessage> messages) {
  if (messages.empty()) return absl::OkStatus();
  std::vector<int64_t> ids;
  std::vector<std::string> keys;
  for (const BrokerMessage& message : messages) {
    const auto row = in_flight_.extract(static_cast<int64_t>(message.tag));
    if (row.empty()) continue;
    ids.push_back(row.key());
    keys.push_back(row.mapped());
  }
  const Params rows = Params().Ints(ids).Texts(keys);
  table_.connection->Queue(sql_.remove, rows);
  table_.connection->Queue("COMMIT");
  is_holding_ = false;
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> answers, table_.connection->Flush());
  may_have_more_ = true;
  if (static_cast<size_t>(answers.front().changes_count()) < ids.size()) {
    CONVOY_RETURN_IF_ERROR(CheckGone(rows));
  }
  if (in_flight_.empty()) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const bool is_reader, TryLock());
  return is_reader ? absl::OkStatus()
                   : absl::UnavailableError("another gateway reads from this outbox now");
}

// Rows that were not deleted may have been by the host. One that a trigger of the host keeps would
// be read again at once, and for ever. Those that could be deleted are gone.
absl::Status PostgresConsumer::CheckGone(const Params& rows) {
  CONVOY_ASSIGN_OR_RETURN(const Rows left, table_.connection->Run(sql_.left, rows));
  if (left.count() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "row ", left.IntAt(0, 0),
      " of the outbox could not be deleted: a trigger or a rule of the host keeps it"));
}

absl::Status PostgresConsumer::Extend(std::span<const BrokerMessage>) {
  return table_.connection->Run(kLetGo).status();
}

absl::StatusOr<BrokerLag> PostgresConsumer::CountWaiting() {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows count,
      table_.connection->Run(sql_.count, Params().Int(last_in_flight()).Int(kCountedMax)));
  int64_t waiting = count.IntAt(0, 0);
  if (waiting == kCountedMax) {
    waiting = std::max(waiting, count.IntAt(0, 2) - count.IntAt(0, 1) + 1);
  }
  return BrokerLag{.messages_count = static_cast<uint64_t>(waiting), .at = clock_.Now()};
}

}  // namespace convoy::broker::outbox

namespace convoy {

std::shared_ptr<Broker> NewPostgresOutbox(PostgresOutboxOptions options) {
  using broker::outbox::OneOutbox;
  using broker::outbox::PostgresConsumer;
  return std::make_shared<OneOutbox<PostgresConsumer, PostgresOutboxOptions>>(std::move(options));
}

}  // namespace convoy
