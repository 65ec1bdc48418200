// Stored form of subscriptions.
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/codec.h"
#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

namespace {

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

}  // namespace

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

}  // namespace convoy::model
