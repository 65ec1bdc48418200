#include "lib/dispatch/trace.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

// The example of the specification, section 3.2.
constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Event EventWith(Headers headers) { return {.id = "EVENT", .headers = std::move(headers)}; }

std::string ValueOf(const Headers& headers, std::string_view name) {
  return std::string(base::FindHeader(headers, name).value_or("<none>"));
}

TEST_CASE("trace: a trace that comes in goes on, with the sender's span as the parent") {
  const Event event = EventWith({{"TraceParent", kParent}, {"tracestate", "vendor=1"}});
  const TraceContext context = TraceOf(event);
  CHECK(context.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(context.parent_id == "00f067aa0ba902b7");
  CHECK(context.flags == "01");
  Headers headers = event.headers;
  SetTraceContext(event, {.id = "DELIVERY"}, headers);
  CHECK(ValueOf(headers, "traceparent") ==
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + SpanIdOf("DELIVERY", 1) + "-01");
  CHECK(ValueOf(headers, "tracestate") == "vendor=1");
}

TEST_CASE("trace: what is no traceparent begins a trace of the event's own") {
  const TraceContext own = TraceOf(EventWith({}));
  CHECK(own.trace_id.size() == 32);
  CHECK(own.parent_id.empty());
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
    CHECK(TraceOf(event).trace_id == own.trace_id);
    Headers headers = event.headers;
    SetTraceContext(event, {.id = "DELIVERY"}, headers);
    CHECK(ValueOf(headers, "tracestate") == "<none>");
    CHECK(base::FindHeader(headers, "traceparent")->starts_with("00-" + own.trace_id));
  }
  CHECK(TraceOf(EventWith({{"traceparent", kParent}, {"traceparent", kParent}})).trace_id ==
        own.trace_id);
}

TEST_CASE("trace: a later version is read as far as it is known") {
  const std::string later = "01" + std::string(kParent).substr(2) + "-more";
  CHECK(TraceOf(EventWith({{"traceparent", later}})).parent_id == "00f067aa0ba902b7");
}

TEST_CASE("trace: every attempt is a span of its own, the same in every process") {
  std::set<std::string> ids;
  for (const char* delivery : {"A", "B"}) {
    for (uint32_t number = 1; number < 50; ++number) ids.insert(SpanIdOf(delivery, number));
  }
  CHECK(ids.size() == 98);
  CHECK(SpanIdOf("A", 1) == SpanIdOf("A", 1));
  CHECK(SpanIdOf("A", 1).size() == 16);
}

class RecordingObserver final : public Observer {
 public:
  void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) override {
    CHECK(level == LogLevel::kDebug);
    CHECK(event == "span");
    for (const LogField& field : fields) {
      said.push_back(std::string(field.key) + "=" + std::string(field.value));
    }
  }
  std::vector<std::string> said;
};

TEST_CASE("trace: an attempt that has ended is told with its span") {
  RecordingObserver observer;
  const Event event = EventWith({{"traceparent", kParent}});
  const Delivery delivery{.id = "DELIVERY", .endpoint_id = "ENDPOINT", .attempts_count = 2};
  const Attempt attempt{.http_status = 503,
                        .error = "the endpoint answered 503",
                        .requested_at = testing::SimEpoch(),
                        .responded_at = testing::SimEpoch() + absl::Milliseconds(3)};
  TellSpan(event, delivery, attempt, "throttled", observer);
  Headers headers;
  SetTraceContext(event, delivery, headers);
  const auto has = [&](const std::string& field) {
    return std::find(observer.said.begin(), observer.said.end(), field) != observer.said.end();
  };
  CHECK(has("trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
  CHECK(has("parent_span_id=00f067aa0ba902b7"));
  CHECK(has("span_id=" + ValueOf(headers, "traceparent").substr(36, 16)));
  CHECK(has("start_us=1777629600000000"));
  CHECK(has("end_us=1777629600003000"));
  CHECK(has("outcome=throttled"));
  CHECK(has("http_status=503"));
  CHECK(has("attempt_number=3"));
}

}  // namespace
}  // namespace convoy::dispatch
