// Stored form of endpoints.
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/time_text.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/codec.h"
#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"
#include "lib/model/oauth2_codec.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

namespace {

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

}  // namespace convoy::model
