// Writer of OTLP's JSON: ids are hexadecimal, enumerations are numbers, 64-bit integers are texts.
#include "lib/otlp/span_json.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "convoy/version.h"
#include "lib/json/writer.h"

namespace convoy::otlp {
namespace {

constexpr uint32_t kSampledFlag = 1;  // the low byte is that of W3C Trace Context

void WriteText(std::string_view key, std::string_view value, json::Writer& out) {
  out.BeginObject().Field("key", key).Key("value").BeginObject();
  out.Field("stringValue", value).EndObject().EndObject();
}

void WriteAttribute(const SpanAttribute& attribute, json::Writer& out) {
  if (const auto* text = std::get_if<std::string_view>(&attribute.value)) {
    return WriteText(attribute.key, *text, out);
  }
  out.BeginObject().Field("key", attribute.key).Key("value").BeginObject();
  out.Field("intValue", std::string_view(absl::StrCat(std::get<int64_t>(attribute.value))));
  out.EndObject().EndObject();
}

}  // namespace

std::string EncodeSpan(const Span& span) {
  json::Writer out;
  out.BeginObject()
      .Field("traceId", span.trace_id)
      .Field("spanId", span.span_id)
      .FieldIfSet("parentSpanId", span.parent_span_id)
      .FieldIfSet("traceState", span.trace_state)
      .Field("flags", span.is_sampled ? kSampledFlag : uint32_t{0})
      .Field("name", span.name)
      .Field("kind", static_cast<uint32_t>(span.kind))
      .Field("startTimeUnixNano", std::string_view(absl::StrCat(absl::ToUnixNanos(span.start))))
      .Field("endTimeUnixNano", std::string_view(absl::StrCat(absl::ToUnixNanos(span.end))));
  out.Key("attributes").BeginArray();
  for (const SpanAttribute& attribute : span.attributes) WriteAttribute(attribute, out);
  out.EndArray().Key("status").BeginObject();
  if (span.status != SpanStatus::kUnset) out.Field("code", static_cast<uint32_t>(span.status));
  out.FieldIfSet("message", span.status_message).EndObject().EndObject();
  return out.TakeText();
}

std::string EncodeRequest(std::string_view service_name, std::span<const std::string> spans) {
  json::Writer out;
  out.BeginObject().Key("resourceSpans").BeginArray().BeginObject();
  out.Key("resource").BeginObject().Key("attributes").BeginArray();
  WriteText("service.name", service_name, out);
  out.EndArray().EndObject();
  out.Key("scopeSpans").BeginArray().BeginObject();
  out.Key("scope").BeginObject().Field("name", "libconvoy").Field("version", kVersion).EndObject();
  out.Key("spans").BeginArray();
  for (const std::string& span : spans) out.Raw(span);
  out.EndArray().EndObject().EndArray().EndObject().EndArray().EndObject();
  return out.TakeText();
}

}  // namespace convoy::otlp
