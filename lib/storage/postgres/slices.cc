// Partitions: their bounds, and the statements that make and drop them; see slices.h.
//
// Each change is made under the advisory lock of the schema by one process, the others leave it to
// that one. It waits a moment for the statements that are under way, which begin with the
// partitioned tables; meanwhile others wait behind it. A vacuum of a partition is told to end
// before that, by a lock that no statement is in conflict with.
#include "lib/storage/postgres/slices.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/storage/postgres/failure.h"

namespace convoy::storage::postgres {
namespace {

// In the order in which they are locked.
struct Table {
  std::string_view name;
  std::string_view settings;  // of each partition
  std::string_view indexes;   // beside that of its keys
};
constexpr Table kTables[] = {
    {"event", "fillfactor = 100",  // rows are written once
     "CREATE INDEX event_by_project ON event (project, key);"},
    // Rows change a few times, most of them soon.
    {"delivery", "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02",
     "CREATE INDEX delivery_by_project ON delivery (project, key);"
     "CREATE INDEX delivery_by_event ON delivery (event, key);"
     "CREATE INDEX delivery_by_wake ON delivery (endpoint, wake_at_us, key) WHERE status < 3;"
     "CREATE INDEX delivery_by_lease ON delivery (lease) WHERE lease <> 0;"},
    {"attempt", "fillfactor = 100", "CREATE INDEX attempt_by_delivery ON attempt (delivery, key);"},
};

constexpr int kSlicesInRetention = 8;
// A slice that is longer than this part of the retention is not waited for.
constexpr int kLongestInRetention = 6;
constexpr absl::Duration kRetentionMin = absl::Seconds(80);  // for slices of their own
constexpr absl::Duration kLengthMin = absl::Seconds(10);
constexpr absl::Duration kUnknownLengthMin = absl::Hours(24);
// No event is so old.
constexpr absl::Duration kForEver = absl::Hours(24 * 365 * 50);

// How long others wait for a change at most; less than the time after which PostgreSQL looks for a
// deadlock, so that it is the change that gives up.
constexpr std::string_view kPatience = "'300ms'";
// Longer than that time: then PostgreSQL ends a vacuum that is in the way.
constexpr std::string_view kVacuumPatience = "'2s'";

absl::Time TimeOf(int64_t key) {
  // Keys of the following millisecond are the next: see LeastKeyAt.
  static const int64_t kKeysInMillisecond = LeastKeyAt(absl::FromUnixMillis(1));
  return absl::FromUnixMillis(key / kKeysInMillisecond);
}

absl::Time FloorToSecond(absl::Time time) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(time));
}

// The name of a table's partition.
std::string PartOf(const Table& table, const Slice& slice) {
  if (slice.first_key == 0) return absl::StrCat(table.name, "_past");
  return absl::StrCat(
      table.name, absl::FormatTime("_%Y%m%d_%H%M%S", TimeOf(slice.first_key), absl::UTCTimeZone()));
}

// Others use the tables, or have dropped the slice meanwhile.
bool IsNotNow(const absl::Status& status) {
  return ClassOf(status) == FailureClass::kRetry || IsMissingTable(status);
}

// The body of one change: begins a transaction, which the caller ends. False if another process is
// at a change.
absl::StatusOr<bool> Begin(Connection& connection, const std::string& schema) {
  connection.Queue("BEGIN ISOLATION LEVEL READ COMMITTED");
  CONVOY_ASSIGN_OR_RETURN(const Rows lock,
                          connection.Run("SELECT pg_try_advisory_xact_lock(hashtext('convoy'), "
                                         "hashtext(convert_from($1::bytea, 'UTF8')))",
                                         Params().Bytes(schema)));
  return lock.IntAt(0, 0) != 0;
}

// No statement is under way, and none begins, until the transaction ends.
absl::Status LockAll(Connection& connection, const std::vector<std::string>& parts) {
  connection.Queue(absl::StrCat("SET LOCAL lock_timeout = ", kVacuumPatience));
  connection.Queue(
      absl::StrCat("LOCK TABLE ", absl::StrJoin(parts, ", "), " IN SHARE UPDATE EXCLUSIVE MODE"));
  connection.Queue(absl::StrCat("SET LOCAL lock_timeout = ", kPatience));
  return connection
      .Run("LOCK TABLE ONLY event, ONLY delivery, ONLY attempt IN ACCESS EXCLUSIVE MODE")
      .status();
}

