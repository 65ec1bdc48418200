// Trace context of events and deliveries (W3C Trace Context, w3.org/TR/trace-context): the
// reception of an event is a span in the trace of the request that brought it, or in one that
// begins with the event; each attempt of its deliveries is a span beneath the reception.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/http.h"
#include "convoy/model.h"

namespace convoy::trace {

// Goes on with the trace beside the header, whatever that is called.
inline constexpr std::string_view kStateHeader = "tracestate";

// All in lower-case hexadecimal digits.
struct TraceContext {
  std::string trace_id;   // 32
  std::string sender_id;  // 16, of the sender's span; empty: the trace begins with the event
  std::string flags;      // 2: "01", it is sampled

  bool is_sampled() const;
};

inline constexpr std::string_view kTraceHeaderRule =
    "must be the name of a header, at most 128 characters, that neither HTTP nor the gateway uses "
    "itself, such as traceparent";

// kInvalidArgument "trace_header must …" unless a header with the trace may be called so.
absl::Status CheckTraceHeader(std::string_view name);

// The header of a project's traces: its own, or the host's (GatewayOptions::trace_header).
std::string_view HeaderOf(const ProjectConfig& config, std::string_view host_header);

// Reads the event's one header `trace_header`. Where there is none that is right: a trace of its
// own, which is the same for all attempts of all deliveries of the event.
TraceContext TraceOf(const Event& event, std::string_view trace_header);

// The sender's words about the trace, if it is gone on with; valid as long as `event` is.
std::string_view StateOf(const Event& event, const TraceContext& context);

// Of an event's reception, and of an attempt; the same in every process.
std::string ReceptionSpanIdOf(std::string_view event_id);
std::string AttemptSpanIdOf(std::string_view delivery_id, uint32_t attempt_number);

// Puts the context of an attempt into the headers of its request. The sender's data about the
// trace goes on in `tracestate`, unless it belongs to a trace that is not continued.
void SetContext(const Event& event, const Delivery& delivery, std::string_view trace_header,
                Headers& headers);

}  // namespace convoy::trace
