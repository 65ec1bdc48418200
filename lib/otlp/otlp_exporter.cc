// Exporter of spans: a queue, and a thread that sends batches of it, one request at a time.
//
// A batch ends in exactly one way: taken, refused, or given up. While one is retried the queue
// fills; what then does not fit is dropped, so neither memory nor the delivering threads depend on
// the collector.
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "convoy/gateway.h"
#include "convoy/otlp.h"
#include "lib/base/relaxed_counter.h"
#include "lib/base/text.h"
#include "lib/otlp/export_answer.h"
#include "lib/otlp/span_json.h"
#include "lib/otlp/span_queue.h"

namespace convoy {
namespace {

using otlp::ExportAnswer;

constexpr uint64_t kBatchBytesMax = 4 * 1024 * 1024;
constexpr uint64_t kAnswerBytesMax = 64 * 1024;
constexpr absl::Duration kRetryDelayMax = absl::Seconds(30);
// How often a request on its way looks whether the exporter is being closed.
constexpr int kLookMs = 50;

class HttpExporter final : public OtlpExporter {
 public:
  HttpExporter(OtlpOptions options, OtlpParts parts)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        queue_({.spans_max = options_.spans_max,
                .bytes_max = options_.bytes_max,
                .batch_spans_max = options_.batch_spans_max,
                .batch_bytes_max = kBatchBytesMax,
                .batch_delay = options_.batch_delay},
               parts_.clock.get()),
        thread_([this] { Run(); }) {}

  ~HttpExporter() override { Close(absl::ZeroDuration()).IgnoreError(); }

  void Take(const Span& span) override {
    if (!span.is_sampled) return;
    if (!queue_.Put(otlp::EncodeSpan(span))) dropped_full_.Add(1);
  }

  SpanCounts counts() const override {
    return {.exported = exported_.value(),
            .dropped_full = dropped_full_.value(),
            .dropped_refused = dropped_refused_.value(),
            .dropped_given_up = dropped_given_up_.value(),
            .waiting = queue_.size()};
  }

  absl::Status Close(absl::Duration patience) override {
    const uint64_t before = dropped_given_up_.value();
    queue_.Close(parts_.clock->SteadyNow() + patience);
    if (thread_.joinable()) thread_.join();
    const uint64_t dropped = dropped_given_up_.value() - before;
    if (dropped == 0) return absl::OkStatus();
    return absl::DeadlineExceededError(absl::StrCat(dropped, " spans were not exported"));
  }

 private:
  void Run() {
    while (true) {
      const std::vector<std::string> batch = queue_.TakeBatch();
      if (batch.empty()) return;
      Export(batch);
    }
  }

  void Export(const std::vector<std::string>& batch);
  // nullopt: the exporter's time was over first.
  std::optional<TransportResult> Send(std::shared_ptr<const std::string> body);
  absl::Duration Jittered(absl::Duration delay);
  void Tell(std::string_view error);

