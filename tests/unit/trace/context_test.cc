#include "lib/trace/context.h"

#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "lib/base/text.h"

namespace convoy::trace {
namespace {

// The example of the specification, section 3.2.
constexpr const char* kTraceHeader = "traceparent";
constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Event EventWith(Headers headers) { return {.id = "EVENT", .headers = std::move(headers)}; }

std::string ValueOf(const Headers& headers, std::string_view name) {
  return std::string(base::FindHeader(headers, name).value_or("<none>"));
}

TEST_CASE("context: a trace that comes in goes on, with the sender's span as the parent") {
  const Event event = EventWith({{"TraceParent", kParent}, {"tracestate", "vendor=1"}});
  const TraceContext context = TraceOf(event, kTraceHeader);
  CHECK(context.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(context.sender_id == "00f067aa0ba902b7");
  CHECK(context.flags == "01");
  Headers headers = event.headers;
  SetContext(event, {.id = "DELIVERY"}, kTraceHeader, headers);
  CHECK(ValueOf(headers, "traceparent") ==
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + AttemptSpanIdOf("DELIVERY", 1) + "-01");
  CHECK(ValueOf(headers, "tracestate") == "vendor=1");
}

TEST_CASE("context: what is no traceparent begins a trace of the event's own") {
  const TraceContext own = TraceOf(EventWith({}), kTraceHeader);
  CHECK(own.trace_id.size() == 32);
  CHECK(own.sender_id.empty());
  for (const std::string& wrong :
       {std::string(), std::string("nonsense"), std::string(kParent) + "-more",
        std::string(kParent).substr(0, 54), "ff" + std::string(kParent).substr(2),
        std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01"),
        std::string("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")}) {
    INFO(wrong);
    const Event event = EventWith({{"traceparent", wrong}, {"tracestate", "vendor=1"}});
    CHECK(TraceOf(event, kTraceHeader).trace_id == own.trace_id);
    Headers headers = event.headers;
    SetContext(event, {.id = "DELIVERY"}, kTraceHeader, headers);
    CHECK(ValueOf(headers, "tracestate") == "<none>");
    CHECK(base::FindHeader(headers, "traceparent")->starts_with("00-" + own.trace_id));
  }
  CHECK(TraceOf(EventWith({{"traceparent", kParent}, {"traceparent", kParent}}), kTraceHeader)
            .trace_id == own.trace_id);
}

TEST_CASE("context: a later version is read as far as it is known") {
  const std::string later = "01" + std::string(kParent).substr(2) + "-more";
  CHECK(TraceOf(EventWith({{"traceparent", later}}), kTraceHeader).sender_id == "00f067aa0ba902b7");
}

TEST_CASE("context: every attempt is a span of its own, the same in every process") {
  std::set<std::string> ids;
  for (const char* delivery : {"A", "B"}) {
    for (uint32_t number = 1; number < 50; ++number) ids.insert(AttemptSpanIdOf(delivery, number));
  }
  CHECK(ids.size() == 98);
  CHECK(AttemptSpanIdOf("A", 1) == AttemptSpanIdOf("A", 1));
  CHECK(AttemptSpanIdOf("A", 1).size() == 16);
}

TEST_CASE("context: the header is the host's choice") {
  const Event event = EventWith({{"X-Trace", kParent}, {"traceparent", "is a header like others"}});
  CHECK(TraceOf(event, "x-trace").sender_id == "00f067aa0ba902b7");
  Headers headers = event.headers;
  SetContext(event, {.id = "DELIVERY"}, "X-Trace", headers);
  CHECK(ValueOf(headers, "X-Trace").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
  CHECK(ValueOf(headers, "traceparent") == "is a header like others");
  for (const char* name : {"traceparent", "X-Trace", "uber-trace"}) {
    CHECK(CheckTraceHeader(name).ok());
  }
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("host"), std::string("Content-Type"),
        std::string("TraceState"), std::string("X\r\nY"), std::string(129, 'x')}) {
    INFO(name);
    CHECK(CheckTraceHeader(name).code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("context: a reception is a span of its own, the same in every process") {
  CHECK(ReceptionSpanIdOf("A").size() == 16);
  CHECK(ReceptionSpanIdOf("A") == ReceptionSpanIdOf("A"));
  CHECK(ReceptionSpanIdOf("A") != ReceptionSpanIdOf("B"));
  CHECK(ReceptionSpanIdOf("A") != AttemptSpanIdOf("A", 1));
}

TEST_CASE("context: a project's own header goes before the host's") {
  CHECK(HeaderOf({}, "traceparent") == "traceparent");
  CHECK(HeaderOf({.trace_header = "X-Trace"}, "traceparent") == "X-Trace");
}

TEST_CASE("context: the state belongs to the trace that is gone on with") {
  const Event event = EventWith({{"traceparent", kParent}, {"tracestate", "vendor=1"}});
  CHECK(StateOf(event, TraceOf(event, kTraceHeader)) == "vendor=1");
  CHECK(StateOf(event, TraceOf(event, "X-Trace")).empty());
}

}  // namespace
}  // namespace convoy::trace
