// Span of an attempt; see trace.h.
#include "lib/dispatch/trace.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/trace/span_report.h"

namespace convoy::dispatch {
namespace {

// The host and port of an endpoint's URL, as they are written; the port is what the scheme means
// where it is left out. The rest of the URL may hold secrets.
struct Server {
  std::string_view address;
  int64_t port = 0;
};

Server ServerOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  const bool has_tls = base::EqualsIgnoreCase(url.substr(0, scheme), "https");
  std::string_view authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const size_t at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  Server server{.address = authority, .port = has_tls ? 443 : 80};
  const size_t colon = authority.rfind(':');
  if (colon != authority.npos && authority.find(']', colon) == authority.npos &&
      absl::SimpleAtoi(authority.substr(colon + 1), &server.port)) {
    server.address = authority.substr(0, colon);
  }
  return server;
}

std::vector<SpanAttribute> AttributesOf(const EndedAttempt& ended, int64_t number,
                                        std::string_view status) {
  const Attempt& attempt = ended.attempt;
  const Server server = ServerOf(attempt.url);
  std::vector<SpanAttribute> attributes = {{"http.request.method", attempt.method},
                                           {"server.address", server.address},
                                           {"server.port", server.port},
                                           {"convoy.project.id", ended.delivery.project_id},
                                           {"convoy.endpoint.id", ended.delivery.endpoint_id},
                                           {"convoy.event.id", ended.event.id},
                                           {"convoy.event.type", ended.event.event_type},
                                           {"convoy.delivery.id", ended.delivery.id},
                                           {"convoy.attempt.number", number},
                                           {"convoy.outcome", ended.outcome}};
  if (attempt.http_status != 0) {
    attributes.push_back({"http.response.status_code", int64_t{attempt.http_status}});
  }
  if (number > 1) attributes.push_back({"http.request.resend_count", number - 1});
  if (!attempt.remote_ip.empty()) {
    attributes.push_back({"network.peer.address", attempt.remote_ip});
  }
  if (!attempt.is_success) {
    // An answer is an error of its status; anything else, of what prevented one.
    attributes.push_back({"error.type", attempt.http_status >= 300 ? status : ended.outcome});
  }
  return attributes;
}

}  // namespace

void TellSpan(const EndedAttempt& ended, Observer& observer, SpanSink* sink) {
  const Attempt& attempt = ended.attempt;
  const uint32_t number = ended.delivery.attempts_count + 1;
  const std::string span_id = trace::AttemptSpanIdOf(ended.delivery.id, number);
  const std::string parent_id = trace::ReceptionSpanIdOf(ended.event.id);
  const std::string status = absl::StrCat(attempt.http_status);
  const std::string number_text = absl::StrCat(number);
  const LogField fields[] = {{"outcome", ended.outcome},
                             {"http_status", status},
                             {"error", attempt.error},
                             {"project_id", ended.delivery.project_id},
                             {"endpoint_id", ended.delivery.endpoint_id},
                             {"event_id", ended.event.id},
                             {"delivery_id", ended.delivery.id},
                             {"attempt_number", number_text}};
  const std::vector<SpanAttribute> attributes = AttributesOf(ended, number, status);
  trace::ReportSpan({.name = "deliver",
                     .kind = SpanKind::kClient,
                     .trace_id = ended.context.trace_id,
                     .span_id = span_id,
                     .parent_span_id = parent_id,
                     .trace_state = trace::StateOf(ended.event, ended.context),
                     .is_sampled = ended.context.is_sampled(),
                     .start = attempt.requested_at,
                     .end = std::max(attempt.requested_at, attempt.responded_at),
                     .attributes = attributes,
                     .status = attempt.is_success ? SpanStatus::kUnset : SpanStatus::kError,
                     .status_message = attempt.is_success ? "" : std::string_view(attempt.error)},
                    ended.context.flags, fields, observer, sink);
}

}  // namespace convoy::dispatch