  const OtlpOptions options_;
  const OtlpParts parts_;
  otlp::SpanQueue queue_;
  base::RelaxedCounter exported_, dropped_full_, dropped_refused_, dropped_given_up_;
  bool is_failing_ = false;  // of the thread
  std::thread thread_;       // uses all of the above
};

void HttpExporter::Export(const std::vector<std::string>& batch) {
  const auto body =
      std::make_shared<const std::string>(otlp::EncodeRequest(options_.service_name, batch));
  const absl::Time give_up_at = parts_.clock->SteadyNow() + options_.retry_for;
  absl::Duration delay = std::min(options_.retry_delay, kRetryDelayMax);
  while (true) {
    const bool is_last = queue_.is_closed();
    const std::optional<TransportResult> result = Send(body);
    if (!result.has_value()) return dropped_given_up_.Add(static_cast<int64_t>(batch.size()));
    const ExportAnswer answer = otlp::ReadAnswer(*result, parts_.clock->Now());
    Tell(answer.error);
    if (answer.kind == ExportAnswer::Kind::kTaken) {
      const uint64_t rejected = std::min<uint64_t>(answer.rejected_count, batch.size());
      dropped_refused_.Add(static_cast<int64_t>(rejected));
      return exported_.Add(static_cast<int64_t>(batch.size() - rejected));
    }
    if (answer.kind == ExportAnswer::Kind::kRefused) {
      return dropped_refused_.Add(static_cast<int64_t>(batch.size()));
    }
    const absl::Duration pause = std::max(Jittered(delay), answer.wait_min);
    if (is_last || parts_.clock->SteadyNow() + pause > give_up_at) {
      return dropped_given_up_.Add(static_cast<int64_t>(batch.size()));
    }
    queue_.Pause(pause);
    delay = std::min(delay * 2, kRetryDelayMax);
  }
}

std::optional<TransportResult> HttpExporter::Send(std::shared_ptr<const std::string> body) {
  if (parts_.clock->SteadyNow() >= queue_.deadline()) return std::nullopt;
  OutgoingRequest request{.url = options_.endpoint,
                          .headers = options_.headers,
                          .body = std::move(body),
                          .timeout = options_.timeout,
                          .response_bytes_max = kAnswerBytesMax};
  request.headers.push_back({"Content-Type", "application/json"});
  std::optional<TransportResult> result;
  parts_.transport->Send(std::move(request),
                         [&result](TransportResult ended) { result = std::move(ended); });
  while (true) {
    parts_.transport->Step();
    if (result.has_value()) return result;
    if (parts_.clock->SteadyNow() >= queue_.deadline()) {
      parts_.transport->Cancel();
      return std::nullopt;
    }
    pollfd descriptor{.fd = parts_.transport->wake_fd(), .events = POLLIN, .revents = 0};
    poll(&descriptor, 1, kLookMs);
  }
}

// Between half of `delay` and all of it, so that many gateways do not come back at once.
absl::Duration HttpExporter::Jittered(absl::Duration delay) {
  std::array<uint8_t, 1> bytes;
  parts_.random->Fill(bytes);
  return delay / 2 + delay / 2 * bytes[0] / 0xFF;
}

// Once when it begins to fail, once when it works again.
void HttpExporter::Tell(std::string_view error) {
  const bool was_failing = std::exchange(is_failing_, !error.empty());
  if (is_failing_ == was_failing) return;
  const LogField fields[] = {{"error", error}};
  if (is_failing_) {
    parts_.observer->Log(LogLevel::kWarning, "spans are not exported", fields);
  } else {
    parts_.observer->Log(LogLevel::kInfo, "spans are exported again", {});
  }
}

absl::Status CheckHeaders(const Headers& headers) {
  constexpr std::string_view kOurs[] = {"Content-Type", "Content-Length",    "Content-Encoding",
                                        "Host",         "Transfer-Encoding", "Connection"};
  for (const Header& header : headers) {
    const bool is_ours = std::any_of(std::begin(kOurs), std::end(kOurs), [&](auto name) {
      return base::EqualsIgnoreCase(header.name, name);
    });
    if (!base::IsHeaderName(header.name) || !base::IsHeaderValue(header.value) || is_ours) {
      return absl::InvalidArgumentError(absl::StrCat(
          "headers: ", base::Quote(header.name),
          " must be the name of a header that the exporter does not set itself, with a value on "
          "one line"));
    }
  }
  return absl::OkStatus();
}

// Completes the endpoint.
absl::Status CheckEndpoint(std::string& endpoint) {
  const size_t scheme = absl::StartsWith(endpoint, "https://")  ? 8
                        : absl::StartsWith(endpoint, "http://") ? 7
                                                                : 0;
  const std::string_view rest = std::string_view(endpoint).substr(scheme);
  const size_t path = std::min(rest.find_first_of("/?#"), rest.size());
  const bool has_only_visible =
      std::all_of(rest.begin(), rest.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (scheme == 0 || path == 0 || !has_only_visible ||
      rest.substr(0, path).find('@') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "endpoint must be http:// or https:// with the host of a collector, without user and "
        "password, which belong into a header");
  }
  if (rest.substr(path).empty()) {
    endpoint += "/v1/traces";
  } else if (rest.substr(path) == "/") {
    endpoint += "v1/traces";
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const OtlpOptions& options) {
  const auto positive = [](absl::Duration duration) {
    return duration > absl::ZeroDuration() && duration < absl::InfiniteDuration();
  };
  if (options.spans_max == 0 || options.bytes_max == 0 || options.batch_spans_max == 0) {
    return absl::InvalidArgumentError(
        "spans_max, bytes_max and batch_spans_max must be at least 1");
  }
  if (!positive(options.batch_delay) || !positive(options.timeout) ||
      !positive(options.retry_delay) || options.retry_for < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "batch_delay, timeout and retry_delay must be longer than 0, and retry_for not negative");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<OtlpExporter>> NewOtlpExporter(OtlpOptions options,
                                                              OtlpParts parts) {
  absl::Status status = CheckEndpoint(options.endpoint);
  if (status.ok()) status = CheckHeaders(options.headers);
  if (status.ok()) status = CheckLimits(options);
  if (!status.ok()) return status;
  if (parts.clock == nullptr) parts.clock = NewSystemClock();
  if (parts.random == nullptr) parts.random = NewSystemRandom();
  if (parts.observer == nullptr) parts.observer = std::make_shared<Observer>();
  if (parts.transport == nullptr) {
    // The operator has named the collector, so no address is out of bounds.
    auto transport = NewCurlTransport({.allowed_networks = {"0.0.0.0/0", "::/0"},
                                       .connections_max = 1,
                                       .ca_file = options.ca_file});
    if (!transport.ok()) return transport.status();
    parts.transport = *std::move(transport);
  }
  return std::make_unique<HttpExporter>(std::move(options), std::move(parts));
}

}  // namespace convoy
