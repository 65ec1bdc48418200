#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include <catch2/catch.hpp>

#include "convoy/otlp.h"

namespace convoy {
namespace {

// Answers requests with what it was told to, in order, and with 200 from then on. Without an answer
// to give (kHang) a request stays until it is cancelled.
class ScriptedTransport final : public Transport {
 public:
  struct Log {
    std::mutex mutex;
    std::deque<TransportResult> answers;
    std::vector<OutgoingRequest> requests;
    bool hangs = false;

    size_t count() {
      const std::lock_guard lock(mutex);
      return requests.size();
    }
  };

  explicit ScriptedTransport(std::shared_ptr<Log> log) : log_(std::move(log)) {}
  ~ScriptedTransport() override { close(fd_); }

  std::string_view name() const override { return "scripted"; }
  void Send(OutgoingRequest request, SendCompletion done) override {
    const std::lock_guard lock(log_->mutex);
    log_->requests.push_back(std::move(request));
    done_ = std::move(done);
  }
  void Step() override {
    TransportResult result{.outcome = TransportOutcome::kResponse, .http_status = 200};
    {
      const std::lock_guard lock(log_->mutex);
      if (!done_ || log_->hangs) return;
      if (!log_->answers.empty()) {
        result = std::move(log_->answers.front());
        log_->answers.pop_front();
      }
    }
    std::exchange(done_, nullptr)(std::move(result));
  }
  int wake_fd() const override { return fd_; }
  void Cancel() override {
    if (done_) std::exchange(done_, nullptr)({.outcome = TransportOutcome::kCancelled});
  }

 private:
  const std::shared_ptr<Log> log_;
  const int fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  SendCompletion done_;
};

struct World {
  std::shared_ptr<ScriptedTransport::Log> log = std::make_shared<ScriptedTransport::Log>();
  OtlpOptions options{.endpoint = "http://collector.test:4318",
                      .batch_delay = absl::Milliseconds(5),
                      .retry_delay = absl::Milliseconds(2)};

  std::unique_ptr<OtlpExporter> Open() {
    return NewOtlpExporter(options, {.transport = std::make_unique<ScriptedTransport>(log)})
        .value();
  }
  void Answer(int status) {
    log->answers.push_back({.outcome = TransportOutcome::kResponse, .http_status = status});
  }
};

Span SomeSpan() { return {.name = "deliver", .trace_id = "t", .span_id = "s"}; }

TEST_CASE("otlp_exporter: spans are sent in batches, with the headers of the options") {
  World world;
  world.options.headers = {{"Authorization", "Bearer word"}};
  world.options.batch_delay = absl::Hours(1);
  const auto exporter = world.Open();
  for (int i = 0; i < 3; ++i) exporter->Take(SomeSpan());
  Span unsampled = SomeSpan();
  unsampled.is_sampled = false;
  exporter->Take(unsampled);
  CHECK(exporter->counts().waiting == 3);
  CHECK(exporter->Close(absl::Seconds(10)).ok());
  REQUIRE(world.log->count() == 1);
  const OutgoingRequest& request = world.log->requests[0];
  CHECK(request.url == "http://collector.test:4318/v1/traces");
  CHECK(request.headers ==
        Headers{{"Authorization", "Bearer word"}, {"Content-Type", "application/json"}});
  CHECK(absl::StrContains(*request.body, "\"resourceSpans\""));
  CHECK(exporter->counts().exported == 3);
  exporter->Take(SomeSpan());
  CHECK(exporter->counts().dropped_full == 1);
  CHECK(exporter->Close(absl::InfiniteDuration()).ok());
}

TEST_CASE("otlp_exporter: a batch is sent again while the collector has no room") {
  World world;
  world.Answer(503);
  world.Answer(429);
  world.log->answers.push_back({.outcome = TransportOutcome::kConnectFailed, .error = "refused"});
  const auto exporter = world.Open();
  exporter->Take(SomeSpan());
  while (exporter->counts().exported == 0) std::this_thread::yield();
  CHECK(world.log->count() == 4);
  CHECK(*world.log->requests[0].body == *world.log->requests[3].body);
  CHECK(exporter->Close(absl::Seconds(10)).ok());
}

TEST_CASE("otlp_exporter: what the collector refuses is not sent again") {
  World world;
  world.Answer(400);
  const auto exporter = world.Open();
  exporter->Take(SomeSpan());
  while (exporter->counts().dropped_refused == 0) std::this_thread::yield();
  exporter->Take(SomeSpan());
  CHECK(exporter->Close(absl::Seconds(10)).ok());
  CHECK(world.log->count() == 2);
  CHECK(exporter->counts().exported == 1);
  CHECK(exporter->counts().dropped_refused == 1);
}

TEST_CASE("otlp_exporter: a batch is given up after its time, or if the wait would be longer") {
  World world;
  world.options.retry_for = absl::Milliseconds(40);
  for (int i = 0; i < 50; ++i) world.Answer(503);
  const auto exporter = world.Open();
  exporter->Take(SomeSpan());
  while (exporter->counts().dropped_given_up == 0) std::this_thread::yield();
  CHECK(world.log->count() > 1);
  CHECK(world.log->count() < 50);
  {
    const std::lock_guard lock(world.log->mutex);
    world.log->answers.clear();
    world.log->answers.push_back({.outcome = TransportOutcome::kResponse,
                                  .http_status = 503,
                                  .headers = {{"Retry-After", "60"}}});
  }
  const size_t before = world.log->count();
  exporter->Take(SomeSpan());
  while (exporter->counts().dropped_given_up == 1) std::this_thread::yield();
  CHECK(world.log->count() == before + 1);
}

TEST_CASE("otlp_exporter: a collector that hangs holds up nothing but spans, which are bounded") {
  World world;
  world.log->hangs = true;
  world.options.spans_max = 100;
  world.options.batch_spans_max = 10;
  const auto exporter = world.Open();
  for (int i = 0; i < 1000; ++i) exporter->Take(SomeSpan());
  const SpanCounts counts = exporter->counts();
  CHECK(counts.waiting <= 100);
  CHECK(counts.dropped_full >= 890);
  CHECK(counts.dropped_full <= 900);
  const absl::Status closed = exporter->Close(absl::Milliseconds(50));
  CHECK(absl::IsDeadlineExceeded(closed));
  CHECK(exporter->counts().waiting == 0);
  CHECK(exporter->counts().dropped_given_up + exporter->counts().dropped_full == 1000);
}

// Tells how often exporting began to fail, and worked again.
class CountingObserver final : public Observer {
 public:
  void Log(LogLevel level, std::string_view, std::span<const LogField>) override {
    ++(level == LogLevel::kWarning ? warnings : others);
  }
  std::atomic<int> warnings = 0, others = 0;
};

TEST_CASE("otlp_exporter: a failure is told once, and its end") {
  World world;
  for (int i = 0; i < 5; ++i) world.Answer(503);
  const auto observer = std::make_shared<CountingObserver>();
  const auto exporter =
      NewOtlpExporter(world.options, {.transport = std::make_unique<ScriptedTransport>(world.log),
                                      .observer = observer})
          .value();
  exporter->Take(SomeSpan());
  while (exporter->counts().exported == 0) std::this_thread::yield();
  CHECK(observer->warnings == 1);
  CHECK(observer->others == 1);
}

TEST_CASE("otlp_exporter: options that cannot be are refused by name") {
  const auto refusal = [](auto change) {
    World world;
    change(world.options);
    const auto opened = NewOtlpExporter(
        world.options, {.transport = std::make_unique<ScriptedTransport>(world.log)});
    return opened.ok() ? std::string() : std::string(opened.status().message());
  };
  for (const char* endpoint : {"", "collector:4318", "ftp://x", "http://", "http:///v1",
                               "http://a b", "http://u:p@host"}) {
    INFO(endpoint);
    CHECK(refusal([&](OtlpOptions& o) { o.endpoint = endpoint; }).starts_with("endpoint"));
  }
  CHECK(refusal([](OtlpOptions& o) { o.endpoint = "https://host/base/traces"; }).empty());
  CHECK(refusal([](OtlpOptions& o) {
          o.headers = {{"content-type", "x"}};
        }).starts_with("headers"));
  CHECK(refusal([](OtlpOptions& o) { o.headers = {{"X", "a\nb"}}; }).starts_with("headers"));
  CHECK(absl::StrContains(refusal([](OtlpOptions& o) { o.spans_max = 0; }), "spans_max"));
  CHECK(absl::StrContains(refusal([](OtlpOptions& o) { o.timeout = absl::ZeroDuration(); }),
                          "timeout"));
}

}  // namespace
}  // namespace convoy
