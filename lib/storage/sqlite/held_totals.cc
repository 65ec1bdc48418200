// Triggers keep the sums, so that every way on which an input comes and goes counts, also those of
// an older library that has the same database open. For that reason they raise no schema version.
#include "lib/storage/sqlite/held_totals.h"

#include "lib/base/status_macros.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// The row of source 0, which no source has as its number, is the sum of the others. The bytes are
// those of HeldBytes.
constexpr const char* kCreate = R"sql(
CREATE TABLE held_total (
  source INTEGER PRIMARY KEY, items INTEGER NOT NULL, bytes INTEGER NOT NULL
);
CREATE INDEX held_total_by_bytes ON held_total (bytes);
INSERT INTO held_total
  SELECT source, count(*), sum(length(body) + length(CAST(headers AS BLOB)) +
                               length(CAST(query AS BLOB)))
  FROM held_input GROUP BY source;
INSERT INTO held_total SELECT 0, ifnull(sum(items), 0), ifnull(sum(bytes), 0) FROM held_total;
CREATE TRIGGER held_total_add AFTER INSERT ON held_input BEGIN
  INSERT OR IGNORE INTO held_total VALUES (new.source, 0, 0);
  UPDATE held_total SET items = items + 1, bytes = bytes + length(new.body) +
      length(CAST(new.headers AS BLOB)) + length(CAST(new.query AS BLOB))
    WHERE source IN (0, new.source);
END;
CREATE TRIGGER held_total_take AFTER DELETE ON held_input BEGIN
  UPDATE held_total SET items = items - 1, bytes = bytes - length(old.body) -
      length(CAST(old.headers AS BLOB)) - length(CAST(old.query AS BLOB))
    WHERE source IN (0, old.source);
  DELETE FROM held_total WHERE source = old.source AND items = 0;
END;
)sql";

absl::Status CreateUnlessThere(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(
      const int64_t count,
      connection.QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = 'held_total'"));
  return count > 0 ? absl::OkStatus() : connection.Execute(kCreate);
}

absl::Status RemoveOldestOfGreatest(Connection& connection) {
  return connection
      .Prepare(
          "DELETE FROM held_input WHERE key = (SELECT key FROM held_input WHERE source = "
          "(SELECT source FROM held_total WHERE source <> 0 ORDER BY bytes DESC LIMIT 1) "
          "ORDER BY kind, key LIMIT 1)")
      .Run();
}

}  // namespace

absl::Status EnsureHeldTotals(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(
      const int64_t count,
      connection.QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = 'held_total'"));
  if (count > 0) return absl::OkStatus();
  // Another process may be quicker: what there is is read again under the write lock.
  CONVOY_RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE"));
  absl::Status status = CreateUnlessThere(connection);
  if (status.ok()) return connection.Execute("COMMIT");
  connection.Execute("ROLLBACK").IgnoreError();
  return status;
}

absl::StatusOr<HeldUse> ReadHeldUse(Connection& connection) {
  Statement row = connection.Prepare("SELECT items, bytes FROM held_total WHERE source = 0");
  HeldUse use;
  if (row.Next()) {
    use = {.inputs = static_cast<uint64_t>(row.IntAt(0)),
           .bytes = static_cast<uint64_t>(row.IntAt(1))};
  }
  if (!row.status().ok()) return row.status();
  return use;
}

absl::Status KeepHeldUse(Connection& connection, const HeldUse& most, uint64_t& removed_count) {
  for (int i = 0; i < kHeldRemovedPerWrite; ++i) {
    CONVOY_ASSIGN_OR_RETURN(const HeldUse use, ReadHeldUse(connection));
    if (!IsOver(use, most)) break;
    CONVOY_RETURN_IF_ERROR(RemoveOldestOfGreatest(connection));
    ++removed_count;
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage
