-- The tables of Convoy's PostgreSQL that an import reads, with the names and types that its
-- migrations give their columns (as of 2025). Written for tests.
CREATE SCHEMA convoy;
CREATE TYPE convoy.delivery_mode AS ENUM ('at_least_once', 'at_most_once');
CREATE TYPE convoy.endpoint_content_types AS ENUM ('application/json', 'application/x-www-form-urlencoded');
CREATE TABLE convoy.project_configurations (
  id VARCHAR PRIMARY KEY,
  max_payload_read_size INTEGER NOT NULL DEFAULT 51200,
  replay_attacks_prevention_enabled BOOLEAN NOT NULL DEFAULT false,
  ratelimit_count INTEGER NOT NULL DEFAULT 1000, ratelimit_duration INTEGER NOT NULL DEFAULT 60,
  strategy_type TEXT NOT NULL DEFAULT 'linear', strategy_duration INTEGER NOT NULL DEFAULT 100,
  strategy_retry_count INTEGER NOT NULL DEFAULT 10,
  signature_header TEXT NOT NULL DEFAULT 'X-Convoy-Signature', signature_versions JSONB NOT NULL,
  request_id_header TEXT NOT NULL DEFAULT 'X-Convoy-Idempotency-Key',
  disable_endpoint BOOLEAN NOT NULL DEFAULT false, search_policy TEXT DEFAULT '720h',
  meta_events_enabled BOOLEAN NOT NULL DEFAULT false, meta_events_type TEXT,
  meta_events_event_type TEXT[], meta_events_url TEXT, meta_events_secret TEXT, meta_events_pub_sub JSONB,
  ssl_enforce_secure_endpoints BOOLEAN DEFAULT false,
  multiple_endpoint_subscriptions BOOLEAN NOT NULL DEFAULT false,
  cb_sample_rate INTEGER NOT NULL DEFAULT 30, cb_error_timeout INTEGER NOT NULL DEFAULT 30,
  cb_failure_threshold INTEGER NOT NULL DEFAULT 70, cb_success_threshold INTEGER NOT NULL DEFAULT 5,
  cb_observability_window INTEGER NOT NULL DEFAULT 5, cb_minimum_request_count INTEGER NOT NULL DEFAULT 10,
  cb_consecutive_failure_threshold INTEGER NOT NULL DEFAULT 10,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  deleted_at TIMESTAMPTZ);
CREATE TABLE convoy.projects (
  id VARCHAR PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, logo_url TEXT,
  retained_events INTEGER DEFAULT 0, organisation_id VARCHAR NOT NULL,
  project_configuration_id VARCHAR NOT NULL REFERENCES convoy.project_configurations (id),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  deleted_at TIMESTAMPTZ);
CREATE TABLE convoy.source_verifiers (
  id VARCHAR PRIMARY KEY, type TEXT NOT NULL, basic_username TEXT, basic_password TEXT,
  api_key_header_name TEXT, api_key_header_value TEXT,
  hmac_hash TEXT, hmac_header TEXT, hmac_secret TEXT, hmac_encoding TEXT,
  created_at TIMESTAMPTZ DEFAULT now(), updated_at TIMESTAMPTZ DEFAULT now(), deleted_at TIMESTAMPTZ);
CREATE TABLE convoy.sources (
  id VARCHAR PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, mask_id TEXT NOT NULL,
  provider TEXT NOT NULL, is_disabled BOOLEAN NOT NULL, forward_headers TEXT[],
  project_id VARCHAR NOT NULL REFERENCES convoy.projects (id),
  source_verifier_id VARCHAR REFERENCES convoy.source_verifiers (id), pub_sub JSONB,
  custom_response_body VARCHAR, custom_response_content_type VARCHAR, idempotency_keys TEXT[],
  body_function TEXT, header_function TEXT,
  created_at TIMESTAMPTZ DEFAULT now(), updated_at TIMESTAMPTZ DEFAULT now(), deleted_at TIMESTAMPTZ);
CREATE TABLE convoy.endpoints (
  id VARCHAR PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, owner_id TEXT, url TEXT NOT NULL,
  description TEXT, http_timeout INTEGER NOT NULL, rate_limit INTEGER NOT NULL,
  rate_limit_duration INTEGER NOT NULL, advanced_signatures BOOLEAN NOT NULL,
  slack_webhook_url TEXT, support_email TEXT, app_id TEXT, teams_webhook_url TEXT,
  project_id VARCHAR NOT NULL REFERENCES convoy.projects (id), secrets JSONB,
  authentication_type TEXT, authentication_type_api_key_header_name TEXT,
  authentication_type_api_key_header_value TEXT,
  is_encrypted BOOLEAN NOT NULL DEFAULT false, secrets_cipher BYTEA,
  authentication_type_api_key_header_value_cipher BYTEA,
  mtls_client_cert JSONB, oauth2_config JSONB, basic_auth_config JSONB,
  content_type convoy.endpoint_content_types NOT NULL DEFAULT 'application/json',
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  deleted_at TIMESTAMPTZ);
CREATE TABLE convoy.subscriptions (
  id VARCHAR PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
  project_id VARCHAR NOT NULL REFERENCES convoy.projects (id),
  endpoint_id VARCHAR REFERENCES convoy.endpoints (id), device_id VARCHAR,
  source_id VARCHAR REFERENCES convoy.sources (id),
  alert_config_count INTEGER NOT NULL DEFAULT 4, alert_config_threshold TEXT NOT NULL DEFAULT '1h',
  retry_config_type TEXT NOT NULL DEFAULT '', retry_config_duration INTEGER NOT NULL DEFAULT 0,
  retry_config_retry_count INTEGER NOT NULL DEFAULT 0,
  filter_config_event_types TEXT[] NOT NULL,
  filter_config_filter_headers JSONB NOT NULL DEFAULT '{}', filter_config_filter_body JSONB NOT NULL DEFAULT '{}',
  filter_config_filter_is_flattened BOOLEAN NOT NULL DEFAULT false,
  filter_config_filter_raw_headers JSONB NOT NULL DEFAULT '{}',
  filter_config_filter_raw_body JSONB NOT NULL DEFAULT '{}',
  rate_limit_config_count INTEGER NOT NULL DEFAULT 0, rate_limit_config_duration INTEGER NOT NULL DEFAULT 0,
  function TEXT, delivery_mode convoy.delivery_mode NOT NULL DEFAULT 'at_least_once',
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  deleted_at TIMESTAMPTZ);
CREATE TABLE convoy.filters (
  id VARCHAR PRIMARY KEY, subscription_id VARCHAR NOT NULL REFERENCES convoy.subscriptions (id),
  event_type VARCHAR NOT NULL, headers JSONB NOT NULL DEFAULT '{}', body JSONB NOT NULL DEFAULT '{}',
  raw_headers JSONB NOT NULL DEFAULT '{}', raw_body JSONB NOT NULL DEFAULT '{}',
  enabled_at TIMESTAMPTZ DEFAULT now(),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE TABLE convoy.api_keys (
  id VARCHAR PRIMARY KEY, name TEXT NOT NULL, key_type TEXT NOT NULL, mask_id TEXT NOT NULL,
  role_type TEXT, role_project VARCHAR, role_endpoint VARCHAR, hash TEXT NOT NULL, salt TEXT NOT NULL,
  user_id VARCHAR, created_at TIMESTAMPTZ DEFAULT now(), updated_at TIMESTAMPTZ DEFAULT now(),
  expires_at TIMESTAMPTZ, deleted_at TIMESTAMPTZ);
