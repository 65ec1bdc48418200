// Spans of receptions; see reception.h.
#include "lib/intake/reception.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/intake/event_headers.h"
#include "lib/trace/span_report.h"

namespace convoy::intake {
namespace {

std::string_view NameOf(SubmissionOutcome outcome) {
  return outcome == SubmissionOutcome::kDuplicate ? "duplicate" : "accepted";
}

void Tell(const Reception& reception, SpanKind kind, SubmissionOutcome outcome, absl::Time now,
          Observer& observer, SpanSink* sink) {
  const std::string span_id = trace::ReceptionSpanIdOf(reception.event_id);
  const LogField fields[] = {{"outcome", NameOf(outcome)},
                             {"project_id", reception.project_id},
                             {"source_id", reception.source_id},
                             {"event_id", reception.event_id}};
  std::vector<SpanAttribute> attributes = {{"convoy.project.id", reception.project_id},
                                           {"convoy.event.id", reception.event_id},
                                           {"convoy.event.type", reception.event_type},
                                           {"convoy.outcome", NameOf(outcome)}};
  if (!reception.source_id.empty()) {
    attributes.push_back({"convoy.source.id", reception.source_id});
  }
  trace::ReportSpan({.name = "receive",
                     .kind = kind,
                     .trace_id = reception.context.trace_id,
                     .span_id = span_id,
                     .parent_span_id = reception.context.sender_id,
                     .trace_state = reception.trace_state,
                     .is_sampled = reception.context.is_sampled(),
                     .start = reception.begun_at,
                     .end = std::max(reception.begun_at, now),
                     .attributes = attributes},
                    reception.context.flags, fields, observer, sink);
}

}  // namespace

Receptions ReceptionReport::Begin(const Project& project, const WriteBatch& batch) const {
  Receptions receptions;
  if (!project.config.has_trace_headers || observer_ == nullptr) return receptions;
  const std::string_view header = trace::HeaderOf(project.config, options_.trace_header);
  receptions.reserve(batch.submissions.size());
  for (size_t i = 0; i < batch.submissions.size(); ++i) {
    const Event& event = batch.submissions[i].event;
    if (event.project_id != project.id) continue;
    trace::TraceContext context = trace::TraceOf(event, header);
    std::string state(trace::StateOf(event, context));
    receptions.push_back({.submission = i,
                          .context = std::move(context),
                          .trace_state = std::move(state),
                          .event_id = event.id,
                          .event_type = event.event_type,
                          .project_id = event.project_id,
                          .source_id = event.source_id,
                          .begun_at = event.created_at});
  }
  return receptions;
}

void ReceptionReport::End(std::span<const Reception> receptions, SpanKind kind,
                          const CommitResult& result) const {
  if (receptions.empty() || !result.status.ok()) return;
  const absl::Time now = clock_->Now();
  for (const Reception& reception : receptions) {
    const SubmissionOutcome outcome = result.submissions[reception.submission];
    if (outcome == SubmissionOutcome::kRedelivered) continue;
    Tell(reception, kind, outcome, now, *observer_, sink_);
  }
}

void TakeTrace(const ProjectConfig& config, const GatewayOptions& options,
               std::span<const HeaderView> request_headers, Headers& event_headers) {
  if (!config.has_trace_headers) return;
  const std::string_view header = trace::HeaderOf(config, options.trace_header);
  if (base::FindHeader(event_headers, header).has_value()) return;
  if (!base::FindHeader(request_headers, header).has_value()) return;
  std::erase_if(event_headers, [](const Header& each) {
    return base::EqualsIgnoreCase(each.name, trace::kStateHeader);
  });
  // Each as often as it came: a trace that is named twice is none.
  for (const HeaderView& each : request_headers) {
    const bool is_wanted = base::EqualsIgnoreCase(each.name, header) ||
                           base::EqualsIgnoreCase(each.name, trace::kStateHeader);
    if (!is_wanted || !base::IsHeaderValue(each.value)) continue;
    if (event_headers.size() >= kHeadersMax) return;
    event_headers.push_back({std::string(each.name), std::string(each.value)});
  }
}

}  // namespace convoy::intake