absl::Status MakeAll(Connection& connection, const std::vector<Slice>& slices) {
  for (const Slice& slice : slices) {
    for (const Table& table : kTables) {
      connection.Queue(absl::StrCat("CREATE TABLE ", PartOf(table, slice), " (LIKE ", table.name,
                                    " INCLUDING DEFAULTS INCLUDING INDEXES) WITH (", table.settings,
                                    ")"));
    }
  }
  std::vector<std::string> rests;
  for (const Table& table : kTables) rests.push_back(absl::StrCat(table.name, "_rest"));
  CONVOY_RETURN_IF_ERROR(LockAll(connection, rests));
  for (const Slice& slice : slices) {
    const std::string range =
        absl::StrCat("key >= ", slice.first_key, " AND key < ", slice.end_key);
    for (const Table& table : kTables) {
      const std::string part = PartOf(table, slice);
      connection.Queue(absl::StrCat("WITH moved AS (DELETE FROM ", table.name, "_rest WHERE ",
                                    range, " RETURNING *) INSERT INTO ", part,
                                    " SELECT * FROM moved"));
      connection.Queue(absl::StrCat("ALTER TABLE ", table.name, " ATTACH PARTITION ", part,
                                    " FOR VALUES FROM (", slice.first_key, ") TO (", slice.end_key,
                                    ")"));
    }
    connection.Queue("INSERT INTO slice (first_key, end_key) VALUES ($1::int8, $2::int8)",
                     Params().Int(slice.first_key).Int(slice.end_key));
  }
  return connection.Run("COMMIT").status();
}

// SQL with the bounds of a slice and the names of its partitions.
std::string Fill(std::string_view sql, const Slice& slice) {
  return absl::StrReplaceAll(sql, {{"$FIRST", absl::StrCat(slice.first_key)},
                                   {"$END", absl::StrCat(slice.end_key)},
                                   {"$DELIVERIES", PartOf(kTables[1], slice)},
                                   {"$ATTEMPTS", PartOf(kTables[2], slice)}});
}

absl::StatusOr<uint64_t> CountRows(Connection& connection, const std::string& part) {
  CONVOY_ASSIGN_OR_RETURN(const Rows row,
                          connection.Run(absl::StrCat("SELECT count(*) FROM ", part)));
  return static_cast<uint64_t>(row.IntAt(0, 0));
}

// In a transaction that Begin has begun. False if the slice must stay.
absl::StatusOr<bool> DropLocked(Connection& connection, const Slice& slice) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Slice> slices, ReadSlices(connection));
  // Another process may have dropped it. The last one is where the next begins.
  const bool is_there = std::find(slices.begin(), slices.end(), slice) != slices.end();
  if (!is_there || slices.size() == 1) return false;
  std::vector<std::string> parts;
  for (const Table& table : kTables) parts.push_back(PartOf(table, slice));
  CONVOY_RETURN_IF_ERROR(LockAll(connection, parts));
  CONVOY_ASSIGN_OR_RETURN(const SliceLook look, LookAt(connection, slice, 1));
  if (look.is_held || look.has_crossing_attempts || !look.crossing.empty()) return false;
  connection.Queue(absl::StrCat("DROP TABLE ", absl::StrJoin(parts, ", ")));
  connection.Queue("DELETE FROM slice WHERE first_key = $1::int8", Params().Int(slice.first_key));
  CONVOY_RETURN_IF_ERROR(connection.Run("COMMIT").status());
  return true;
}

}  // namespace

absl::Duration SliceLength(absl::Duration retention, absl::Duration span) {
  absl::Duration length = std::max(span / kSlicesInRetention, kUnknownLengthMin);
  if (retention >= kRetentionMin && retention < kForEver) {
    length = std::max(retention / kSlicesInRetention, kLengthMin);
  }
  return absl::Floor(length, absl::Seconds(1));
}

