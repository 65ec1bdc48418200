// Reader and writer of trace context; see context.h. Ids are hashes of ids that are there already,
// so nothing is stored and no chance is needed.
#include "lib/trace/context.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"

namespace convoy::trace {
namespace {

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
                                         kStateHeader};
  return std::any_of(std::begin(kNames), std::end(kNames), [name](std::string_view other) {
    return base::EqualsIgnoreCase(name, other);
  });
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
  return absl::InvalidArgumentError(absl::StrCat("trace_header ", kTraceHeaderRule));
}

TraceContext TraceOf(const Event& event, std::string_view trace_header) {
  const auto parent = base::FindHeader(event.headers, trace_header);
  if (parent.has_value() && CountOf(event.headers, trace_header) == 1 && IsParent(*parent)) {
    return {.trace_id = std::string(parent->substr(3, kTraceIdSize)),
            .sender_id = std::string(parent->substr(36, kSpanIdSize)),
            .flags = std::string(parent->substr(53, 2))};
  }
  return {.trace_id = HexOf(absl::StrCat("trace ", event.id), kTraceIdSize), .flags = "01"};
}

std::string_view HeaderOf(const ProjectConfig& config, std::string_view host_header) {
  return config.trace_header.empty() ? host_header : std::string_view(config.trace_header);
}

std::string_view StateOf(const Event& event, const TraceContext& context) {
  if (context.sender_id.empty()) return "";
  return base::FindHeader(event.headers, kStateHeader).value_or("");
}

std::string ReceptionSpanIdOf(std::string_view event_id) {
  return HexOf(absl::StrCat("reception ", event_id), kSpanIdSize);
}

std::string AttemptSpanIdOf(std::string_view delivery_id, uint32_t attempt_number) {
  return HexOf(absl::StrCat("span ", delivery_id, " ", attempt_number), kSpanIdSize);
}

void SetContext(const Event& event, const Delivery& delivery, std::string_view trace_header,
                Headers& headers) {
  const TraceContext context = TraceOf(event, trace_header);
  Remove(headers, trace_header);
  if (context.sender_id.empty()) Remove(headers, kStateHeader);
  headers.push_back({std::string(trace_header),
                     absl::StrCat("00-", context.trace_id, "-",
                                  AttemptSpanIdOf(delivery.id, delivery.attempts_count + 1), "-",
                                  context.flags)});
}

}  // namespace convoy::trace
