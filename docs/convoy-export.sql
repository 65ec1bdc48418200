-- Document for `convoyd import`, made from Convoy's PostgreSQL: see moving-from-convoy.md.
--
--   psql -X -At -v ON_ERROR_STOP=1 -f convoy-export.sql "$CONVOY_DATABASE_URL" > convoy.json
--
-- Reads and changes nothing; the function is temporary. Rows are taken as JSON, so columns that a
-- version of Convoy has not yet, or no more, are null. The document holds secrets.

\set QUIET on
BEGIN ISOLATION LEVEL REPEATABLE READ;

-- A JSON value that some versions keep as text.
CREATE FUNCTION pg_temp.json(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'string' THEN nullif(value #>> '{}', '')::jsonb ELSE value END
$$;

-- A filter as it was written; flattened where that is all that is kept.
CREATE FUNCTION pg_temp.condition(r jsonb, name text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(nullif(pg_temp.json(r -> ('filter_config_filter_raw_' || name)), '{}'),
                  pg_temp.json(r -> ('filter_config_filter_' || name)), '{}')
$$;

-- Versions of before 2025 have no table of filters.
SELECT CASE WHEN to_regclass('convoy.filters') IS NULL THEN 'SELECT NULL::jsonb WHERE false'
            ELSE 'SELECT to_jsonb(f) FROM convoy.filters f' END AS filters_query \gset

WITH
project AS (
  SELECT to_jsonb(p) AS r, to_jsonb(c) AS c
  FROM convoy.projects p
  LEFT JOIN convoy.project_configurations c ON c.id = p.project_configuration_id
  WHERE p.deleted_at IS NULL
),
source AS (
  SELECT to_jsonb(s) AS r, to_jsonb(v) AS v
  FROM convoy.sources s
  JOIN convoy.projects p ON p.id = s.project_id AND p.deleted_at IS NULL
  LEFT JOIN convoy.source_verifiers v ON v.id = s.source_verifier_id
  WHERE s.deleted_at IS NULL
),
endpoint AS (
  SELECT to_jsonb(e) AS r
  FROM convoy.endpoints e
  JOIN convoy.projects p ON p.id = e.project_id AND p.deleted_at IS NULL
  WHERE e.deleted_at IS NULL
),
filter AS (
  SELECT r ->> 'subscription_id' AS subscription_id,
         jsonb_agg(jsonb_build_object(
           'uid', r -> 'id', 'event_type', r -> 'event_type',
           'headers', coalesce(nullif(pg_temp.json(r -> 'raw_headers'), '{}'), pg_temp.json(r -> 'headers')),
           'body', coalesce(nullif(pg_temp.json(r -> 'raw_body'), '{}'), pg_temp.json(r -> 'body')),
           'query', coalesce(nullif(pg_temp.json(r -> 'raw_query'), '{}'), pg_temp.json(r -> 'query')),
           'path', coalesce(nullif(pg_temp.json(r -> 'raw_path'), '{}'), pg_temp.json(r -> 'path')))
           -- Before filters could be disabled, all of them were in force.
           || CASE WHEN r ? 'enabled_at' THEN jsonb_build_object('enabled_at', r -> 'enabled_at') ELSE '{}' END
           ORDER BY r ->> 'id') AS list
  FROM (:filters_query) AS f(r)
  GROUP BY 1
),
subscription AS (
  SELECT to_jsonb(s) AS r, f.list AS filters
  FROM convoy.subscriptions s
  JOIN convoy.projects p ON p.id = s.project_id AND p.deleted_at IS NULL
  LEFT JOIN filter f ON f.subscription_id = s.id
  WHERE s.deleted_at IS NULL
),
api_key AS (
  SELECT to_jsonb(k) AS r FROM convoy.api_keys k WHERE k.deleted_at IS NULL
)
SELECT jsonb_build_object(
  'projects', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'uid', r -> 'id', 'name', r -> 'name', 'type', r -> 'type',
      'logo_url', coalesce(r ->> 'logo_url', ''),
      'created_at', r -> 'created_at', 'updated_at', r -> 'updated_at',
      'config', jsonb_strip_nulls(jsonb_build_object(
        'max_payload_read_size', c -> 'max_payload_read_size',
        'replay_attacks_prevention_enabled', c -> 'replay_attacks_prevention_enabled',
        'add_event_id_trace_headers', c -> 'add_event_id_trace_headers',
        'disable_endpoint', c -> 'disable_endpoint',
        'multiple_endpoint_subscriptions', c -> 'multiple_endpoint_subscriptions',
        'verify_dynamic_events', c -> 'verify_dynamic_events',
        'allow_unmatched_dynamic_urls', c -> 'allow_unmatched_dynamic_urls',
        'search_policy', c -> 'search_policy',
        'request_id_header', c -> 'request_id_header',
        'ssl', jsonb_build_object('enforce_secure_endpoints', c -> 'ssl_enforce_secure_endpoints'),
        'ratelimit', jsonb_build_object('count', c -> 'ratelimit_count',
                                        'duration', c -> 'ratelimit_duration'),
        'strategy', jsonb_build_object('type', c -> 'strategy_type',
                                       'duration', c -> 'strategy_duration',
                                       'retry_count', c -> 'strategy_retry_count'),
        'signature', jsonb_build_object('header', c -> 'signature_header',
                                        'versions', pg_temp.json(c -> 'signature_versions')),
        'meta_event', jsonb_build_object('is_enabled', c -> 'meta_events_enabled'),
        'circuit_breaker', jsonb_build_object(
          'sample_rate', c -> 'cb_sample_rate', 'error_timeout', c -> 'cb_error_timeout',
          'failure_threshold', c -> 'cb_failure_threshold',
          'success_threshold', c -> 'cb_success_threshold',
          'observability_window', c -> 'cb_observability_window',
          'minimum_request_count', c -> 'cb_minimum_request_count',
          'consecutive_failure_threshold', c -> 'cb_consecutive_failure_threshold'))))
      ORDER BY r ->> 'id'), '[]') FROM project),
  'sources', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'uid', r -> 'id', 'project_id', r -> 'project_id', 'mask_id', r -> 'mask_id',
      'name', r -> 'name', 'type', r -> 'type', 'provider', coalesce(r ->> 'provider', ''),
      'is_disabled', r -> 'is_disabled', 'forward_headers', r -> 'forward_headers',
      'idempotency_keys', r -> 'idempotency_keys',
      'event_type_location', r -> 'event_type_location',
      'body_function', r -> 'body_function', 'header_function', r -> 'header_function',
      'custom_response', jsonb_build_object('body', r -> 'custom_response_body',
                                            'content_type', r -> 'custom_response_content_type'),
      'pub_sub', pg_temp.json(r -> 'pub_sub'),
      'verifier', jsonb_build_object(
        'type', coalesce(v ->> 'type', ''),
        'hmac', CASE WHEN v ->> 'type' = 'hmac' THEN jsonb_build_object(
          'header', v -> 'hmac_header', 'hash', v -> 'hmac_hash',
          'encoding', v -> 'hmac_encoding', 'secret', v -> 'hmac_secret') END,
        'basic_auth', CASE WHEN v ->> 'type' = 'basic_auth' THEN jsonb_build_object(
          'username', v -> 'basic_username', 'password', v -> 'basic_password') END,
        'api_key', CASE WHEN v ->> 'type' = 'api_key' THEN jsonb_build_object(
          'header_name', v -> 'api_key_header_name', 'header_value', v -> 'api_key_header_value') END),
      'created_at', r -> 'created_at', 'updated_at', r -> 'updated_at')
      ORDER BY r ->> 'id'), '[]') FROM source),
  'endpoints', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'uid', r -> 'id', 'project_id', r -> 'project_id', 'owner_id', r -> 'owner_id',
      'name', coalesce(r -> 'name', r -> 'title'), 'url', coalesce(r -> 'url', r -> 'target_url'),
      'description', r -> 'description', 'support_email', r -> 'support_email',
      'slack_webhook_url', r -> 'slack_webhook_url', 'teams_webhook_url', r -> 'teams_webhook_url',
      'status', r -> 'status', 'content_type', r -> 'content_type',
      'http_timeout', r -> 'http_timeout', 'rate_limit', r -> 'rate_limit',
      'rate_limit_duration', r -> 'rate_limit_duration',
      'advanced_signatures', r -> 'advanced_signatures',
      'is_encrypted', r -> 'is_encrypted', 'secrets', pg_temp.json(r -> 'secrets'),
      'mtls_client_cert', pg_temp.json(r -> 'mtls_client_cert'),
      'authentication', CASE WHEN coalesce(r ->> 'authentication_type', '') <> '' THEN jsonb_build_object(
        'type', r -> 'authentication_type',
        'api_key', CASE WHEN r ->> 'authentication_type' = 'api_key' THEN jsonb_build_object(
          'header_name', r -> 'authentication_type_api_key_header_name',
          'header_value', r -> 'authentication_type_api_key_header_value') END,
        'basic_auth', pg_temp.json(r -> 'basic_auth_config'),
        'oauth2', pg_temp.json(r -> 'oauth2_config')) END,
      'created_at', r -> 'created_at', 'updated_at', r -> 'updated_at')
      ORDER BY r ->> 'id'), '[]') FROM endpoint),
  'subscriptions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'uid', r -> 'id', 'project_id', r -> 'project_id', 'name', r -> 'name', 'type', r -> 'type',
      'endpoint_id', r -> 'endpoint_id', 'source_id', r -> 'source_id',
      'function', r -> 'function', 'delivery_mode', coalesce(r ->> 'delivery_mode', ''),
      'alert_config', jsonb_build_object('count', r -> 'alert_config_count',
                                         'threshold', r -> 'alert_config_threshold'),
      'retry_config', jsonb_build_object('type', r -> 'retry_config_type',
                                         'duration', r -> 'retry_config_duration',
                                         'retry_count', r -> 'retry_config_retry_count'),
      'rate_limit_config', jsonb_build_object('count', r -> 'rate_limit_config_count',
                                              'duration', r -> 'rate_limit_config_duration'),
      'filter_config', jsonb_build_object(
        'event_types', r -> 'filter_config_event_types',
        'filter', jsonb_build_object(
          'headers', pg_temp.condition(r, 'headers'), 'body', pg_temp.condition(r, 'body'),
          'query', pg_temp.condition(r, 'query'), 'path', pg_temp.condition(r, 'path'))),
      'filters', coalesce(filters, '[]'),
      'created_at', r -> 'created_at', 'updated_at', r -> 'updated_at')
      ORDER BY r ->> 'id'), '[]') FROM subscription),
  'api_keys', (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'uid', r -> 'id', 'name', r -> 'name', 'key_type', r -> 'key_type',
      'mask_id', r -> 'mask_id', 'salt', r -> 'salt', 'hash', r -> 'hash',
      'role', jsonb_build_object('type', r -> 'role_type', 'project', r -> 'role_project'),
      'expires_at', r -> 'expires_at', 'created_at', r -> 'created_at')
      ORDER BY r ->> 'id'), '[]') FROM api_key));

ROLLBACK;
