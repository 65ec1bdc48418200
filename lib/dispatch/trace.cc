// Trace context; see trace.h. Ids are hashes of ids that are there already, so nothing is stored
// and no chance is needed.
#include "lib/dispatch/trace.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"

namespace convoy::dispatch {
namespace {

constexpr std::string_view kState = "tracestate";
constexpr size_t kTraceIdSize = 32;
constexpr size_t kSpanIdSize = 16;
constexpr size_t kParentSize = 55;  // "00-<trace id>-<span id>-<flags>"

std::string HexOf(std::string_view text, size_t digits) {
  const crypto::Digest hash = crypto::Hash(crypto::HashAlgorithm::kSha256, text);
  return base::HexEncode(hash.view()).substr(0, digits);
}

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == text.npos; }

size_t CountOf(const Headers& headers, std::string_view name) {
  return static_cast<size_t>(std::count_if(headers.begin(), headers.end(), [&](const Header& each) {
    return base::EqualsIgnoreCase(each.name, name);
  }));
}

// Later versions may say more behind the flags; version ff is none.
bool IsParent(std::string_view text) {
  if (text.size() < kParentSize || text[2] != '-' || text[35] != '-' || text[52] != '-') {
    return false;
  }
  const std::string_view version = text.substr(0, 2);
  const bool has_right_size =
      text.size() == kParentSize || (version != "00" && text[kParentSize] == '-');
  return has_right_size && IsHex(version) && version != "ff" &&
         IsHex(text.substr(3, kTraceIdSize)) && IsHex(text.substr(36, kSpanIdSize)) &&
         IsHex(text.substr(53, 2)) && !IsZero(text.substr(3, kTraceIdSize)) &&
         !IsZero(text.substr(36, kSpanIdSize));
}

void Remove(Headers& headers, std::string_view name) {
  std::erase_if(headers,
                [name](const Header& each) { return base::EqualsIgnoreCase(each.name, name); });
}

// Of the flags only the last bit has a meaning that is known.
constexpr char kSampledBit = 1;

// Headers that HTTP or the gateway sets itself. A project's own headers are added later, and win
// over these.
bool IsTaken(std::string_view name) {
  constexpr std::string_view kNames[] = {"Authorization",
                                         "Connection",
                                         "Content-Encoding",
                                         "Content-Length",
                                         "Content-Type",
                                         "Cookie",
                                         "Expect",
                                         "Host",
                                         "Keep-Alive",
                                         "Proxy-Connection",
                                         "TE",
                                         "Trailer",
                                         "Transfer-Encoding",
                                         "Upgrade",
                                         "User-Agent",
                                         kState};
  return std::any_of(std::begin(kNames), std::end(kNames), [name](std::string_view other) {
    return base::EqualsIgnoreCase(name, other);
  });
}

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

void LogSpan(const EndedAttempt& ended, std::string_view span_id, uint32_t number,
             Observer& observer) {
  const Attempt& attempt = ended.attempt;
  const std::string start = absl::StrCat(absl::ToUnixMicros(attempt.requested_at));
  const std::string end = absl::StrCat(absl::ToUnixMicros(attempt.responded_at));
  const std::string status = absl::StrCat(attempt.http_status);
  const std::string number_text = absl::StrCat(number);
  const LogField fields[] = {{"name", "deliver"},
                             {"kind", "client"},
                             {"trace_id", ended.context.trace_id},
                             {"span_id", span_id},
                             {"parent_span_id", ended.context.parent_id},
                             {"trace_flags", ended.context.flags},
                             {"start_us", start},
                             {"end_us", end},
                             {"outcome", ended.outcome},
                             {"http_status", status},
                             {"error", attempt.error},
                             {"project_id", ended.delivery.project_id},
                             {"endpoint_id", ended.delivery.endpoint_id},
                             {"event_id", ended.event.id},
                             {"delivery_id", ended.delivery.id},
                             {"attempt_number", number_text}};
  observer.Log(LogLevel::kDebug, "span", fields);
}

void SinkSpan(const EndedAttempt& ended, std::string_view span_id, uint32_t number,
              SpanSink& sink) {
  const Attempt& attempt = ended.attempt;
  const Server server = ServerOf(attempt.url);
  const std::string status = absl::StrCat(attempt.http_status);
  std::vector<SpanAttribute> attributes = {{"http.request.method", attempt.method},
                                           {"server.address", server.address},
                                           {"server.port", server.port},
                                           {"convoy.project.id", ended.delivery.project_id},
                                           {"convoy.endpoint.id", ended.delivery.endpoint_id},
                                           {"convoy.event.id", ended.event.id},
                                           {"convoy.event.type", ended.event.event_type},
                                           {"convoy.delivery.id", ended.delivery.id},
                                           {"convoy.attempt.number", int64_t{number}},
                                           {"convoy.outcome", ended.outcome}};
  if (attempt.http_status != 0) {
    attributes.push_back({"http.response.status_code", int64_t{attempt.http_status}});
  }
  if (number > 1) attributes.push_back({"http.request.resend_count", int64_t{number} - 1});
  if (!attempt.remote_ip.empty()) {
    attributes.push_back({"network.peer.address", attempt.remote_ip});
  }
  if (!attempt.is_success) {
    // An answer is an error of its status; anything else, of what prevented one.
    attributes.push_back(
        {"error.type", attempt.http_status >= 300 ? std::string_view(status) : ended.outcome});
  }
  sink.Take({.name = "deliver",
             .kind = SpanKind::kClient,
             .trace_id = ended.context.trace_id,
             .span_id = span_id,
             .parent_span_id = ended.context.parent_id,
             .trace_state = ended.context.parent_id.empty()
                                ? ""
                                : base::FindHeader(ended.event.headers, kState).value_or(""),
             .is_sampled = ended.context.is_sampled(),
             .start = attempt.requested_at,
             .end = std::max(attempt.requested_at, attempt.responded_at),
             .attributes = attributes,
             .status = attempt.is_success ? SpanStatus::kUnset : SpanStatus::kError,
             .status_message = attempt.is_success ? "" : std::string_view(attempt.error)});
}

}  // namespace

