// Report of a span; see span_report.h.
#include "lib/trace/span_report.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace convoy::trace {
namespace {

std::string_view NameOf(SpanKind kind) {
  switch (kind) {
    case SpanKind::kInternal:
      return "internal";
    case SpanKind::kServer:
      return "server";
    case SpanKind::kClient:
      return "client";
    case SpanKind::kProducer:
      return "producer";
    case SpanKind::kConsumer:
      return "consumer";
  }
  return "";
}

}  // namespace

void ReportSpan(const Span& span, std::string_view flags, std::span<const LogField> fields,
                Observer& observer, SpanSink* sink) {
  const std::string start = absl::StrCat(absl::ToUnixMicros(span.start));
  const std::string end = absl::StrCat(absl::ToUnixMicros(span.end));
  std::vector<LogField> said = {{"name", span.name},
                                {"kind", NameOf(span.kind)},
                                {"trace_id", span.trace_id},
                                {"span_id", span.span_id},
                                {"parent_span_id", span.parent_span_id},
                                {"trace_flags", flags},
                                {"start_us", start},
                                {"end_us", end}};
  said.insert(said.end(), fields.begin(), fields.end());
  observer.Log(LogLevel::kDebug, "span", said);
  if (sink != nullptr) sink->Take(span);
}

}  // namespace convoy::trace
