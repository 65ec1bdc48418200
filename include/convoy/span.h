// Spans of the gateway's work in distributed traces, in the form of OpenTelemetry. The gateway
// makes one for the reception of each event and one for each attempt to deliver it, in projects
// that ask for trace headers (docs/observability/README.md); convoy/otlp.h exports them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "absl/time/time.h"

namespace convoy {

// The numbers are those of OTLP and permanent.
enum class SpanKind : uint8_t {
  kInternal = 1,
  kServer = 2,
  kClient = 3,
  kProducer = 4,
  kConsumer = 5,
};
enum class SpanStatus : uint8_t { kUnset = 0, kOk = 1, kError = 2 };

struct SpanAttribute {
  std::string_view key;  // of the semantic conventions, or "convoy.…"
  std::variant<std::string_view, int64_t> value;
};

// A span that has ended. Ids are lower-case hexadecimal digits.
struct Span {
  std::string_view name;  // few different ones: "receive", "deliver"
  SpanKind kind = SpanKind::kInternal;
  std::string_view trace_id;        // 32 digits
  std::string_view span_id;         // 16
  std::string_view parent_span_id;  // 16; empty: the trace begins here
  std::string_view trace_state;     // W3C tracestate; may be empty
  bool is_sampled = true;           // decided by the beginner of the trace; export only these
  absl::Time start, end;            // of the wall clock; `end` is not before `start`
  std::span<const SpanAttribute> attributes;
  SpanStatus status = SpanStatus::kUnset;
  std::string_view status_message;  // one line without secrets; empty unless kError
};

// Counts of a sink's spans since it was made, by their result.
struct SpanCounts {
  uint64_t exported = 0;
  uint64_t dropped_full = 0;     // too many were waiting
  uint64_t dropped_refused = 0;  // the collector refused them
  uint64_t dropped_given_up =
      0;                 // the collector could not be reached, or had no room, for too long
  uint64_t waiting = 0;  // now
};

// A receiver of spans. Implementations are safe to call from any thread, do not throw, do not block
// and do not call back into the gateway: Take runs on threads that deliver and acknowledge.
class SpanSink {
 public:
  virtual ~SpanSink() = default;

  // The views are valid during the call only.
  virtual void Take(const Span& span) = 0;

  // For the gateway's metrics.
  virtual SpanCounts counts() const { return {}; }
};

}  // namespace convoy
