// Stored form of sources.
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/codec.h"
#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

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

}  // namespace convoy::model
