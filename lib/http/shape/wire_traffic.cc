// JSON of events, deliveries, attempts and held inputs.
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/base/time_text.h"
#include "lib/body/body_view.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/event_headers.h"
#include "lib/model/names.h"

namespace convoy::http {
namespace {

using json::Writer;
using model::Name;

// Headers of one name, whatever its case, in their order; names in the order of their first. A
// message of a broker may have very many.
std::vector<std::vector<const Header*>> ByName(const Headers& headers) {
  std::vector<std::vector<const Header*>> groups;
  absl::flat_hash_map<std::string, size_t> places;
  for (const Header& header : headers) {
    const auto [place, is_new] =
        places.try_emplace(absl::AsciiStrToLower(header.name), groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back(&header);
  }
  return groups;
}

// {"Name": ["value", …]}, as events and deliveries show headers.
void WriteHeaderLists(Writer& writer, const Headers& headers) {
  writer.Key("headers").BeginObject();
  for (const auto& group : ByName(headers)) {
    writer.Key(group.front()->name).BeginArray();
    for (const Header* header : group) writer.String(header->value);
    writer.EndArray();
  }
  writer.EndObject();
}

// {"Name": "value"}, as attempts do.
void WriteHeaderMap(Writer& writer, std::string_view key, const Headers& headers) {
  if (headers.empty()) return;
  writer.Key(key).BeginObject();
  for (const auto& group : ByName(headers)) writer.Field(group.front()->name, group.front()->value);
  writer.EndObject();
}

void WriteRaw(Writer& writer, std::string_view body) {
  if (base::IsValidUtf8(body)) {
    writer.Field("raw", body);
  } else {
    writer.Field("raw", base::Base64Encode(body)).Field("raw_encoding", "base64");
  }
}

// JSON and forms as JSON in "data"; anything else in "raw", as text or as base64.
void WriteData(Writer& writer, const Event& event, bool has_data = true) {
  if (!has_data) {
    writer.Field("size", uint64_t{event.body.size()});
    return;
  }
  body::BodyView view(event.content_type, event.headers, event.body);
  if (const auto value = body::AsJsonValue(view)) {
    writer.Key("data").Raw(*value);
  } else {
    WriteRaw(writer, event.body);
  }
}

void WriteStamps(Writer& writer, absl::Time created_at, absl::Time updated_at) {
  WriteTimeField(writer, "created_at", created_at);
  WriteTimeField(writer, "updated_at", updated_at);
  WriteNullField(writer, "deleted_at");
}

void WriteDeliveryMetadata(Writer& writer, const Delivery& delivery, const Event& event,
                           bool has_data = true) {
  writer.Key("metadata").BeginObject();
  WriteData(writer, event, has_data);
  writer.Field("strategy", Name(delivery.retry.strategy))
      .Field("num_trials", delivery.attempts_count)
      .Field("interval_seconds", absl::ToInt64Seconds(delivery.retry.interval))
      .Field("retry_limit", delivery.retry.attempts_max);
  WriteTimeField(writer, "next_send_time", delivery.due_at);
  writer.EndObject();
}

// The keys of the contract say nothing of time beyond two instants: this one is ours.
void WriteTimings(Writer& writer, const Attempt& attempt) {
  if (attempt.elapsed == absl::ZeroDuration()) return;
  const PhaseTimings& phases = attempt.phases;
  writer.Key("timings_us")
      .BeginObject()
      .Field("name_lookup", absl::ToInt64Microseconds(phases.name_lookup))
      .Field("connect", absl::ToInt64Microseconds(phases.connect))
      .Field("tls", absl::ToInt64Microseconds(phases.tls))
      .Field("first_byte", absl::ToInt64Microseconds(phases.first_byte))
      .Field("total", absl::ToInt64Microseconds(attempt.elapsed))
      .EndObject();
}

}  // namespace

void WriteEvent(Writer& writer, const Event& event, bool has_data) {
  writer.BeginObject()
      .Field("uid", event.id)
      .Field("event_type", event.event_type)
      .FieldIfSet("source_id", event.source_id)
      .Field("project_id", event.project_id);
  WriteTextsField(writer, "endpoints", event.endpoint_ids);
  WriteHeaderLists(writer, event.headers);
  writer.Field("content_type", event.content_type)
      .Field("url_query_params", event.url_query)
      .Field("url_path", event.url_path)
      .Field("idempotency_key", event.idempotency_key)
      .Field("is_duplicate_event", event.is_duplicate);
  WriteData(writer, event, has_data);
  writer.Field("status", Name(event.status)).FieldIfSet("failure_reason", event.failure_reason);
  WriteTimeField(writer, "acknowledged_at", event.acknowledged_at);
  WriteStamps(writer, event.created_at, event.created_at);
  writer.EndObject();
}

void WriteDelivery(Writer& writer, const Delivery& delivery, const Event& event,
                   const Endpoint* endpoint, bool has_data) {
  writer.BeginObject()
      .Field("uid", delivery.id)
      .Field("project_id", delivery.project_id)
      .Field("event_id", delivery.event_id)
      .Field("endpoint_id", delivery.endpoint_id)
      .Field("subscription_id", delivery.subscription_id)
      .Field("device_id", "")
      .Field("event_type", delivery.event_type)
      .Field("idempotency_key", delivery.idempotency_key)
      .Field("delivery_mode", Name(delivery.mode))
      .Field("status", Name(delivery.status))
      .FieldIfSet("description", delivery.description)
      .Field("url_query_params", event.url_query)
      .Field("latency", absl::FormatDuration(delivery.latency));
  writer.Key("latency_seconds").Double(absl::ToDoubleSeconds(delivery.latency));
  WriteHeaderLists(writer, event.headers);
  writer.Key("endpoint_metadata").BeginObject();
  if (endpoint != nullptr) {
    writer.Field("uid", endpoint->id)
        .Field("name", endpoint->name)
        .Field("project_id", endpoint->project_id)
        .FieldIfSet("owner_id", endpoint->owner_id)
        .Field("url", endpoint->url)
        .Field("status", Name(endpoint->status));
  }
  writer.EndObject();
  writer.Key("event_metadata")
      .BeginObject()
      .Field("uid", event.id)
      .Field("event_type", event.event_type)
      .EndObject();
  WriteDeliveryMetadata(writer, delivery, event, has_data);
  WriteNullField(writer, "cli_metadata");
  WriteTimeField(writer, "acknowledged_at", event.acknowledged_at);
  WriteStamps(writer, delivery.created_at, delivery.updated_at);
  writer.EndObject();
}

void WriteAttempt(Writer& writer, const Attempt& attempt) {
  writer.BeginObject()
      .Field("uid", attempt.id)
      .Field("project_id", attempt.project_id)
      .Field("endpoint_id", attempt.endpoint_id)
      .Field("msg_id", attempt.delivery_id)
      .Field("url", attempt.url)
      .Field("method", attempt.method)
      .FieldIfSet("ip_address", attempt.remote_ip);
  WriteHeaderMap(writer, "request_http_header", attempt.request_headers);
  WriteHeaderMap(writer, "response_http_header", attempt.response_headers);
  if (attempt.http_status != 0) writer.Field("http_status", absl::StrCat(attempt.http_status));
  writer.FieldIfSet("response_data", attempt.response_body).FieldIfSet("error", attempt.error);
  if (attempt.is_success) writer.Field("status", true);
  WriteTimeField(writer, "requested_at", attempt.requested_at);
  WriteTimeField(writer, "responded_at", attempt.responded_at);
  WriteTimings(writer, attempt);
  WriteStamps(writer, attempt.requested_at, attempt.responded_at);
  writer.EndObject();
}

void WriteMetaEvent(Writer& writer, const std::string& project_id, const Delivery& delivery,
                    const Event& event, const Attempt* last) {
  writer.BeginObject()
      .Field("uid", delivery.id)
      .Field("project_id", project_id)
      .Field("event_type", delivery.event_type)
      .Field("status", Name(delivery.status));
  WriteDeliveryMetadata(writer, delivery, event);
  writer.Key("attempt");
  if (last == nullptr) {
    writer.Null();
  } else {
    writer.BeginObject();
    WriteHeaderMap(writer, "request_http_header", last->request_headers);
    WriteHeaderMap(writer, "response_http_header", last->response_headers);
    writer.FieldIfSet("response_data", last->response_body).EndObject();
  }
  WriteStamps(writer, delivery.created_at, delivery.updated_at);
  writer.EndObject();
}

void WriteHeld(Writer& writer, const HeldInput& input, const Source* source, bool has_body) {
  const verify::Credentials credentials =
      source == nullptr ? verify::Credentials() : verify::CredentialsOf(*source);
  Headers shown = input.headers;
  for (Header& header : shown) {
    if (intake::IsSecretHeader(credentials, header.name)) header.value = "[redacted]";
  }
  writer.BeginObject()
      .Field("uid", input.id)
      .Field("project_id", input.project_id)
      .Field("source_id", input.source_id)
      .Field("kind", Name(input.kind))
      .Field("reason", input.reason)
      .Field("detail", input.detail)
      .Field("method", input.method)
      .Field("url_path", input.path)
      .Field("url_query_params", intake::KeepQuery(credentials, input.query));
  WriteHeaderLists(writer, shown);
  writer.Field("position", input.redelivery_id).Field("size", uint64_t{input.body.size()});
  if (has_body) WriteRaw(writer, input.body);
  WriteTimeField(writer, "received_at", input.received_at);
  if (input.expires_at == absl::InfiniteFuture()) {
    WriteNullField(writer, "expires_at");
  } else {
    WriteTimeField(writer, "expires_at", input.expires_at);
  }
  writer.EndObject();
}

}  // namespace convoy::http
