// Additions of schema version 2 to version 1, as released: a copy that does not change with
// schema.cc.
#pragma once

namespace convoy::testing {

inline constexpr const char* kSchemaVersion2 = R"sql(
CREATE TABLE held_input (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, source_id TEXT NOT NULL, kind INTEGER NOT NULL,
  reason TEXT NOT NULL, detail TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  query TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL, position TEXT NOT NULL,
  received_at_us INTEGER NOT NULL, expires_at_us INTEGER NOT NULL
);
CREATE INDEX held_input_by_project ON held_input (project_id, id);
CREATE INDEX held_input_by_source ON held_input (source_id, kind, id);
CREATE INDEX held_input_by_expiry ON held_input (expires_at_us, id);
CREATE INDEX source_by_broker ON source (id) WHERE type = 2;

PRAGMA user_version = 2;
)sql";

}  // namespace convoy::testing
