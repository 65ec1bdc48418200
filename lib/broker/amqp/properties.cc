// Pure functions over properties that librabbitmq has decoded.
#include "lib/broker/amqp/properties.h"

#include <charconv>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

#include "lib/base/text.h"

namespace convoy::broker::amqp {
namespace {

template <typename Float>
std::string FloatText(Float value) {
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return std::string(text, error == std::errc() ? end : text);
}

// 12345 with 2 decimals is 123.45.
std::string DecimalText(const amqp_decimal_t& decimal) {
  std::string digits = absl::StrCat(decimal.value);
  if (decimal.decimals == 0) return digits;
  if (digits.size() <= decimal.decimals) {
    digits.insert(0, decimal.decimals + 1 - digits.size(), '0');
  }
  return digits.insert(digits.size() - decimal.decimals, 1, '.');
}

std::optional<std::string> ValueText(const amqp_field_value_t& field) {
  switch (field.kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
      return field.value.boolean != 0 ? "true" : "false";
    case AMQP_FIELD_KIND_I8:
      return absl::StrCat(int{field.value.i8});
    case AMQP_FIELD_KIND_U8:
      return absl::StrCat(int{field.value.u8});
    case AMQP_FIELD_KIND_I16:
      return absl::StrCat(field.value.i16);
    case AMQP_FIELD_KIND_U16:
      return absl::StrCat(field.value.u16);
    case AMQP_FIELD_KIND_I32:
      return absl::StrCat(field.value.i32);
    case AMQP_FIELD_KIND_U32:
      return absl::StrCat(field.value.u32);
    case AMQP_FIELD_KIND_I64:
      return absl::StrCat(field.value.i64);
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return absl::StrCat(field.value.u64);
    case AMQP_FIELD_KIND_F32:
      return FloatText(field.value.f32);
    case AMQP_FIELD_KIND_F64:
      return FloatText(field.value.f64);
    case AMQP_FIELD_KIND_DECIMAL:
      return DecimalText(field.value.decimal);
    case AMQP_FIELD_KIND_UTF8:
      return std::string(View(field.value.bytes));
    default:
      return std::nullopt;
  }
}

void AddUnlessThere(std::string_view name, const amqp_bytes_t& value, Headers* attributes) {
  if (base::FindHeader(*attributes, name).has_value()) return;
  attributes->push_back({std::string(name), std::string(View(value))});
}

}  // namespace

Headers ToAttributes(const amqp_basic_properties_t& properties) {
  Headers attributes;
  const auto has = [&properties](amqp_flags_t flag) { return (properties._flags & flag) != 0; };
  if (has(AMQP_BASIC_HEADERS_FLAG)) {
    attributes.reserve(static_cast<size_t>(properties.headers.num_entries));
    for (int i = 0; i < properties.headers.num_entries; ++i) {
      const amqp_table_entry_t& entry = properties.headers.entries[i];
      std::optional<std::string> value = ValueText(entry.value);
      if (!value.has_value()) continue;
      attributes.push_back({std::string(View(entry.key)), *std::move(value)});
    }
  }
  if (has(AMQP_BASIC_CONTENT_TYPE_FLAG)) {
    AddUnlessThere("x-amqp-content-type", properties.content_type, &attributes);
  }
  if (has(AMQP_BASIC_CONTENT_ENCODING_FLAG)) {
    AddUnlessThere("x-amqp-content-encoding", properties.content_encoding, &attributes);
  }
  if (has(AMQP_BASIC_CORRELATION_ID_FLAG)) {
    AddUnlessThere("x-amqp-correlation-id", properties.correlation_id, &attributes);
  }
  if (has(AMQP_BASIC_TYPE_FLAG)) AddUnlessThere("x-amqp-type", properties.type, &attributes);
  return attributes;
}

std::string_view MessageId(const amqp_basic_properties_t& properties) {
  if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) == 0) return {};
  return View(properties.message_id);
}

}  // namespace convoy::broker::amqp
