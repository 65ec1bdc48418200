#include "lib/verify/signature_reader.h"

#include <algorithm>

#include "lib/base/text.h"

namespace convoy::verify {
namespace {

constexpr VerifyReason kOk = VerifyReason::kAccepted;

// A header that must be there exactly once.
VerifyReason ReadHeader(const VerifyRequest& request, std::string_view name,
                        std::string_view* value) {
  const size_t count = base::CountHeader(request.headers, name);
  if (count == 0) return VerifyReason::kMissingHeader;
  *value = *base::FindHeader(request.headers, name);
  return count > 1 || value->size() > kFieldBytesMax ? VerifyReason::kMalformed : kOk;
}

// A query parameter that must be there exactly once. Signatures are written in characters that need
// no escape in a query, so an escaped one is malformed rather than decoded.
VerifyReason ReadParameter(std::string_view query, std::string_view name, std::string_view* value) {
  size_t count = 0;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    *value = pair.substr(std::min(equals + 1, pair.size()));
    ++count;
  }
  if (count == 0) return VerifyReason::kMissingHeader;
  const bool is_escaped = value->find_first_of("%+") != std::string_view::npos;
  return count > 1 || is_escaped || value->size() > kFieldBytesMax ? VerifyReason::kMalformed : kOk;
}

bool IsSignatureKey(const ListSyntax& list, std::string_view key) {
  if (!list.is_key_numbered) return key == list.key;
  if (!key.starts_with(list.key) || key.size() == list.key.size()) return false;
  key.remove_prefix(list.key.size());
  return std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view TrimSpaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool AddCandidate(const Scheme& scheme, std::string_view value, SignatureFields* fields) {
  if (!value.starts_with(scheme.signature.prefix)) return false;
  value.remove_prefix(scheme.signature.prefix.size());
  if (value.empty() || fields->candidates_count == kCandidatesMax) return false;
  fields->candidates[fields->candidates_count++] = value;
  return true;
}

// Unknown items are ignored: they may be versions to come.
VerifyReason ReadList(const Scheme& scheme, std::string_view text, SignatureFields* fields) {
  const ListSyntax& list = *scheme.signature.list;
  const bool has_timestamp = scheme.timestamp.has_value() && !scheme.timestamp->item.empty();
  size_t timestamps_count = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(list.item_separator), text.size());
    const std::string_view item = TrimSpaces(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t separator = item.find(list.key_separator);
    if (separator == std::string_view::npos) continue;
    const std::string_view key = item.substr(0, separator);
    const std::string_view value = item.substr(separator + 1);
    if (has_timestamp && key == scheme.timestamp->item) {
      fields->timestamp = value;
      ++timestamps_count;
    } else if (IsSignatureKey(list, key) && !AddCandidate(scheme, value, fields)) {
      return VerifyReason::kMalformed;
    }
  }
  if (timestamps_count > 1) return VerifyReason::kMalformed;
  if (has_timestamp && timestamps_count == 0) return VerifyReason::kMalformed;
  return fields->candidates_count == 0 ? VerifyReason::kMalformed : kOk;
}

}  // namespace

SignatureFields ReadSignatureFields(const Scheme& scheme, const VerifyRequest& request) {
  SignatureFields fields;
  std::string_view text;
  fields.reason = scheme.signature.place == Place::kHeader
                      ? ReadHeader(request, scheme.signature.name, &text)
                      : ReadParameter(request.query, scheme.signature.name, &text);
  if (fields.reason != kOk) return fields;
  if (scheme.timestamp.has_value() && !scheme.timestamp->header.empty()) {
    fields.reason = ReadHeader(request, scheme.timestamp->header, &fields.timestamp);
    if (fields.reason != kOk) return fields;
  }
  if (scheme.signature.list.has_value()) {
    fields.reason = ReadList(scheme, text, &fields);
  } else if (!AddCandidate(scheme, text, &fields)) {
    fields.reason = VerifyReason::kMalformed;
  }
  return fields;
}

}  // namespace convoy::verify
