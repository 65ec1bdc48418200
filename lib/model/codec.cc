// Stored JSON of configuration objects. Durations are whole microseconds where a client may set
// any, so nothing is lost; instants are microseconds since 1970.
#include "lib/model/codec.h"

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"
#include "lib/model/oauth2_codec.h"

namespace convoy::model {
namespace {

using json::ObjectReader;
using json::Writer;

void WriteRetry(Writer& writer, const RetryPolicy& retry) {
  writer.Key("retry").BeginObject().Field("strategy", Name(retry.strategy));
  WriteDuration(writer, "interval_us", retry.interval);
  writer.Field("attempts_max", retry.attempts_max).EndObject();
}

bool ReadRetry(ObjectReader& parent, RetryPolicy* out) {
  const json::Value* object = parent.Object("retry");
  if (object == nullptr) return false;
  ObjectReader reader(*object);
  ReadEnum(reader, "strategy", &out->strategy);
  ReadDuration(reader, "interval_us", &out->interval);
  reader.Read("attempts_max", &out->attempts_max);
  parent.Fail(reader.status());
  return true;
}

void WriteRateLimit(Writer& writer, const RateLimit& limit) {
  writer.Key("rate_limit").BeginObject().Field("count", limit.count);
  WriteDuration(writer, "window_us", limit.window);
  writer.EndObject();
}

void ReadRateLimit(ObjectReader& parent, RateLimit* out) {
  const json::Value* object = parent.Object("rate_limit");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  reader.Read("count", &out->count);
  ReadDuration(reader, "window_us", &out->window);
  parent.Fail(reader.status());
}

void WriteAlert(Writer& writer, const AlertConfig& alert) {
  writer.Key("alert").BeginObject().Field("count", alert.count);
  WriteDuration(writer, "window_us", alert.window);
  writer.EndObject();
}

void ReadAlert(ObjectReader& parent, std::optional<AlertConfig>* out) {
  const json::Value* object = parent.Object("alert");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  AlertConfig& alert = out->emplace();
  reader.Read("count", &alert.count);
  ReadDuration(reader, "window_us", &alert.window);
  parent.Fail(reader.status());
}

// Project.

void WriteSignature(Writer& writer, const SignatureConfig& signature) {
  writer.Key("signature").BeginObject().Field("header", signature.header);
  writer.Key("versions").BeginArray();
  for (const SignatureVersion& version : signature.versions) {
    writer.BeginObject()
        .Field("id", version.id)
        .Field("hash", Name(version.hash))
        .Field("encoding", Name(version.encoding));
    WriteTime(writer, "created_at_us", version.created_at);
    writer.EndObject();
  }
  writer.EndArray();
  if (signature.standard != StandardSignature::kNone) {
    writer.Field("standard", Name(signature.standard));
  }
  writer.FieldIfSet("signing_key", signature.signing_key).EndObject();
}

void ReadSignature(ObjectReader& parent, SignatureConfig* out) {
  const json::Value* object = parent.Object("signature");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  reader.Read("header", &out->header);
  ReadEnum(reader, "standard", &out->standard);
  reader.Read("signing_key", &out->signing_key);
  if (const json::Value* versions = reader.Array("versions")) {
    for (const json::Value& element : versions->GetArray()) {
      ObjectReader fields(element);
      SignatureVersion version;
      fields.Read("id", &version.id);
      ReadEnum(fields, "hash", &version.hash);
      ReadEnum(fields, "encoding", &version.encoding);
      ReadTime(fields, "created_at_us", &version.created_at);
      parent.Fail(fields.status());
      out->versions.push_back(std::move(version));
    }
  }
  parent.Fail(reader.status());
}

void WriteBreaker(Writer& writer, const CircuitBreaker& breaker) {
  writer.Key("circuit_breaker").BeginObject();
  WriteDuration(writer, "sample_interval_us", breaker.sample_interval);
  WriteDuration(writer, "error_timeout_us", breaker.error_timeout);
  WriteDuration(writer, "window_us", breaker.window);
  writer.Field("failure_threshold", breaker.failure_threshold)
      .Field("success_threshold", breaker.success_threshold)
      .Field("requests_min", breaker.requests_min)
      .Field("consecutive_failures_max", breaker.consecutive_failures_max)
      .EndObject();
}

void ReadBreaker(ObjectReader& parent, std::optional<CircuitBreaker>* out) {
  const json::Value* object = parent.Object("circuit_breaker");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  CircuitBreaker& breaker = out->emplace();
  ReadDuration(reader, "sample_interval_us", &breaker.sample_interval);
  ReadDuration(reader, "error_timeout_us", &breaker.error_timeout);
  ReadDuration(reader, "window_us", &breaker.window);
  reader.Read("failure_threshold", &breaker.failure_threshold);
  reader.Read("success_threshold", &breaker.success_threshold);
  reader.Read("requests_min", &breaker.requests_min);
  reader.Read("consecutive_failures_max", &breaker.consecutive_failures_max);
  parent.Fail(reader.status());
}

void WriteConfig(Writer& writer, const ProjectConfig& config) {
  writer.Key("config").BeginObject().Field("body_bytes_max", config.body_bytes_max);
  WriteRetry(writer, config.retry);
  WriteRateLimit(writer, config.rate_limit);
  WriteSignature(writer, config.signature);
  writer.Field("request_id_header", config.request_id_header)
      .Field("has_trace_headers", config.has_trace_headers)
      .Field("should_disable_endpoint", config.should_disable_endpoint)
      .Field("may_share_endpoint", config.may_share_endpoint)
      .Field("is_https_required", config.is_https_required);
  if (config.circuit_breaker.has_value()) WriteBreaker(writer, *config.circuit_breaker);
  if (config.meta_events.has_value()) WriteMetaEvents(writer, *config.meta_events);
  if (config.has_verified_dynamic_events) writer.Field("has_verified_dynamic_events", true);
  if (config.has_replay_prevention) writer.Field("has_replay_prevention", true);
  if (config.retention.has_value()) WriteDuration(writer, "retention_us", *config.retention);
  if (config.is_retention_enabled) writer.Field("is_retention_enabled", true);
  writer.FieldIfSet("search_policy", config.search_policy);
  writer.EndObject();
}

void ReadConfig(ObjectReader& parent, ProjectConfig* out) {
  const json::Value* object = parent.Object("config");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  reader.Read("body_bytes_max", &out->body_bytes_max);
  ReadRetry(reader, &out->retry);
  ReadRateLimit(reader, &out->rate_limit);
  ReadSignature(reader, &out->signature);
  reader.Read("request_id_header", &out->request_id_header);
  reader.Read("has_trace_headers", &out->has_trace_headers);
  reader.Read("should_disable_endpoint", &out->should_disable_endpoint);
  reader.Read("may_share_endpoint", &out->may_share_endpoint);
  reader.Read("is_https_required", &out->is_https_required);
  ReadBreaker(reader, &out->circuit_breaker);
  ReadMetaEvents(reader, &out->meta_events);
  reader.Read("has_verified_dynamic_events", &out->has_verified_dynamic_events);
  reader.Read("has_replay_prevention", &out->has_replay_prevention);
  if (reader.Has("retention_us")) ReadDuration(reader, "retention_us", &out->retention.emplace());
  reader.Read("is_retention_enabled", &out->is_retention_enabled);
  reader.Read("search_policy", &out->search_policy);
  parent.Fail(reader.status());
}

// Endpoint and source.

void WriteSecrets(Writer& writer, const std::vector<Secret>& secrets) {
  writer.Key("secrets").BeginArray();
  for (const Secret& secret : secrets) {
    writer.BeginObject().Field("id", secret.id).Field("value", secret.value);
    if (secret.expires_at.has_value()) WriteTime(writer, "expires_at_us", *secret.expires_at);
    WriteTime(writer, "created_at_us", secret.created_at);
    WriteTime(writer, "updated_at_us", secret.updated_at);
    writer.EndObject();
  }
  writer.EndArray();
}

void ReadSecrets(ObjectReader& parent, std::vector<Secret>* out) {
  const json::Value* array = parent.Array("secrets");
  if (array == nullptr) return;
  for (const json::Value& element : array->GetArray()) {
    ObjectReader reader(element);
    Secret secret;
    reader.Read("id", &secret.id);
    reader.Read("value", &secret.value);
    int64_t expires_at_us = 0;
    if (reader.Read("expires_at_us", &expires_at_us)) {
      secret.expires_at = base::FromMicros(expires_at_us);
    }
    ReadTime(reader, "created_at_us", &secret.created_at);
    ReadTime(reader, "updated_at_us", &secret.updated_at);
    parent.Fail(reader.status());
    out->push_back(std::move(secret));
  }
}

}  // namespace

std::string Encode(const Project& project) {
  Writer writer;
  writer.BeginObject()
      .Field("id", project.id)
      .Field("name", project.name)
      .Field("type", Name(project.type))
      .FieldIfSet("logo_url", project.logo_url);
  WriteConfig(writer, project.config);
  writer.FieldIfSet("parent_id", project.parent_id);
  WriteTime(writer, "created_at_us", project.created_at);
  WriteTime(writer, "updated_at_us", project.updated_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<Project> DecodeProject(std::string_view text) {
  return DecodeStored<Project>(text, [](ObjectReader& reader, Project& project) {
    reader.Read("id", &project.id);
    reader.Read("name", &project.name);
    ReadEnum(reader, "type", &project.type);
    reader.Read("logo_url", &project.logo_url);
    ReadConfig(reader, &project.config);
    reader.Read("parent_id", &project.parent_id);
    ReadTime(reader, "created_at_us", &project.created_at);
    ReadTime(reader, "updated_at_us", &project.updated_at);
  });
}

std::string Encode(const Endpoint& endpoint) {
  Writer writer;
  writer.BeginObject()
      .Field("id", endpoint.id)
      .Field("project_id", endpoint.project_id)
      .FieldIfSet("owner_id", endpoint.owner_id)
      .Field("name", endpoint.name)
      .Field("url", endpoint.url)
      .FieldIfSet("description", endpoint.description)
      .FieldIfSet("support_email", endpoint.support_email)
      .FieldIfSet("slack_webhook_url", endpoint.slack_webhook_url)
      .FieldIfSet("teams_webhook_url", endpoint.teams_webhook_url)
      .Field("status", Name(endpoint.status));
  WriteSecrets(writer, endpoint.secrets);
  writer.Field("has_advanced_signatures", endpoint.has_advanced_signatures);
  if (endpoint.standard_signature.has_value()) {
    writer.Field("standard_signature", Name(*endpoint.standard_signature));
  }
  WriteDuration(writer, "timeout_us", endpoint.timeout);
  WriteRateLimit(writer, endpoint.rate_limit);
  writer.Field("content_type", endpoint.content_type);
  if (endpoint.is_fifo) writer.Field("is_fifo", true);
  WriteAuth(writer, endpoint.auth);
  WriteTls(writer, endpoint.tls);
  WriteTime(writer, "created_at_us", endpoint.created_at);
  WriteTime(writer, "updated_at_us", endpoint.updated_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<Endpoint> DecodeEndpoint(std::string_view text) {
  return DecodeStored<Endpoint>(text, [](ObjectReader& reader, Endpoint& endpoint) {
    reader.Read("id", &endpoint.id);
    reader.Read("project_id", &endpoint.project_id);
    reader.Read("owner_id", &endpoint.owner_id);
    reader.Read("name", &endpoint.name);
    reader.Read("url", &endpoint.url);
    reader.Read("description", &endpoint.description);
    reader.Read("support_email", &endpoint.support_email);
    reader.Read("slack_webhook_url", &endpoint.slack_webhook_url);
    reader.Read("teams_webhook_url", &endpoint.teams_webhook_url);
    ReadEnum(reader, "status", &endpoint.status);
    ReadSecrets(reader, &endpoint.secrets);
    reader.Read("has_advanced_signatures", &endpoint.has_advanced_signatures);
    if (reader.Has("standard_signature")) {
      ReadEnum(reader, "standard_signature", &endpoint.standard_signature.emplace());
    }
    ReadDuration(reader, "timeout_us", &endpoint.timeout);
    ReadRateLimit(reader, &endpoint.rate_limit);
    reader.Read("content_type", &endpoint.content_type);
    reader.Read("is_fifo", &endpoint.is_fifo);
    ReadAuth(reader, &endpoint.auth);
    ReadTls(reader, &endpoint.tls);
    ReadTime(reader, "created_at_us", &endpoint.created_at);
    ReadTime(reader, "updated_at_us", &endpoint.updated_at);
  });
}

std::string Encode(const Source& source) {
  Writer writer;
  writer.BeginObject()
      .Field("id", source.id)
      .Field("project_id", source.project_id)
      .Field("mask_id", source.mask_id)
      .Field("name", source.name)
      .Field("type", Name(source.type))
      .Field("provider", Name(source.provider))
      .Field("is_disabled", source.is_disabled)
      .Field("verify_mode", Name(source.verify_mode));
  WriteVerifier(writer, source.verifier);
  writer.FieldIfSet("response_body", source.custom_response.body)
      .FieldIfSet("response_content_type", source.custom_response.content_type);
  WriteTexts(writer, "idempotency_keys", source.idempotency_keys);
  writer.FieldIfSet("event_type_location", source.event_type_location);
  WriteTexts(writer, "forward_headers", source.forward_headers);
  WriteBroker(writer, source.broker);
  writer.Field("workers_count", source.workers_count)
      .Field("message_format", Name(source.message_format))
      .FieldIfSet("raw_event_type", source.raw_event_type)
      .FieldIfSet("message_event_type_location", source.message_locations.event_type)
      .FieldIfSet("message_idempotency_key_location", source.message_locations.idempotency_key)
      .FieldIfSet("message_endpoint_id_location", source.message_locations.endpoint_id)
      .FieldIfSet("message_owner_id_location", source.message_locations.owner_id)
      .FieldIfSet("body_function", source.body_function)
      .FieldIfSet("header_function", source.header_function);
  WriteTime(writer, "created_at_us", source.created_at);
  WriteTime(writer, "updated_at_us", source.updated_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<Source> DecodeSource(std::string_view text) {
  return DecodeStored<Source>(text, [](ObjectReader& reader, Source& source) {
    reader.Read("id", &source.id);
    reader.Read("project_id", &source.project_id);
    reader.Read("mask_id", &source.mask_id);
    reader.Read("name", &source.name);
    ReadEnum(reader, "type", &source.type);
    ReadEnum(reader, "provider", &source.provider);
    reader.Read("is_disabled", &source.is_disabled);
    ReadVerifier(reader, &source.verifier);
    ReadEnum(reader, "verify_mode", &source.verify_mode);
    reader.Read("response_body", &source.custom_response.body);
    reader.Read("response_content_type", &source.custom_response.content_type);
    reader.Read("idempotency_keys", &source.idempotency_keys);
    reader.Read("event_type_location", &source.event_type_location);
    reader.Read("forward_headers", &source.forward_headers);
    ReadBroker(reader, &source.broker);
    reader.Read("workers_count", &source.workers_count);
    ReadEnum(reader, "message_format", &source.message_format);
    reader.Read("raw_event_type", &source.raw_event_type);
    MessageLocations& locations = source.message_locations;
    reader.Read("message_event_type_location", &locations.event_type);
    reader.Read("message_idempotency_key_location", &locations.idempotency_key);
    reader.Read("message_endpoint_id_location", &locations.endpoint_id);
    reader.Read("message_owner_id_location", &locations.owner_id);
    reader.Read("body_function", &source.body_function);
    reader.Read("header_function", &source.header_function);
    ReadTime(reader, "created_at_us", &source.created_at);
    ReadTime(reader, "updated_at_us", &source.updated_at);
  });
}

std::string Encode(const Subscription& subscription) {
  Writer writer;
  writer.BeginObject()
      .Field("id", subscription.id)
      .Field("project_id", subscription.project_id)
      .Field("name", subscription.name)
      .FieldIfSet("source_id", subscription.source_id)
      .Field("endpoint_id", subscription.endpoint_id);
  WriteTexts(writer, "event_types", subscription.event_types);
  writer.FieldIfSet("filter_headers", subscription.filter.headers)
      .FieldIfSet("filter_body", subscription.filter.body)
      .FieldIfSet("filter_query", subscription.filter.query)
      .FieldIfSet("filter_path", subscription.filter.path);
  if (!subscription.type_filters.empty()) WriteTypeFilters(writer, subscription.type_filters);
  if (subscription.retry.has_value()) WriteRetry(writer, *subscription.retry);
  writer.Field("delivery_mode", Name(subscription.delivery_mode))
      .FieldIfSet("function", subscription.function);
  if (subscription.rate_limit.has_value()) WriteRateLimit(writer, *subscription.rate_limit);
  if (subscription.alert.has_value()) WriteAlert(writer, *subscription.alert);
  WriteTime(writer, "created_at_us", subscription.created_at);
  WriteTime(writer, "updated_at_us", subscription.updated_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<Subscription> DecodeSubscription(std::string_view text) {
  return DecodeStored<Subscription>(text, [](ObjectReader& reader, Subscription& subscription) {
    reader.Read("id", &subscription.id);
    reader.Read("project_id", &subscription.project_id);
    reader.Read("name", &subscription.name);
    reader.Read("source_id", &subscription.source_id);
    reader.Read("endpoint_id", &subscription.endpoint_id);
    reader.Read("event_types", &subscription.event_types);
    reader.Read("filter_headers", &subscription.filter.headers);
    reader.Read("filter_body", &subscription.filter.body);
    reader.Read("filter_query", &subscription.filter.query);
    reader.Read("filter_path", &subscription.filter.path);
    ReadTypeFilters(reader, &subscription.type_filters);
    RetryPolicy retry;
    if (ReadRetry(reader, &retry)) subscription.retry = retry;
    ReadEnum(reader, "delivery_mode", &subscription.delivery_mode);
    reader.Read("function", &subscription.function);
    if (reader.Has("rate_limit")) ReadRateLimit(reader, &subscription.rate_limit.emplace());
    ReadAlert(reader, &subscription.alert);
    ReadTime(reader, "created_at_us", &subscription.created_at);
    ReadTime(reader, "updated_at_us", &subscription.updated_at);
  });
}

std::string Encode(const ApiKey& key) {
  Writer writer;
  writer.BeginObject()
      .Field("id", key.id)
      .Field("name", key.name)
      .Field("mask_id", key.mask_id)
      .Field("salt", base::Base64Encode(key.salt))
      .Field("hash", base::Base64Encode(key.hash))
      .Field("role", Name(key.role))
      .FieldIfSet("project_id", key.project_id);
  if (key.expires_at.has_value()) WriteTime(writer, "expires_at_us", *key.expires_at);
  WriteTime(writer, "created_at_us", key.created_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<ApiKey> DecodeApiKey(std::string_view text) {
  return DecodeStored<ApiKey>(text, [](ObjectReader& reader, ApiKey& key) {
    std::string salt, hash;
    reader.Read("id", &key.id);
    reader.Read("name", &key.name);
    reader.Read("mask_id", &key.mask_id);
    reader.Read("salt", &salt);
    reader.Read("hash", &hash);
    ReadEnum(reader, "role", &key.role);
    reader.Read("project_id", &key.project_id);
    int64_t expires_at_us = 0;
    if (reader.Read("expires_at_us", &expires_at_us)) {
      key.expires_at = base::FromMicros(expires_at_us);
    }
    ReadTime(reader, "created_at_us", &key.created_at);
    const auto salt_bytes = base::Base64Decode(salt), hash_bytes = base::Base64Decode(hash);
    if (!salt_bytes.has_value() || !hash_bytes.has_value()) {
      reader.Fail(absl::DataLossError("stored API key is not base64"));
      return;
    }
    key.salt = *salt_bytes;
    key.hash = *hash_bytes;
  });
}

}  // namespace convoy::model
