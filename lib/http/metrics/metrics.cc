// Metrics of the gateway. Names are those that the observer gets (convoy/observer.h) for the same
// counts.
#include "lib/http/metrics/metrics.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "convoy/config_read.h"
#include "convoy/version.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"
#include "lib/http/metrics/exposition.h"
#include "lib/http/request/authentication.h"
#include "lib/http/shape/envelope.h"

namespace convoy::http {
namespace {

using consume::ConsumerCounters;
using consume::ConsumerState;
using consume::ConsumerStatus;

// Every consumer has about a dozen series. A consumer is a thread, so there are never as many.
constexpr size_t kConsumersMax = 1000;
constexpr size_t kBacklogsShownMax = 1000;

void WriteCommits(const storage::CommitCounters& counters, Exposition& out) {
  out.BeginFamily("convoy_event_ingested", MetricType::kCounter,
                  "Events that were committed, by what they turned out to be.");
  out.Add({{"outcome", "accepted"}}, counters.accepted);
  out.Add({{"outcome", "duplicate"}}, counters.duplicates);
  out.Add({{"outcome", "redelivered"}}, counters.redelivered);
  out.BeginFamily("convoy_storage_commit", MetricType::kCounter,
                  "Transactions that the store was asked for; one holds the writes of many.");
  out.Add({{"outcome", "committed"}}, counters.commits);
  out.Add({{"outcome", "failed"}}, counters.failures);
  out.BeginFamily("convoy_storage_commit_failing", MetricType::kGauge,
                  "1 while the latest transaction is one that failed.");
  out.Add({}, counters.is_failing ? 1 : 0);
}

void AddLatency(std::string_view outcome, const dispatch::LatencyCounts& counts, Exposition& out) {
  std::array<std::optional<MetricExemplar>, dispatch::kLatencyBuckets> exemplars;
  for (size_t i = 0; i < exemplars.size(); ++i) {
    const dispatch::LatencyExemplar& exemplar = counts.exemplars[i];
    if (exemplar.trace_id.empty()) continue;
    exemplars[i] = {.labels = {{"trace_id", exemplar.trace_id}, {"span_id", exemplar.span_id}},
                    .value = absl::ToDoubleSeconds(exemplar.latency),
                    .at = exemplar.at};
  }
  out.AddHistogram({"outcome", outcome}, dispatch::kLatencyBounds, counts.buckets,
                   static_cast<double>(counts.sum_us) / 1e6, exemplars);
}

void WriteCounts(const intake::IngestReport::Counts& counts, Exposition& out) {
  for (const auto& [reason, count] : counts) out.Add({{"reason", reason}}, count);
}

// Requests to ingest links that were refused, and those that were taken with a warning.
void WriteIngest(const intake::IngestReport& report, Exposition& out) {
  out.BeginFamily("convoy_ingest_refused", MetricType::kCounter,
                  "Requests to ingest links that were refused, by reason.");
  WriteCounts(report.refused_counts(), out);
  out.BeginFamily(
      "convoy_ingest_accepted_with_notice", MetricType::kCounter,
      "Requests to ingest links that were accepted although they were not as the source "
      "wants them: unverified, without idempotency key, not to be looked into.");
  WriteCounts(report.accepted_counts(), out);
}

void WriteDeliveries(const dispatch::DispatcherStatus& status, Exposition& out) {
  out.BeginFamily("convoy_delivery_attempt", MetricType::kCounter,
                  "Attempts of deliveries that have ended, by what they came to.");
  for (size_t i = 0; i < status.attempts.size(); ++i) {
    const auto outcome = static_cast<dispatch::Outcome>(i);
    if (outcome == dispatch::Outcome::kCancelled) continue;  // no attempt: put back as it was
    out.Add({{"outcome", dispatch::OutcomeName(outcome)}}, status.attempts[i]);
  }
  out.BeginFamily("convoy_delivery_latency_seconds", MetricType::kHistogram,
                  "From the acceptance of a delivery to its final outcome.");
  AddLatency("success", status.delivered_latency, out);
  AddLatency("failure", status.failed_latency, out);
  AddLatency("discarded", status.discarded_latency, out);
  out.BeginFamily("convoy_delivery_in_flight", MetricType::kGauge,
                  "Deliveries that are on their way to their endpoint.");
  out.Add({}, status.in_flight);
  out.BeginFamily("convoy_delivery_throttled", MetricType::kGauge,
                  "Endpoints that are held back by their rate limit.");
  out.Add({}, status.throttled);
  out.BeginFamily("convoy_delivery_waiting", MetricType::kGauge,
                  "Deliveries that are due and wait for others to the same endpoint.");
  out.Add({}, status.waiting);
  out.BeginFamily("convoy_storage_claim_failed", MetricType::kCounter,
                  "How often the store could not be asked for due deliveries.");
  out.Add({}, status.failed_claims);
}

// Those with most deliveries. If the store fails, none.
void WriteBacklogs(Storage& storage, absl::Time now, Exposition& out) {
  absl::StatusOr<std::vector<Backlog>> backlogs = storage.ListBacklogs();
  if (!backlogs.ok()) return;
  std::sort(backlogs->begin(), backlogs->end(), [](const Backlog& a, const Backlog& b) {
    return std::tie(b.count, a.project_id) < std::tie(a.count, b.project_id);
  });
  const size_t omitted_count = backlogs->size() - std::min(backlogs->size(), kBacklogsShownMax);
  backlogs->resize(backlogs->size() - omitted_count);
  out.BeginFamily("convoy_delivery_backlog", MetricType::kGauge,
                  "Deliveries of a project that have not ended; absent without any.");
  for (const Backlog& each : *backlogs) out.Add({{"project_id", each.project_id}}, each.count);
  out.BeginFamily("convoy_delivery_oldest_due_age_seconds", MetricType::kGauge,
                  "For how long the one of them that waits longest has been due.");
  for (const Backlog& each : *backlogs) {
    const absl::Duration age = now - std::min(now, each.oldest_due_at);
    out.Add({{"project_id", each.project_id}}, static_cast<uint64_t>(absl::ToInt64Seconds(age)));
  }
  out.BeginFamily("convoy_delivery_backlog_omitted", MetricType::kGauge,
                  "Projects with a backlog that are not shown here, because there are too many.");
  out.Add({}, omitted_count);
}

void WriteHeld(Storage& storage, const storage::CommitCounters& counters, Exposition& out) {
  out.BeginFamily("convoy_held_dropped", MetricType::kCounter,
                  "Quarantined requests and dead letters that made room for others because "
                  "held_inputs_max or held_bytes_max was reached.");
  out.Add({}, counters.held_dropped);
  const absl::StatusOr<HeldUse> use = storage.ReadHeldUse();
  if (!use.ok()) return;
  out.BeginFamily("convoy_held_input", MetricType::kGauge,
                  "Quarantined requests and dead letters that are kept.");
  out.Add({}, use->inputs);
  out.BeginFamily("convoy_held_bytes", MetricType::kGauge, "Bytes of their bodies and headers.");
  out.Add({}, use->bytes);
}

void WriteRetention(const storage::PruneCounters& counters, Exposition& out) {
  out.BeginFamily("convoy_storage_pruned", MetricType::kCounter,
                  "What was removed from the store, because its time was over.");
  out.Add({{"kind", "event"}}, counters.events);
  out.Add({{"kind", "delivery"}}, counters.deliveries);
  out.Add({{"kind", "attempt"}}, counters.attempts);
  out.Add({{"kind", "dedupe_key"}}, counters.keys);
  out.BeginFamily("convoy_storage_prune_failed", MetricType::kCounter,
                  "How often the store could not remove any of that.");
  out.Add({}, counters.failures);
}

void WriteJobs(const jobs::JobCounts& counts, absl::Time now, Exposition& out) {
  out.BeginFamily("convoy_job_open", MetricType::kGauge,
                  "Jobs (fan-outs to many endpoints, batches) that are not done yet.");
  out.Add({}, counts.open);
  out.BeginFamily("convoy_job_oldest_age_seconds", MetricType::kGauge,
                  "How long ago the oldest of them was asked for; 0 without any.");
  out.Add({}, static_cast<uint64_t>(absl::ToInt64Seconds(
                  std::max(now - std::min(now, counts.oldest_at), absl::ZeroDuration()))));
  out.BeginFamily("convoy_job_chunk", MetricType::kCounter,
                  "Pieces of jobs that this process began, by what became of them.");
  out.Add({{"outcome", "done"}}, counts.chunks);
  out.Add({{"outcome", "overtaken"}}, counts.overtaken);
  out.Add({{"outcome", "failed"}}, counts.failures);
  out.BeginFamily("convoy_job_delivery", MetricType::kCounter,
                  "Deliveries that jobs of this process made or scheduled again.");
  out.Add({}, counts.deliveries);
}

// Consumers of every source that should be read, also of those that no consumer reads. If the store
// fails, only the running ones.
std::vector<ConsumerStatus> ConsumersOf(const ApiParts& parts) {
  const auto sources = ListAllConfig<Source>(*parts.storage, SourcesToRead());
  if (!sources.ok()) return parts.consumers->Statuses();
  std::vector<ConsumerStatus> all;
  for (const Source& source : *sources) {
    for (ConsumerStatus& status : parts.consumers->StatusOf(source)) {
      all.push_back(std::move(status));
    }
  }
  return all;
}

void WriteStates(const std::vector<ConsumerStatus>& consumers, Exposition& out) {
  constexpr ConsumerState kStates[] = {ConsumerState::kConnecting, ConsumerState::kRunning,
                                       ConsumerState::kBackingOff, ConsumerState::kMisconfigured,
                                       ConsumerState::kStopped};
  out.BeginFamily("convoy_consumer_state", MetricType::kGauge,
                  "1 for the state that a consumer of a message broker is in, 0 for the others.");
  for (const ConsumerStatus& consumer : consumers) {
    for (const ConsumerState state : kStates) {
      out.Add({{"project_id", consumer.project_id},
               {"source_id", consumer.source_id},
               {"consumer_id", consumer.consumer_id},
               {"state", Name(state)}},
              consumer.state == state ? 1 : 0);
    }
  }
}

void WriteLags(const std::vector<ConsumerStatus>& consumers, Exposition& out) {
  out.BeginFamily(
      "convoy_consumer_lag", MetricType::kGauge,
      "Messages that wait at the broker for a consumer, as the broker says; absent where "
      "that is not known.");
  for (const ConsumerStatus& consumer : consumers) {
    if (!consumer.lag.has_value()) continue;
    out.Add({{"project_id", consumer.project_id},
             {"source_id", consumer.source_id},
             {"consumer_id", consumer.consumer_id}},
            *consumer.lag);
  }
}

struct MessageCounter {
  std::string_view name;
  std::string_view help;
  uint64_t ConsumerCounters::*counter;
};

constexpr MessageCounter kMessageCounters[] = {
    {"convoy_broker_message_received", "Messages that a consumer was handed by its broker.",
     &ConsumerCounters::received},
    {"convoy_broker_message_accepted", "Messages that became events.", &ConsumerCounters::accepted},
    {"convoy_broker_message_duplicate",
     "Messages that became events marked as duplicates, by their idempotency key.",
     &ConsumerCounters::duplicates},
    {"convoy_broker_message_redelivered",
     "Messages that came again, and had been stored the first time.",
     &ConsumerCounters::redelivered},
    {"convoy_broker_message_dead_letter",
     "Messages that no event could be made of; they are among the held inputs.",
     &ConsumerCounters::dead_letters},
};

// Calls `add` with each consumer and its labels.
template <typename Add>
void ForEach(const std::vector<ConsumerStatus>& consumers, Add add) {
  for (const ConsumerStatus& consumer : consumers) {
    add(consumer, MetricLabels{{"project_id", consumer.project_id},
                               {"source_id", consumer.source_id},
                               {"consumer_id", consumer.consumer_id}});
  }
}

void WriteConsumers(std::vector<ConsumerStatus> consumers, Exposition& out) {
  const size_t omitted_count = consumers.size() - std::min(consumers.size(), kConsumersMax);
  consumers.resize(consumers.size() - omitted_count);
  WriteStates(consumers, out);
  WriteLags(consumers, out);
  for (const MessageCounter& each : kMessageCounters) {
    out.BeginFamily(each.name, MetricType::kCounter, each.help);
    ForEach(consumers, [&](const ConsumerStatus& consumer, MetricLabels labels) {
      out.Add(labels, consumer.counters.*each.counter);
    });
  }
  out.BeginFamily("convoy_consumer_last_message_timestamp_seconds", MetricType::kGauge,
                  "When a consumer was last handed a message; absent until it is.");
  ForEach(consumers, [&](const ConsumerStatus& consumer, MetricLabels labels) {
    out.AddTime(labels, consumer.last_message_at);
  });
  out.BeginFamily("convoy_consumer_last_error_timestamp_seconds", MetricType::kGauge,
                  "When something last went wrong for a consumer; absent until it does.");
  ForEach(consumers, [&](const ConsumerStatus& consumer, MetricLabels labels) {
    out.AddTime(labels, consumer.last_error_at);
  });
  out.BeginFamily("convoy_consumer_omitted", MetricType::kGauge,
                  "Consumers that are not shown here, because there are too many.");
  out.Add({}, omitted_count);
}

void WriteWork(const WorkCounts& counts, Exposition& out) {
  out.BeginFamily("convoy_answer_waiting", MetricType::kGauge,
                  "Requests that wait for a thread to answer them.");
  out.Add({}, counts.waiting);
  out.BeginFamily("convoy_answer_running", MetricType::kGauge,
                  "Requests that such a thread is answering.");
  out.Add({}, counts.running);
  out.BeginFamily("convoy_answer_refused", MetricType::kCounter,
                  "Requests answered with 503 because too many were waiting.");
  out.Add({}, counts.refused_total);
  out.BeginFamily("convoy_answer_timed_out", MetricType::kCounter,
                  "Requests whose answer took longer than it may.");
  out.Add({}, counts.timed_out_total);
}

void WriteSpans(const SpanCounts& counts, Exposition& out) {
  out.BeginFamily("convoy_span_exported", MetricType::kCounter,
                  "Spans of traces that a collector has taken.");
  out.Add({}, counts.exported);
  out.BeginFamily("convoy_span_dropped", MetricType::kCounter,
                  "Spans that no collector has got: too many waited (full), it did not want them "
                  "(refused), or it was away for too long (given_up).");
  out.Add({{"reason", "full"}}, counts.dropped_full);
  out.Add({{"reason", "refused"}}, counts.dropped_refused);
  out.Add({{"reason", "given_up"}}, counts.dropped_given_up);
  out.BeginFamily("convoy_span_waiting", MetricType::kGauge,
                  "Spans that wait for being sent to the collector.");
  out.Add({}, counts.waiting);
}

std::string Write(const ApiParts& parts, ExpositionFormat format) {
  Exposition out(format);
  out.BeginFamily("convoy_build", MetricType::kInfo, "The version of libconvoy.");
  out.Add({{"version", kVersion}}, 1);
  const MeasuredParts& measured = parts.measured;
  if (measured.commits != nullptr) {
    WriteCommits(measured.commits->counters(), out);
    WriteHeld(*parts.storage, measured.commits->counters(), out);
  }
  if (parts.intake != nullptr) WriteIngest(parts.intake->report(), out);
  if (parts.dispatcher != nullptr) WriteDeliveries(parts.dispatcher->status(), out);
  WriteBacklogs(*parts.storage, parts.clock->Now(), out);
  if (measured.pruner != nullptr) WriteRetention(measured.pruner->counters(), out);
  if (measured.jobs != nullptr) WriteJobs(measured.jobs->counts(), parts.clock->Now(), out);
  if (measured.work_counts) WriteWork(measured.work_counts(), out);
  if (measured.spans != nullptr) WriteSpans(measured.spans->counts(), out);
  if (parts.consumers != nullptr) WriteConsumers(ConsumersOf(parts), out);
  return std::move(out).TakeText();
}

}  // namespace

bool IsMetricsPath(const GatewayOptions& options, std::string_view path) {
  return options.metrics_access != MetricsAccess::kNobody && path == "/metrics";
}

absl::Status AuthorizeMetrics(const GatewayOptions& options, const HttpRequest& head) {
  if (options.metrics_access == MetricsAccess::kAnyone) return absl::OkStatus();
  const std::string_view token = BearerTokenOf(head);
  if (token.empty()) return absl::UnauthenticatedError("Authentication required");
  // Of equal length whatever was sent, so that the time tells nothing.
  const auto hash = [](std::string_view text) {
    return crypto::Hash(crypto::HashAlgorithm::kSha256, text);
  };
  const bool is_right =
      crypto::ConstantTimeEquals(hash(token).view(), hash(options.metrics_token).view());
  return is_right ? absl::OkStatus() : absl::UnauthenticatedError("authorization failed");
}

HttpResponse Metrics(const GatewayOptions& options, const ApiParts& parts,
                     const HttpRequest& request) {
  const absl::Status authorized = AuthorizeMetrics(options, request);
  if (!authorized.ok()) return FromStatus(authorized);
  if (request.method != "GET" && request.method != "HEAD") return MethodNotAllowed("GET, HEAD");
  return MetricsResponse(parts, request);
}

HttpResponse MetricsResponse(const ApiParts& parts, const HttpRequest& request) {
  const ExpositionFormat format =
      ChooseFormat(base::FindHeader(request.headers, "Accept").value_or(""));
  return {.status = 200,
          .headers = {{"Content-Type", std::string(ContentTypeOf(format))}},
          .body = Write(parts, format)};
}

}  // namespace convoy::http
