// Receptions of events as spans of their traces (lib/trace): from when an event was read until it
// is durable. Its sender's span is the parent; the attempts of its deliveries are its children.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/model.h"
#include "convoy/observer.h"
#include "convoy/options.h"
#include "convoy/span.h"
#include "convoy/storage.h"
#include "lib/trace/context.h"

namespace convoy::intake {

// A submission on its way into the store.
struct Reception {
  size_t submission;  // its place in the batch
  trace::TraceContext context;
  std::string trace_state;
  std::string event_id, event_type, project_id, source_id;
  absl::Time begun_at;
};
using Receptions = std::vector<Reception>;

// Safe to use from any thread.
class ReceptionReport {
 public:
  // All must outlive it. Without an observer nothing is told.
  ReceptionReport(const GatewayOptions& options, Clock* clock, Observer* observer)
      : options_(options), clock_(clock), observer_(observer) {}

  // Set once, before use.
  void set_sink(SpanSink* sink) { sink_ = sink; }

  // The receptions of a batch that is about to be written: none, unless the project takes part in
  // traces. Submissions of other projects, which are of meta events, have none.
  Receptions Begin(const Project& project, const WriteBatch& batch) const;

  // Tells those that `result` says are stored, as duplicates or new: once for each message of a
  // broker, however often that comes. Of a batch that failed: nothing.
  void End(std::span<const Reception> receptions, SpanKind kind, const CommitResult& result) const;

 private:
  const GatewayOptions& options_;
  Clock* const clock_;
  Observer* const observer_;
  SpanSink* sink_ = nullptr;
};

// Lets an event without a trace of its own go on with that of the request that brings it: adds the
// request's headers of the trace, if the project takes part and there is room for them.
void TakeTrace(const ProjectConfig& config, const GatewayOptions& options,
               std::span<const HeaderView> request_headers, Headers& event_headers);

}  // namespace convoy::intake
