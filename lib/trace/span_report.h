// Report of a span that has ended to those who take spans.
#pragma once

#include <span>
#include <string_view>

#include "convoy/observer.h"
#include "convoy/span.h"

namespace convoy::trace {

// Hands `span` to the observer, as a log line "span" of the level kDebug, which has `fields` behind
// those of the span itself; and to the sink, unless it is null. `flags` are those of its trace.
void ReportSpan(const Span& span, std::string_view flags, std::span<const LogField> fields,
                Observer& observer, SpanSink* sink);

}  // namespace convoy::trace
