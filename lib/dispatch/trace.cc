// Trace context; see trace.h. Ids are hashes of ids that are there already, so nothing is stored
// and no chance is needed.
#include "lib/dispatch/trace.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"

namespace convoy::dispatch {
namespace {

constexpr std::string_view kParent = "traceparent";
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

}  // namespace

TraceContext TraceOf(const Event& event) {
  const auto parent = base::FindHeader(event.headers, kParent);
  if (parent.has_value() && CountOf(event.headers, kParent) == 1 && IsParent(*parent)) {
    return {.trace_id = std::string(parent->substr(3, kTraceIdSize)),
            .parent_id = std::string(parent->substr(36, kSpanIdSize)),
            .flags = std::string(parent->substr(53, 2))};
  }
  return {.trace_id = HexOf(absl::StrCat("trace ", event.id), kTraceIdSize), .flags = "01"};
}

std::string SpanIdOf(std::string_view delivery_id, uint32_t attempt_number) {
  return HexOf(absl::StrCat("span ", delivery_id, " ", attempt_number), kSpanIdSize);
}

void SetTraceContext(const Event& event, const Delivery& delivery, Headers& headers) {
  const TraceContext context = TraceOf(event);
  Remove(headers, kParent);
  if (context.parent_id.empty()) Remove(headers, kState);
  headers.push_back(
      {std::string(kParent),
       absl::StrCat("00-", context.trace_id, "-",
                    SpanIdOf(delivery.id, delivery.attempts_count + 1), "-", context.flags)});
}

void TellSpan(const Event& event, const Delivery& delivery, const Attempt& attempt,
              std::string_view outcome, Observer& observer) {
  const TraceContext context = TraceOf(event);
  const uint32_t number = delivery.attempts_count + 1;
  const std::string span_id = SpanIdOf(delivery.id, number);
  const std::string start = absl::StrCat(absl::ToUnixMicros(attempt.requested_at));
  const std::string end = absl::StrCat(absl::ToUnixMicros(attempt.responded_at));
  const std::string status = absl::StrCat(attempt.http_status);
  const std::string number_text = absl::StrCat(number);
  const LogField fields[] = {{"name", "deliver"},
                             {"kind", "client"},
                             {"trace_id", context.trace_id},
                             {"span_id", span_id},
                             {"parent_span_id", context.parent_id},
                             {"trace_flags", context.flags},
                             {"start_us", start},
                             {"end_us", end},
                             {"outcome", outcome},
                             {"http_status", status},
                             {"error", attempt.error},
                             {"project_id", delivery.project_id},
                             {"endpoint_id", delivery.endpoint_id},
                             {"event_id", event.id},
                             {"delivery_id", delivery.id},
                             {"attempt_number", number_text}};
  observer.Log(LogLevel::kDebug, "span", fields);
}

}  // namespace convoy::dispatch