std::vector<Slice> SlicesToMake(const std::vector<Slice>& slices, absl::Time now,
                                absl::Duration retention) {
  std::vector<Slice> missing;
  if (slices.empty()) return missing;
  absl::Time top = TimeOf(slices.back().end_key);
  // The first one has no beginning.
  const absl::Time begin =
      TimeOf(slices.front().first_key == 0 ? slices.front().end_key : slices.front().first_key);
  const absl::Duration length = SliceLength(retention, now - begin);
  while (top < now + length) {
    // All of the time in which there was no process is one slice.
    const absl::Time end = std::max(top + length, FloorToSecond(now));
    missing.push_back({.first_key = LeastKeyAt(top), .end_key = LeastKeyAt(end)});
    if (missing.back().end_key == missing.back().first_key) break;  // after the last year
    top = end;
  }
  if (!missing.empty() && missing.back().end_key == missing.back().first_key) missing.pop_back();
  return missing;
}

int64_t RowsEnd(const std::vector<Slice>& slices, int64_t expired_end_key,
                absl::Duration retention) {
  for (const Slice& slice : slices) {
    if (slice.first_key >= expired_end_key || slice.end_key <= expired_end_key) continue;
    const absl::Duration length = TimeOf(slice.end_key) - TimeOf(slice.first_key);
    if (length <= retention / kLongestInRetention) return slice.first_key;
  }
  return expired_end_key;
}

std::string PartitionTables() {
  std::string sql =
      "CREATE TABLE slice (first_key int8 PRIMARY KEY, end_key int8 NOT NULL);"
      // Full seconds, of the server's clock, above all keys that there are.
      "INSERT INTO slice SELECT 0, (greatest(floor(extract(epoch FROM clock_timestamp())) * 1000, "
      "1 + ((SELECT greatest((SELECT max(key) FROM event), (SELECT max(key) FROM delivery), "
      "(SELECT max(key) FROM attempt))) >> 21))::int8) << 21;"
      "DROP TRIGGER IF EXISTS delivery_made ON delivery;"
      "DROP TRIGGER IF EXISTS delivery_changed ON delivery;"
      "DROP TRIGGER IF EXISTS delivery_removed ON delivery;";
  for (const Table& table : kTables) {
    const std::string indexes = absl::StrReplaceAll(table.indexes, {{"\n", " "}});
    absl::StrAppend(
        &sql, absl::StrReplaceAll(
                  R"sql(
ALTER TABLE $T RENAME TO $T_past;
DO $do$ DECLARE name text; BEGIN
  FOR name IN SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '$T_past'::regclass
  LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', name, regexp_replace(
      regexp_replace(name, '^.*\.', ''), '^$T', '$T_past'));
  END LOOP;
END $do$;
CREATE TABLE $T (LIKE $T_past INCLUDING DEFAULTS) PARTITION BY RANGE (key);
ALTER TABLE $T ADD PRIMARY KEY (key);
$INDEXES
CREATE TABLE $T_rest (LIKE $T INCLUDING DEFAULTS INCLUDING INDEXES) WITH ($SETTINGS);
DO $do$ BEGIN EXECUTE format(
  'ALTER TABLE $T ATTACH PARTITION $T_past FOR VALUES FROM (MINVALUE) TO (%s)',
  (SELECT end_key FROM slice)); END $do$;
ALTER TABLE $T ATTACH PARTITION $T_rest DEFAULT;
)sql",
                  {{"$T", table.name}, {"$INDEXES", indexes}, {"$SETTINGS", table.settings}}));
  }
  return absl::StrCat(sql, kDeliveryTriggers);
}

absl::StatusOr<std::vector<Slice>> ReadSlices(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows, connection.Run("SELECT first_key, end_key FROM slice ORDER BY first_key"));
  std::vector<Slice> slices;
  for (int i = 0; i < rows.count(); ++i) {
    slices.push_back({.first_key = rows.IntAt(i, 0), .end_key = rows.IntAt(i, 1)});
  }
  return slices;
}

absl::Status MakeSlices(Connection& connection, const std::string& schema, absl::Time now,
                        absl::Duration retention) {
  const auto make = [&]() -> absl::Status {
    CONVOY_ASSIGN_OR_RETURN(const bool is_alone, Begin(connection, schema));
    if (!is_alone) return connection.Run("COMMIT").status();
    CONVOY_ASSIGN_OR_RETURN(const std::vector<Slice> slices, ReadSlices(connection));
    const std::vector<Slice> missing = SlicesToMake(slices, now, retention);
    if (missing.empty()) return connection.Run("COMMIT").status();
    return MakeAll(connection, missing);
  };
  const absl::Status status = make();
  if (!status.ok()) connection.RollBack();
  return IsNotNow(status) ? absl::OkStatus() : status;
}

