#include "lib/intake/reception.h"

#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::intake {
namespace {

constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

// Keeps what it is handed, as texts.
class RecordingSink final : public SpanSink {
 public:
  void Take(const Span& span) override {
    CHECK(span.name == "receive");
    CHECK(span.status == SpanStatus::kUnset);
    ids.push_back(std::string(span.trace_id) + " " + std::string(span.parent_span_id) + " " +
                  std::string(span.span_id));
    kind = span.kind;
    state = span.trace_state;
    is_sampled = span.is_sampled;
    duration = span.end - span.start;
    attributes.clear();
    for (const SpanAttribute& each : span.attributes) {
      attributes[std::string(each.key)] = std::get<std::string_view>(each.value);
    }
  }

  std::vector<std::string> ids;
  SpanKind kind = SpanKind::kClient;
  std::string state;
  bool is_sampled = false;
  absl::Duration duration;
  std::map<std::string, std::string> attributes;
};

class RecordingObserver final : public Observer {
 public:
  void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) override {
    CHECK(level == LogLevel::kDebug);
    CHECK(event == "span");
    for (const LogField& field : fields) said[std::string(field.key)] = field.value;
  }
  std::map<std::string, std::string> said;
};

struct World {
  World() {
    report.set_sink(&sink);
    project.id = "P";
    project.config.has_trace_headers = true;
  }

  Event EventWith(Headers headers, std::string id = "EVENT") const {
    return {.id = std::move(id),
            .project_id = "P",
            .source_id = "S",
            .event_type = "paid",
            .headers = std::move(headers),
            .created_at = testing::SimEpoch()};
  }
  static WriteBatch BatchOf(std::vector<Event> events) {
    WriteBatch batch;
    for (Event& event : events) batch.submissions.push_back({.event = std::move(event)});
    return batch;
  }
  void Take(const WriteBatch& batch, std::vector<SubmissionOutcome> outcomes,
            absl::Status status = absl::OkStatus()) {
    const Receptions receptions = report.Begin(project, batch);
    clock.Advance(absl::Milliseconds(2));
    report.End(receptions, SpanKind::kServer,
               {.status = std::move(status), .submissions = std::move(outcomes)});
  }

  testing::SimClock clock;
  RecordingObserver observer;
  RecordingSink sink;
  GatewayOptions options;
  Project project;
  ReceptionReport report{options, &clock, &observer};
};

TEST_CASE("reception: a span beneath the sender's, from when the event was read until it is kept") {
  World world;
  const Event event = world.EventWith({{"traceparent", kParent}, {"tracestate", "vendor=1"}});
  world.Take(World::BatchOf({event}), {SubmissionOutcome::kAccepted});
  REQUIRE(world.sink.ids.size() == 1);
  const std::string span_id = trace::ReceptionSpanIdOf("EVENT");
  CHECK(world.sink.ids[0] == "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 " + span_id);
  CHECK(world.sink.kind == SpanKind::kServer);
  CHECK(world.sink.state == "vendor=1");
  CHECK(world.sink.is_sampled);
  CHECK(world.sink.duration == absl::Milliseconds(2));
  CHECK(world.sink.attributes ==
        std::map<std::string, std::string>{{"convoy.project.id", "P"},
                                           {"convoy.source.id", "S"},
                                           {"convoy.event.id", "EVENT"},
                                           {"convoy.event.type", "paid"},
                                           {"convoy.outcome", "accepted"}});
  CHECK(world.observer.said["name"] == "receive");
  CHECK(world.observer.said["kind"] == "server");
  CHECK(world.observer.said["span_id"] == span_id);
  CHECK(world.observer.said["parent_span_id"] == "00f067aa0ba902b7");
  CHECK(world.observer.said["event_id"] == "EVENT");
  CHECK(world.observer.said["outcome"] == "accepted");
}

TEST_CASE("reception: an event that no trace brings begins one") {
  World world;
  world.Take(World::BatchOf({world.EventWith({})}), {SubmissionOutcome::kAccepted});
  const Event event = world.EventWith({});
  CHECK(world.sink.ids == std::vector{trace::TraceOf(event, "traceparent").trace_id + "  " +
                                      trace::ReceptionSpanIdOf("EVENT")});
}

TEST_CASE("reception: told once for what is stored, a duplicate as such, a failure not at all") {
  World world;
  const WriteBatch batch = World::BatchOf(
      {world.EventWith({}, "A"), world.EventWith({}, "B"), world.EventWith({}, "C")});
  world.Take(batch, {SubmissionOutcome::kAccepted, SubmissionOutcome::kRedelivered,
                     SubmissionOutcome::kDuplicate});
  CHECK(world.sink.ids.size() == 2);
  CHECK(world.sink.attributes["convoy.event.id"] == "C");
  CHECK(world.sink.attributes["convoy.outcome"] == "duplicate");
  world.Take(batch, {}, absl::UnavailableError("full"));
  CHECK(world.sink.ids.size() == 2);
}

TEST_CASE("reception: neither other projects nor those that ask for no traces have one") {
  World world;
  Event meta = world.EventWith({});
  meta.project_id = "META";
  world.Take(World::BatchOf({world.EventWith({}), meta}),
             {SubmissionOutcome::kAccepted, SubmissionOutcome::kAccepted});
  CHECK(world.sink.ids.size() == 1);
  world.project.config.has_trace_headers = false;
  CHECK(world.report.Begin(world.project, World::BatchOf({world.EventWith({})})).empty());
}

TEST_CASE("reception: the project's own header is the one that is read") {
  World world;
  world.options.trace_header = "X-Host";
  world.project.config.trace_header = "X-Own";
  const Event event = world.EventWith({{"x-host", kParent}, {"x-own", kParent}});
  const Event other = world.EventWith({{"x-host", kParent}}, "OTHER");
  const Receptions receptions = world.report.Begin(world.project, World::BatchOf({event, other}));
  REQUIRE(receptions.size() == 2);
  CHECK(receptions[0].context.sender_id == "00f067aa0ba902b7");
  CHECK(receptions[1].context.sender_id.empty());
}

TEST_CASE("reception: an event goes on with the trace of its request, unless it has its own") {
  const GatewayOptions options;
  const ProjectConfig config{.has_trace_headers = true};
  const std::vector<HeaderView> request = {
      {"Authorization", "Bearer x"}, {"TraceParent", kParent}, {"tracestate", "vendor=1"}};
  Headers headers = {{"A", "b"}, {"tracestate", "of no trace"}};
  TakeTrace(config, options, request, headers);
  CHECK(headers == Headers{{"A", "b"}, {"TraceParent", kParent}, {"tracestate", "vendor=1"}});
  Headers own = {{"traceparent", "its own"}};
  TakeTrace(config, options, request, own);
  CHECK(own == Headers{{"traceparent", "its own"}});
  Headers none;
  TakeTrace({}, options, request, none);
  TakeTrace({.has_trace_headers = true, .trace_header = "X-Own"}, options, request, none);
  CHECK(none.empty());
  Headers full(200, {"A", "b"});
  TakeTrace(config, options, request, full);
  CHECK(full.size() == 200);
}

}  // namespace
}  // namespace convoy::intake