bool TraceContext::is_sampled() const {
  const char digit = flags.empty() ? '1' : flags.back();
  return ((digit <= '9' ? digit - '0' : digit - 'a' + 10) & kSampledBit) != 0;
}

absl::Status CheckTraceHeader(std::string_view name) {
  constexpr size_t kNameSizeMax = 128;
  if (name.size() <= kNameSizeMax && base::IsHeaderName(name) && !IsTaken(name)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "trace_header must be the name of a header, at most 128 characters, that neither HTTP nor "
      "the gateway uses itself, such as traceparent");
}

TraceContext TraceOf(const Event& event, std::string_view trace_header) {
  const auto parent = base::FindHeader(event.headers, trace_header);
  if (parent.has_value() && CountOf(event.headers, trace_header) == 1 && IsParent(*parent)) {
    return {.trace_id = std::string(parent->substr(3, kTraceIdSize)),
            .parent_id = std::string(parent->substr(36, kSpanIdSize)),
            .flags = std::string(parent->substr(53, 2))};
  }
  return {.trace_id = HexOf(absl::StrCat("trace ", event.id), kTraceIdSize), .flags = "01"};
}

std::string SpanIdOf(std::string_view delivery_id, uint32_t attempt_number) {
  return HexOf(absl::StrCat("span ", delivery_id, " ", attempt_number), kSpanIdSize);
}

void SetTraceContext(const Event& event, const Delivery& delivery, std::string_view trace_header,
                     Headers& headers) {
  const TraceContext context = TraceOf(event, trace_header);
  Remove(headers, trace_header);
  if (context.parent_id.empty()) Remove(headers, kState);
  headers.push_back(
      {std::string(trace_header),
       absl::StrCat("00-", context.trace_id, "-",
                    SpanIdOf(delivery.id, delivery.attempts_count + 1), "-", context.flags)});
}

void TellSpan(const EndedAttempt& ended, Observer& observer, SpanSink* sink) {
  const uint32_t number = ended.delivery.attempts_count + 1;
  const std::string span_id = SpanIdOf(ended.delivery.id, number);
  LogSpan(ended, span_id, number, observer);
  if (sink != nullptr) SinkSpan(ended, span_id, number, *sink);
}

}  // namespace convoy::dispatch
