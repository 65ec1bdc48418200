// Schema version 1 as it was released: a copy that stays as it is, whatever schema.cc becomes.
#pragma once

namespace convoy::testing {

inline constexpr const char* kSchemaVersion1 = R"sql(
CREATE TABLE opener (count INTEGER NOT NULL);
INSERT INTO opener VALUES (0);

CREATE TABLE config_revision (
  scope TEXT PRIMARY KEY, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE project (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE source (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, mask_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  type INTEGER NOT NULL, provider INTEGER NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX source_by_project ON source (project_id, id);
CREATE TABLE endpoint (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, owner_id TEXT NOT NULL, name TEXT NOT NULL,
  document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX endpoint_by_project ON endpoint (project_id, id);
CREATE INDEX endpoint_by_owner ON endpoint (project_id, owner_id, id);
CREATE TABLE subscription (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, endpoint_id TEXT NOT NULL,
  source_id TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX subscription_by_project ON subscription (project_id, id);
CREATE INDEX subscription_by_endpoint ON subscription (endpoint_id);
CREATE INDEX subscription_by_source ON subscription (source_id) WHERE source_id <> '';
CREATE TABLE api_key (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, mask_id TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX api_key_by_project ON api_key (project_id, id);

CREATE TABLE event (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, source_id TEXT NOT NULL, event_type TEXT NOT NULL,
  endpoint_ids TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL,
  content_type TEXT NOT NULL, url_query TEXT NOT NULL, url_path TEXT NOT NULL,
  idempotency_key TEXT NOT NULL, is_duplicate INTEGER NOT NULL, status INTEGER NOT NULL,
  failure_reason TEXT NOT NULL, created_at_us INTEGER NOT NULL, acknowledged_at_us INTEGER NOT NULL
);
CREATE INDEX event_by_project ON event (project_id, id);
CREATE INDEX event_by_idempotency_key ON event (project_id, idempotency_key, id)
  WHERE idempotency_key <> '';
CREATE TABLE dedupe_key (
  scope TEXT NOT NULL, key BLOB NOT NULL, expires_at_us INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE TABLE delivery (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, event_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL, subscription_id TEXT NOT NULL, event_type TEXT NOT NULL,
  idempotency_key TEXT NOT NULL, status INTEGER NOT NULL, mode INTEGER NOT NULL,
  strategy INTEGER NOT NULL, interval_us INTEGER NOT NULL, attempts_max INTEGER NOT NULL,
  attempts_count INTEGER NOT NULL, due_at_us INTEGER NOT NULL, description TEXT NOT NULL,
  latency_us INTEGER NOT NULL, created_at_us INTEGER NOT NULL, updated_at_us INTEGER NOT NULL,
  lease INTEGER NOT NULL, wake_at_us INTEGER NOT NULL
);
CREATE INDEX delivery_by_project ON delivery (project_id, id);
CREATE INDEX delivery_by_event ON delivery (event_id, id);
CREATE INDEX delivery_by_wake ON delivery (endpoint_id, wake_at_us) WHERE status < 3;
CREATE TABLE lane (
  endpoint_id TEXT PRIMARY KEY, wake_at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX lane_by_wake ON lane (wake_at_us);

CREATE TABLE attempt (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, delivery_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL, url TEXT NOT NULL, method TEXT NOT NULL,
  request_headers TEXT NOT NULL, http_status INTEGER NOT NULL, response_headers TEXT NOT NULL,
  response_body BLOB NOT NULL, remote_ip TEXT NOT NULL, error TEXT NOT NULL,
  is_success INTEGER NOT NULL, requested_at_us INTEGER NOT NULL, responded_at_us INTEGER NOT NULL
);
CREATE INDEX attempt_by_delivery ON attempt (delivery_id, id);

PRAGMA application_id = 1668183673;
PRAGMA user_version = 1;
)sql";

}  // namespace convoy::testing
