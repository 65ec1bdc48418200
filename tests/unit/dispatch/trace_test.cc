#include "lib/dispatch/trace.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

// The example of the specification, section 3.2.
constexpr const char* kTraceHeader = "traceparent";
constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Event EventWith(Headers headers) { return {.id = "EVENT", .headers = std::move(headers)}; }

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
  TellSpan({.event = event,
            .delivery = delivery,
            .attempt = attempt,
            .context = trace::TraceOf(event, kTraceHeader),
            .outcome = "throttled"},
           observer, nullptr);
  Headers headers;
  trace::SetContext(event, delivery, kTraceHeader, headers);
  const auto has = [&](const std::string& field) {
    return std::find(observer.said.begin(), observer.said.end(), field) != observer.said.end();
  };
  CHECK(has("trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
  CHECK(has("parent_span_id=" + trace::ReceptionSpanIdOf("EVENT")));
  CHECK(has("span_id=" + std::string(base::FindHeader(headers, kTraceHeader)->substr(36, 16))));
  CHECK(has("name=deliver"));
  CHECK(has("kind=client"));
  CHECK(has("start_us=1777629600000000"));
  CHECK(has("end_us=1777629600003000"));
  CHECK(has("outcome=throttled"));
  CHECK(has("http_status=503"));
  CHECK(has("attempt_number=3"));
}

// Keeps what it is handed, as texts.
class RecordingSink final : public SpanSink {
 public:
  void Take(const Span& span) override {
    ++count;
    ids = absl::StrCat(span.trace_id, " ", span.parent_span_id, " ", span.span_id);
    kind = span.kind;
    status = span.status;
    message = span.status_message;
    state = span.trace_state;
    is_sampled = span.is_sampled;
    duration = span.end - span.start;
    attributes.clear();
    for (const SpanAttribute& each : span.attributes) {
      const auto* text = std::get_if<std::string_view>(&each.value);
      attributes[std::string(each.key)] =
          text != nullptr ? std::string(*text) : absl::StrCat(std::get<int64_t>(each.value));
    }
  }

  int count = 0;
  std::string ids, message, state;
  SpanKind kind = SpanKind::kInternal;
  SpanStatus status = SpanStatus::kUnset;
  bool is_sampled = false;
  absl::Duration duration;
  std::map<std::string, std::string> attributes;
};

struct Told {
  Event event = EventWith({{"traceparent", kParent}, {"tracestate", "vendor=1"}});
  Delivery delivery{.id = "DELIVERY", .project_id = "PROJECT", .endpoint_id = "ENDPOINT"};
  Attempt attempt{.url = "https://user:word@hooks.test:8443/secret/path?token=1",
                  .http_status = 200,
                  .remote_ip = "192.0.2.7",
                  .is_success = true,
                  .requested_at = testing::SimEpoch(),
                  .responded_at = testing::SimEpoch() + absl::Milliseconds(3)};
  std::string outcome = "delivered";

  RecordingSink Tell() const {
    RecordingSink sink;
    Observer silent;
    TellSpan({.event = event,
              .delivery = delivery,
              .attempt = attempt,
              .context = trace::TraceOf(event, kTraceHeader),
              .outcome = outcome},
             silent, &sink);
    REQUIRE(sink.count == 1);
    return sink;
  }
};

TEST_CASE("trace: a sink gets an attempt as OpenTelemetry has it, without what a URL hides") {
  const Told told;
  const RecordingSink sink = told.Tell();
  CHECK(sink.ids == "4bf92f3577b34da6a3ce929d0e0e4736 " + trace::ReceptionSpanIdOf("EVENT") + " " +
                        trace::AttemptSpanIdOf("DELIVERY", 1));
  CHECK(sink.kind == SpanKind::kClient);
  CHECK(sink.status == SpanStatus::kUnset);
  CHECK(sink.state == "vendor=1");
  CHECK(sink.is_sampled);
  CHECK(sink.duration == absl::Milliseconds(3));
  CHECK(sink.attributes.at("http.request.method") == "POST");
  CHECK(sink.attributes.at("http.response.status_code") == "200");
  CHECK(sink.attributes.at("server.address") == "hooks.test");
  CHECK(sink.attributes.at("server.port") == "8443");
  CHECK(sink.attributes.at("network.peer.address") == "192.0.2.7");
  CHECK(sink.attributes.at("convoy.delivery.id") == "DELIVERY");
  CHECK(sink.attributes.at("convoy.outcome") == "delivered");
  CHECK(sink.attributes.count("error.type") == 0);
  CHECK(sink.attributes.count("http.request.resend_count") == 0);
  for (const auto& [key, value] : sink.attributes) {
    CHECK(value.find("secret") == std::string::npos);
    CHECK(value.find("word") == std::string::npos);
    CHECK(value.find("token") == std::string::npos);
  }
}

TEST_CASE("trace: a failed attempt is an error, of its status or of what prevented an answer") {
  Told told;
  told.delivery.attempts_count = 2;
  told.attempt.is_success = false;
  told.attempt.error = "the endpoint answered 503";
  told.attempt.http_status = 503;
  told.outcome = "throttled";
  RecordingSink sink = told.Tell();
  CHECK(sink.status == SpanStatus::kError);
  CHECK(sink.message == "the endpoint answered 503");
  CHECK(sink.attributes.at("error.type") == "503");
  CHECK(sink.attributes.at("http.request.resend_count") == "2");
  told.attempt.http_status = 0;
  told.attempt.remote_ip = "";
  told.attempt.url = "http://[::1]/";
  told.outcome = "timed_out";
  sink = told.Tell();
  CHECK(sink.attributes.at("error.type") == "timed_out");
  CHECK(sink.attributes.count("http.response.status_code") == 0);
  CHECK(sink.attributes.at("server.address") == "[::1]");
  CHECK(sink.attributes.at("server.port") == "80");
}

TEST_CASE("trace: whether a trace is kept is for who began it; a clock that is set back is borne") {
  Told told;
  told.event.headers = {{"traceparent", std::string(kParent).substr(0, 53) + "00"}};
  told.attempt.responded_at = told.attempt.requested_at - absl::Hours(1);
  const RecordingSink sink = told.Tell();
  CHECK_FALSE(sink.is_sampled);
  CHECK(sink.duration == absl::ZeroDuration());
}

}  // namespace
}  // namespace convoy::dispatch
