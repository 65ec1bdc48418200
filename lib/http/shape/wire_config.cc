// JSON of configuration objects.
#include "absl/strings/str_cat.h"

#include "lib/base/time_text.h"
#include "lib/http/shape/pub_sub.h"
#include "lib/http/shape/wire.h"
#include "lib/model/names.h"
#include "lib/sign/standard_webhooks.h"

namespace convoy::http {
namespace {

using json::Writer;
using model::Name;

void WriteStamps(Writer& writer, absl::Time created_at, absl::Time updated_at) {
  WriteTimeField(writer, "created_at", created_at);
  WriteTimeField(writer, "updated_at", updated_at);
  WriteNullField(writer, "deleted_at");
}

void WriteBreaker(Writer& writer, const CircuitBreaker& breaker) {
  writer.Key("circuit_breaker")
      .BeginObject()
      .Field("sample_rate", absl::ToInt64Seconds(breaker.sample_interval))
      .Field("error_timeout", absl::ToInt64Seconds(breaker.error_timeout))
      .Field("failure_threshold", breaker.failure_threshold)
      .Field("success_threshold", breaker.success_threshold)
      .Field("observability_window", absl::ToInt64Minutes(breaker.window))
      .Field("minimum_request_count", breaker.requests_min)
      .Field("consecutive_failure_threshold", breaker.consecutive_failures_max)
      .EndObject();
}

// As Go writes a duration: "10s", "1m30s", "2h0m0s".
std::string GoText(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  const int64_t hours = seconds / 3600, minutes = seconds / 60 % 60;
  std::string text = hours > 0 ? absl::StrCat(hours, "h") : "";
  if (seconds >= 60) absl::StrAppend(&text, minutes, "m");
  absl::StrAppend(&text, seconds % 60, "s");
  return text;
}

void WriteConfig(Writer& writer, const ProjectConfig& config) {
  writer.Key("config").BeginObject().Field("max_payload_read_size", config.body_bytes_max);
  writer.Key("ratelimit")
      .BeginObject()
      .Field("count", config.rate_limit.count)
      .Field("duration", absl::ToInt64Seconds(config.rate_limit.window))
      .EndObject();
  writer.Key("strategy")
      .BeginObject()
      .Field("type", Name(config.retry.strategy))
      .Field("duration", absl::ToInt64Seconds(config.retry.interval))
      .Field("retry_count", config.retry.attempts_max)
      .EndObject();
  writer.Key("signature").BeginObject().Field("header", config.signature.header);
  writer.Key("versions").BeginArray();
  for (const SignatureVersion& version : config.signature.versions) {
    writer.BeginObject()
        .Field("uid", version.id)
        .Field("hash", Name(version.hash))
        .Field("encoding", Name(version.encoding));
    WriteTimeField(writer, "created_at", version.created_at);
    writer.EndObject();
  }
  writer.EndArray();
  // Additions to Convoy's contract, shown where they are used.
  if (config.signature.standard != StandardSignature::kNone) {
    writer.Field("standard_webhooks", Name(config.signature.standard));
  }
  if (const auto key = sign::PublicKeyOf(config.signature.signing_key)) {
    writer.Field("signing_public_key", *key);
  }
  writer.EndObject();
  writer.Key("ssl")
      .BeginObject()
      .Field("enforce_secure_endpoints", config.is_https_required)
      .EndObject();
  writer.Field("request_id_header", config.request_id_header)
      .Field("add_event_id_trace_headers", config.has_trace_headers)
      .Field("disable_endpoint", config.should_disable_endpoint)
      .Field("multiple_endpoint_subscriptions", config.has_multiple_endpoint_subscriptions)
      .Field("verify_dynamic_events", config.has_verified_dynamic_events)
      .Field("replay_attacks_prevention_enabled", config.has_replay_prevention)
      .FieldIfSet("search_policy", config.search_policy)
      .FieldIfSet("trace_header", config.trace_header);  // an addition to Convoy's contract
  // Not of Convoy's contract any more, and shown where it was given.
  if (config.retention.has_value()) {
    writer.Field("retention_policy_enabled", config.is_retention_enabled);
    writer.Key("retention_policy").BeginObject().Field("policy", GoText(*config.retention));
    writer.EndObject();
  }
  if (config.meta_events.has_value()) {
    const MetaEventConfig& meta = *config.meta_events;
    writer.Key("meta_event")
        .BeginObject()
        .Field("is_enabled", meta.is_enabled)
        .Field("type", "http")
        .Field("url", meta.url)
        .Field("secret", meta.secret);
    WriteTextsField(writer, "event_type", meta.event_types);
    writer.EndObject();
  }
  if (config.circuit_breaker.has_value()) WriteBreaker(writer, *config.circuit_breaker);
  writer.EndObject();
}

void WriteSecrets(Writer& writer, const std::vector<Secret>& secrets) {
  writer.Key("secrets").BeginArray();
  for (const Secret& secret : secrets) {
    writer.BeginObject().Field("uid", secret.id).Field("value", secret.value);
    if (secret.expires_at.has_value()) {
      WriteTimeField(writer, "expires_at", *secret.expires_at);
    } else {
      WriteNullField(writer, "expires_at");
    }
    if (const auto key = sign::PublicKeyOf(secret.value)) writer.Field("public_key", *key);
    WriteStamps(writer, secret.created_at, secret.updated_at);
    writer.EndObject();
  }
  writer.EndArray();
}

// Parts of other resources, without their secrets.
void WriteEndpointMetadata(Writer& writer, const Endpoint* endpoint) {
  writer.Key("endpoint_metadata");
  if (endpoint == nullptr) {
    writer.Null();
    return;
  }
  writer.BeginObject()
      .Field("uid", endpoint->id)
      .Field("name", endpoint->name)
      .Field("project_id", endpoint->project_id)
      .FieldIfSet("owner_id", endpoint->owner_id)
      .FieldIfSet("support_email", endpoint->support_email)
      .Field("url", endpoint->url)
      .Field("status", Name(endpoint->status))
      .EndObject();
}

void WriteSourceMetadata(Writer& writer, const Source* source) {
  writer.Key("source_metadata");
  if (source == nullptr) {
    writer.Null();
    return;
  }
  writer.BeginObject()
      .Field("uid", source->id)
      .Field("name", source->name)
      .Field("project_id", source->project_id)
      .Field("mask_id", source->mask_id)
      .Field("type", Name(source->type))
      .Field("is_disabled", source->is_disabled)
      .EndObject();
}

void WriteSeconds(Writer& writer, std::string_view key, absl::Duration duration, bool is_text) {
  if (is_text) {
    writer.Field(key, GoText(duration));
  } else {
    writer.Field(key, absl::ToInt64Seconds(duration));
  }
}

void WriteCondition(Writer& writer, std::string_view key, const std::string& condition) {
  writer.Key(key).Raw(condition.empty() ? "{}" : condition);
}

}  // namespace

void WriteTimeField(Writer& writer, std::string_view key, absl::Time time) {
  writer.Field(key, base::FormatTime(time));
}

void WriteNullField(Writer& writer, std::string_view key) { writer.Key(key).Null(); }

void WriteTextOrNull(Writer& writer, std::string_view key, std::string_view text) {
  if (text.empty()) return WriteNullField(writer, key);
  writer.Field(key, text);
}

void WriteTextsField(Writer& writer, std::string_view key, const std::vector<std::string>& texts) {
  writer.Key(key).BeginArray();
  for (const std::string& text : texts) writer.String(text);
  writer.EndArray();
}

void WriteProject(Writer& writer, const Project& project) {
  writer.BeginObject()
      .Field("uid", project.id)
      .Field("name", project.name)
      .Field("logo_url", project.logo_url)
      .Field("type", Name(project.type));
  WriteConfig(writer, project.config);
  WriteNullField(writer, "statistics");
  writer.Field("retained_events", 0);
  WriteStamps(writer, project.created_at, project.updated_at);
  writer.EndObject();
}

void WriteEndpoint(Writer& writer, const Endpoint& endpoint, ApiVersion version,
                   const std::optional<dispatch::EndpointHealth>& health) {
  writer.BeginObject()
      .Field("uid", endpoint.id)
      .Field("project_id", endpoint.project_id)
      .FieldIfSet("owner_id", endpoint.owner_id)
      .Field("url", endpoint.url)
      .Field("name", endpoint.name)
      .Field("description", endpoint.description)
      .FieldIfSet("support_email", endpoint.support_email)
      .FieldIfSet("slack_webhook_url", endpoint.slack_webhook_url)
      .FieldIfSet("teams_webhook_url", endpoint.teams_webhook_url)
      .Field("status", Name(endpoint.status))
      .Field("advanced_signatures", endpoint.has_advanced_signatures)
      .Field("rate_limit", endpoint.rate_limit.count)
      .Field("content_type", endpoint.content_type);
  WriteSeconds(writer, "http_timeout", endpoint.timeout, version.has_text_durations);
  WriteSeconds(writer, "rate_limit_duration", endpoint.rate_limit.window,
               version.has_text_durations);
  if (version.has_old_names) {
    writer.Field("target_url", endpoint.url).Field("title", endpoint.name);
  }
  if (endpoint.is_fifo) writer.Field("fifo", true);
  if (endpoint.standard_signature.has_value()) {
    writer.Field("standard_webhooks", Name(*endpoint.standard_signature));
  }
  WriteSecrets(writer, endpoint.secrets);
  WriteAuthentication(writer, endpoint.auth);
  WriteTls(writer, endpoint.tls);
  if (health.has_value() && health->has_breaker) {
    writer.Key("failure_rate").Double(health->failure_rate);
    writer.Field("cb_state", dispatch::NameOf(health->breaker_state));
  } else {
    WriteNullField(writer, "failure_rate");
    WriteNullField(writer, "cb_state");
  }
  if (health.has_value() && health->throttled_until.has_value()) {
    WriteTimeField(writer, "throttled_until", *health->throttled_until);
  }
  WriteStamps(writer, endpoint.created_at, endpoint.updated_at);
  writer.EndObject();
}

void WriteSource(Writer& writer, const Source& source, std::string_view public_url) {
  writer.BeginObject()
      .Field("uid", source.id)
      .Field("project_id", source.project_id)
      .Field("mask_id", source.mask_id)
      .Field("name", source.name)
      .Field("type", Name(source.type))
      .Field("provider", Name(source.provider))
      .Field("is_disabled", source.is_disabled)
      .Field("verify_mode", Name(source.verify_mode))
      .Field("url", absl::StrCat(public_url, "/ingest/", source.mask_id))
      .Field("event_type_location", source.event_type_location);
  WriteVerifier(writer, source);
  writer.Key("custom_response")
      .BeginObject()
      .Field("body", source.custom_response.body)
      .Field("content_type", source.custom_response.content_type)
      .EndObject();
  WriteTextsField(writer, "idempotency_keys", source.idempotency_keys);
  WriteTextsField(writer, "forward_headers", source.forward_headers);
  WritePubSub(writer, source);
  WriteNullField(writer, "provider_config");
  WriteTextOrNull(writer, "body_function", source.body_function);
  WriteTextOrNull(writer, "header_function", source.header_function);
  WriteStamps(writer, source.created_at, source.updated_at);
  writer.EndObject();
}

void WriteSubscription(Writer& writer, const Subscription& subscription, const Endpoint* endpoint,
                       const Source* source, ApiVersion version) {
  writer.BeginObject()
      .Field("uid", subscription.id)
      .Field("name", subscription.name)
      .Field("project_id", subscription.project_id)
      .Field("type", "api")
      .Field("delivery_mode", Name(subscription.delivery_mode));
  writer.Key("filter_config").BeginObject();
  WriteTextsField(writer, "event_types", subscription.event_types);
  writer.Key("filter").BeginObject().Field("is_flattened", false);
  WriteCondition(writer, "headers", subscription.filter.headers);
  WriteCondition(writer, "body", subscription.filter.body);
  WriteCondition(writer, "query", subscription.filter.query);
  WriteCondition(writer, "path", subscription.filter.path);
  writer.EndObject().EndObject();
  if (subscription.retry.has_value()) {
    writer.Key("retry_config")
        .BeginObject()
        .Field("type", Name(subscription.retry->strategy))
        .Field("retry_count", subscription.retry->attempts_max);
    WriteSeconds(writer, "duration", subscription.retry->interval, version.has_text_retry);
    writer.EndObject();
  }
  if (subscription.rate_limit.has_value()) {
    writer.Key("rate_limit_config")
        .BeginObject()
        .Field("count", subscription.rate_limit->count)
        .Field("duration", absl::ToInt64Seconds(subscription.rate_limit->window))
        .EndObject();
  }
  if (subscription.alert.has_value()) {
    writer.Key("alert_config")
        .BeginObject()
        .Field("count", subscription.alert->count)
        .Field("threshold", GoText(subscription.alert->window))
        .EndObject();
  }
  WriteEndpointMetadata(writer, endpoint);
  WriteSourceMetadata(writer, source);
  WriteNullField(writer, "device_metadata");
  WriteTextOrNull(writer, "function", subscription.function);
  WriteStamps(writer, subscription.created_at, subscription.updated_at);
  writer.EndObject();
}

void WriteApiKey(Writer& writer, const ApiKey& key, std::string_view text) {
  writer.BeginObject().Field("uid", key.id).Field("name", key.name);
  writer.Key("role")
      .BeginObject()
      .Field("type", Name(key.role))
      .FieldIfSet("project", key.project_id)
      .EndObject();
  writer.Field("key_type", "project");
  if (key.expires_at.has_value()) {
    WriteTimeField(writer, "expires_at", *key.expires_at);
  } else {
    WriteNullField(writer, "expires_at");
  }
  writer.FieldIfSet("key", text);
  WriteTimeField(writer, "created_at", key.created_at);
  writer.EndObject();
}

}  // namespace convoy::http
