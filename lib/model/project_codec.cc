// Stored form of projects.
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/codec.h"
#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

namespace {

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
      .Field("may_share_endpoint", config.has_multiple_endpoint_subscriptions)
      .Field("is_https_required", config.is_https_required);
  if (config.circuit_breaker.has_value()) WriteBreaker(writer, *config.circuit_breaker);
  if (config.meta_events.has_value()) WriteMetaEvents(writer, *config.meta_events);
  if (config.has_verified_dynamic_events) writer.Field("has_verified_dynamic_events", true);
  if (config.has_replay_prevention) writer.Field("has_replay_prevention", true);
  if (config.retention.has_value()) WriteDuration(writer, "retention_us", *config.retention);
  if (config.is_retention_enabled) writer.Field("is_retention_enabled", true);
  writer.FieldIfSet("search_policy", config.search_policy)
      .FieldIfSet("trace_header", config.trace_header);
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
  reader.Read("may_share_endpoint", &out->has_multiple_endpoint_subscriptions);
  reader.Read("is_https_required", &out->is_https_required);
  ReadBreaker(reader, &out->circuit_breaker);
  ReadMetaEvents(reader, &out->meta_events);
  reader.Read("has_verified_dynamic_events", &out->has_verified_dynamic_events);
  reader.Read("has_replay_prevention", &out->has_replay_prevention);
  if (reader.Has("retention_us")) ReadDuration(reader, "retention_us", &out->retention.emplace());
  reader.Read("is_retention_enabled", &out->is_retention_enabled);
  reader.Read("search_policy", &out->search_policy);
  reader.Read("trace_header", &out->trace_header);
  parent.Fail(reader.status());
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

}  // namespace convoy::model
