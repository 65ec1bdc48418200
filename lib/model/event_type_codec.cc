// Stored JSON of event types, of filters for one event type, and of meta events' settings.
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/time_text.h"
#include "lib/model/codec.h"
#include "lib/model/codec_pieces.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

namespace {

void WriteTimeIfSet(Writer& writer, std::string_view key, const std::optional<absl::Time>& time) {
  if (time.has_value()) WriteTime(writer, key, *time);
}

void ReadTimeIfSet(ObjectReader& reader, std::string_view key, std::optional<absl::Time>* out) {
  int64_t micros = 0;
  if (reader.Read(key, &micros)) *out = base::FromMicros(micros);
}

}  // namespace

// A name may hold anything but a NUL; an id holds no slash.
std::string EventTypeKey(std::string_view project_id, std::string_view name) {
  return absl::StrCat(project_id, "/", name);
}

std::string Encode(const EventType& type) {
  Writer writer;
  writer.BeginObject()
      .Field("id", type.id)
      .Field("project_id", type.project_id)
      .Field("name", type.name)
      .FieldIfSet("category", type.category)
      .FieldIfSet("description", type.description)
      .FieldIfSet("json_schema", type.json_schema);
  WriteTimeIfSet(writer, "deprecated_at_us", type.deprecated_at);
  WriteTime(writer, "created_at_us", type.created_at);
  WriteTime(writer, "updated_at_us", type.updated_at);
  writer.EndObject();
  return writer.TakeText();
}

absl::StatusOr<EventType> DecodeEventType(std::string_view text) {
  return DecodeStored<EventType>(text, [](ObjectReader& reader, EventType& type) {
    reader.Read("id", &type.id);
    reader.Read("project_id", &type.project_id);
    reader.Read("name", &type.name);
    reader.Read("category", &type.category);
    reader.Read("description", &type.description);
    reader.Read("json_schema", &type.json_schema);
    ReadTimeIfSet(reader, "deprecated_at_us", &type.deprecated_at);
    ReadTime(reader, "created_at_us", &type.created_at);
    ReadTime(reader, "updated_at_us", &type.updated_at);
  });
}

void WriteTypeFilters(Writer& writer, const std::vector<TypeFilter>& filters) {
  writer.Key("type_filters").BeginArray();
  for (const TypeFilter& filter : filters) {
    writer.BeginObject()
        .Field("id", filter.id)
        .Field("event_type", filter.event_type)
        .FieldIfSet("headers", filter.content.headers)
        .FieldIfSet("body", filter.content.body)
        .FieldIfSet("query", filter.content.query)
        .FieldIfSet("path", filter.content.path);
    WriteTimeIfSet(writer, "enabled_at_us", filter.enabled_at);
    writer.EndObject();
  }
  writer.EndArray();
}

void ReadTypeFilters(ObjectReader& parent, std::vector<TypeFilter>* out) {
  const json::Value* const array = parent.Array("type_filters");
  if (array == nullptr) return;
  for (const json::Value& element : array->GetArray()) {
    ObjectReader reader(element);
    TypeFilter filter;
    reader.Read("id", &filter.id);
    reader.Read("event_type", &filter.event_type);
    reader.Read("headers", &filter.content.headers);
    reader.Read("body", &filter.content.body);
    reader.Read("query", &filter.content.query);
    reader.Read("path", &filter.content.path);
    ReadTimeIfSet(reader, "enabled_at_us", &filter.enabled_at);
    parent.Fail(reader.status());
    out->push_back(std::move(filter));
  }
}

void WriteMetaEvents(Writer& writer, const MetaEventConfig& config) {
  writer.Key("meta_events")
      .BeginObject()
      .Field("is_enabled", config.is_enabled)
      .FieldIfSet("url", config.url)
      .FieldIfSet("secret", config.secret);
  WriteTexts(writer, "event_types", config.event_types);
  writer.FieldIfSet("project_id", config.project_id)
      .FieldIfSet("endpoint_id", config.endpoint_id)
      .FieldIfSet("subscription_id", config.subscription_id)
      .EndObject();
}

void ReadMetaEvents(ObjectReader& parent, std::optional<MetaEventConfig>* out) {
  const json::Value* const object = parent.Object("meta_events");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  MetaEventConfig& config = out->emplace();
  reader.Read("is_enabled", &config.is_enabled);
  reader.Read("url", &config.url);
  reader.Read("secret", &config.secret);
  reader.Read("event_types", &config.event_types);
  reader.Read("project_id", &config.project_id);
  reader.Read("endpoint_id", &config.endpoint_id);
  reader.Read("subscription_id", &config.subscription_id);
  parent.Fail(reader.status());
}

}  // namespace convoy::model