absl::StatusOr<SliceLook> LookAt(Connection& connection, const Slice& slice, uint32_t items_max) {
  constexpr std::string_view kIsHeld =
      "SELECT EXISTS (SELECT 1 FROM $DELIVERIES WHERE status < 3) "
      "OR EXISTS (SELECT 1 FROM $DELIVERIES WHERE event < $FIRST) "
      "OR EXISTS (SELECT 1 FROM $DELIVERIES WHERE event >= $END) "
      "OR EXISTS (SELECT 1 FROM $ATTEMPTS WHERE delivery < $FIRST) "
      "OR EXISTS (SELECT 1 FROM $ATTEMPTS WHERE delivery >= $END)";
  constexpr std::string_view kHasAttempts =
      "SELECT EXISTS (SELECT 1 FROM attempt AS a JOIN $DELIVERIES AS d ON d.key = a.delivery WHERE "
      "a.delivery >= $FIRST AND a.delivery < $END AND (a.key < $FIRST OR a.key >= $END))";
  constexpr std::string_view kCrossing =
      "SELECT DISTINCT c.event FROM (SELECT event FROM delivery WHERE event >= $FIRST AND "
      "event < $END AND (key < $FIRST OR key >= $END) LIMIT $MAX) AS c ORDER BY c.event";
  SliceLook look;
  CONVOY_ASSIGN_OR_RETURN(const Rows held, connection.Run(Fill(kIsHeld, slice)));
  look.is_held = held.IntAt(0, 0) != 0;
  if (look.is_held) return look;
  CONVOY_ASSIGN_OR_RETURN(const Rows attempts, connection.Run(Fill(kHasAttempts, slice)));
  look.has_crossing_attempts = attempts.IntAt(0, 0) != 0;
  const std::string crossing =
      absl::StrReplaceAll(Fill(kCrossing, slice), {{"$MAX", absl::StrCat(items_max)}});
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection.Run(crossing));
  for (int i = 0; i < rows.count(); ++i) look.crossing.push_back(rows.IntAt(i, 0));
  return look;
}

absl::StatusOr<uint64_t> RemoveCrossingAttempts(Connection& connection, const Slice& slice,
                                                uint32_t items_max) {
  // The deliveries are locked: another process may be about to try one again.
  constexpr std::string_view kRemove =
      "DELETE FROM attempt AS a USING (SELECT c.key FROM (SELECT key, delivery FROM attempt WHERE "
      "delivery >= $FIRST AND delivery < $END AND (key < $FIRST OR key >= $END) LIMIT $MAX) AS c "
      "JOIN $DELIVERIES AS d ON d.key = c.delivery WHERE d.status > 2 FOR SHARE OF d) AS f "
      "WHERE a.key = f.key";
  const std::string sql =
      absl::StrReplaceAll(Fill(kRemove, slice), {{"$MAX", absl::StrCat(items_max)}});
  CONVOY_ASSIGN_OR_RETURN(const Rows removed, connection.Run(sql));
  return static_cast<uint64_t>(removed.changes_count());
}

absl::StatusOr<std::optional<Pruned>> DropSlice(Connection& connection, const std::string& schema,
                                                const Slice& slice) {
  Pruned pruned{.may_have_more = true};
  const auto drop = [&]() -> absl::StatusOr<bool> {
    CONVOY_ASSIGN_OR_RETURN(pruned.events_count, CountRows(connection, PartOf(kTables[0], slice)));
    CONVOY_ASSIGN_OR_RETURN(pruned.deliveries_count,
                            CountRows(connection, PartOf(kTables[1], slice)));
    CONVOY_ASSIGN_OR_RETURN(pruned.attempts_count,
                            CountRows(connection, PartOf(kTables[2], slice)));
    CONVOY_ASSIGN_OR_RETURN(const bool is_alone, Begin(connection, schema));
    if (!is_alone) return false;
    return DropLocked(connection, slice);
  };
  const absl::StatusOr<bool> is_dropped = drop();
  if (is_dropped.ok() && *is_dropped) return pruned;
  connection.RollBack();
  if (is_dropped.ok() || IsNotNow(is_dropped.status())) return std::nullopt;
  return is_dropped.status();
}

}  // namespace convoy::storage::postgres
