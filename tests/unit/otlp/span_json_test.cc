#include "lib/otlp/span_json.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "lib/json/raw.h"

namespace convoy::otlp {
namespace {

std::string At(std::string_view text, std::string_view path) {
  const auto value = json::FindPath(text, path, {});
  if (!value.has_value()) return "<none>";
  return std::string(value->text);
}

TEST_CASE("span_json: ids are hexadecimal, kinds are numbers, 64-bit integers are texts") {
  const SpanAttribute attributes[] = {{"a.text", "x\"y"}, {"a.number", int64_t{1} << 60}};
  const std::string text = EncodeSpan({.name = "deliver",
                                       .kind = SpanKind::kClient,
                                       .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
                                       .span_id = "00f067aa0ba902b7",
                                       .parent_span_id = "53995c3f42cd8ad8",
                                       .trace_state = "vendor=1",
                                       .start = absl::FromUnixNanos(1777629600'000001000),
                                       .end = absl::FromUnixNanos(1777629600'000003000),
                                       .attributes = attributes,
                                       .status = SpanStatus::kError,
                                       .status_message = "it \xff failed"});
  REQUIRE(json::Validate(text, {}).ok());
  CHECK(At(text, "traceId") == "\"4bf92f3577b34da6a3ce929d0e0e4736\"");
  CHECK(At(text, "parentSpanId") == "\"53995c3f42cd8ad8\"");
  CHECK(At(text, "kind") == "3");
  CHECK(At(text, "flags") == "1");
  CHECK(At(text, "startTimeUnixNano") == "\"1777629600000001000\"");
  CHECK(At(text, "endTimeUnixNano") == "\"1777629600000003000\"");
  CHECK(At(text, "attributes.0.value.stringValue") == "\"x\\\"y\"");
  CHECK(At(text, "attributes.1.value.intValue") == "\"1152921504606846976\"");
  CHECK(At(text, "status.code") == "2");
}

TEST_CASE("span_json: what a span does not have is left out") {
  const std::string text = EncodeSpan({.trace_id = "t", .span_id = "s", .is_sampled = false});
  CHECK(At(text, "parentSpanId") == "<none>");
  CHECK(At(text, "traceState") == "<none>");
  CHECK(At(text, "status.code") == "<none>");
  CHECK(At(text, "flags") == "0");
}

TEST_CASE("span_json: a request names the service and has the spans in order") {
  const std::vector<std::string> spans = {EncodeSpan({.name = "a"}), EncodeSpan({.name = "b"})};
  const std::string text = EncodeRequest("shop", spans);
  REQUIRE(json::Validate(text, {}).ok());
  CHECK(At(text, "resourceSpans.0.resource.attributes.0.key") == "\"service.name\"");
  CHECK(At(text, "resourceSpans.0.resource.attributes.0.value.stringValue") == "\"shop\"");
  CHECK(At(text, "resourceSpans.0.scopeSpans.0.scope.name") == "\"libconvoy\"");
  CHECK(At(text, "resourceSpans.0.scopeSpans.0.spans.0.name") == "\"a\"");
  CHECK(At(text, "resourceSpans.0.scopeSpans.0.spans.1.name") == "\"b\"");
}

}  // namespace
}  // namespace convoy::otlp
