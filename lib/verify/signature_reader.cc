// Extraction of signatures from a request; see signature_reader.h.
#include "lib/verify/signature_reader.h"

#include <algorithm>
#include <optional>

#include "lib/base/encoding.h"
#include "lib/base/text.h"

namespace convoy::verify {
namespace {

constexpr VerifyReason kOk = VerifyReason::kAccepted;

bool AreDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsSignatureKey(const ListSyntax& list, std::string_view wanted, std::string_view key) {
  if (!list.is_key_numbered) return key == wanted;
  return key.starts_with(wanted) && AreDigits(key.substr(wanted.size()));
}

// The text after the scheme's prefix; empty if `value` does not have it.
std::string_view WithoutPrefix(const Scheme& scheme, std::string_view value) {
  if (!value.starts_with(scheme.signature.prefix)) return {};
  return value.substr(scheme.signature.prefix.size());
}

bool AddCandidate(const Scheme& scheme, std::string_view value, FoundSignatures* out) {
  const std::string_view candidate = WithoutPrefix(scheme, value);
  if (candidate.empty() || out->candidates_count == kCandidatesMax) return false;
  out->candidates[out->candidates_count++] = candidate;
  return true;
}

// The same for an item of a list, where one that is no signature is passed over: it may be of a
// version to come, and does not spoil the good one beside it. False: there are too many.
bool AddItem(const Scheme& scheme, std::string_view value, FoundSignatures* out) {
  return WithoutPrefix(scheme, value).empty() || AddCandidate(scheme, value, out);
}

// Items without keys: each is a signature, but for the first if it is the timestamp.
VerifyReason ReadPlainList(const Scheme& scheme, std::string_view text, FoundSignatures* out) {
  ListReader items(text, scheme.signature.list->item_separator);
  std::string_view item;
  if (scheme.signature.list->is_timestamp_first) {
    items.Next(&item);
    out->timestamp.Borrow(item);
  }
  while (items.Next(&item)) {
    if (!AddItem(scheme, item, out)) return VerifyReason::kMalformed;
  }
  return out->candidates_count == 0 ? VerifyReason::kMalformed : kOk;
}

// Items "key=value". Unknown keys are ignored: they may be versions to come.
VerifyReason ReadKeyedList(const Scheme& scheme, const Evidence& evidence, std::string_view text,
                           FoundSignatures* out) {
  const ListSyntax& list = *scheme.signature.list;
  std::string_view wanted = list.key;
  if (!list.key_parameter.empty()) {
    const auto parameter = evidence.parameters.find(list.key_parameter);
    if (parameter == evidence.parameters.end()) return VerifyReason::kUnknownKey;
    wanted = parameter->second;
  }
  ListReader items(text, list.item_separator);
  for (std::string_view item; items.Next(&item);) {
    const size_t separator = item.find(list.key_separator);
    if (separator == std::string_view::npos) continue;
    if (!IsSignatureKey(list, wanted, item.substr(0, separator))) continue;
    if (!AddItem(scheme, item.substr(separator + 1), out)) return VerifyReason::kMalformed;
  }
  return out->candidates_count == 0 ? VerifyReason::kMalformed : kOk;
}

// The group of `text` that is asked for; without a group separator there is just one.
std::optional<std::string_view> SelectGroup(const ListSyntax& list, std::string_view text,
                                            size_t group, bool* has_more) {
  if (list.group_separator == '\0') return text;
  ListReader groups(text, list.group_separator);
  std::string_view selected;
  for (size_t i = 0; i <= group; ++i) {
    if (!groups.Next(&selected)) return std::nullopt;
  }
  std::string_view next;
  *has_more = group + 1 < kGroupsMax && groups.Next(&next);
  return selected;
}

VerifyReason ReadList(const Scheme& scheme, size_t group, std::string_view text, Evidence* evidence,
                      FoundSignatures* out) {
  const ListSyntax& list = *scheme.signature.list;
  const auto selected = SelectGroup(list, text, group, &out->has_more_groups);
  if (!selected.has_value()) return VerifyReason::kMalformed;
  evidence->signature_list = *selected;
  evidence->item_separator = list.item_separator;
  evidence->key_separator = list.key_separator;
  const bool has_keys = !list.key.empty() || !list.key_parameter.empty();
  return has_keys ? ReadKeyedList(scheme, *evidence, *selected, out)
                  : ReadPlainList(scheme, *selected, out);
}

// Every header called base-1, base-2 … is a candidate.
VerifyReason ReadNumbered(const Scheme& scheme, const VerifyRequest& request,
                          FoundSignatures* out) {
  const std::string_view base = scheme.signature.places.front().name;
  for (const HeaderView& header : request.headers) {
    if (header.name.size() <= base.size() ||
        !base::EqualsIgnoreCase(header.name.substr(0, base.size()), base) ||
        !AreDigits(header.name.substr(base.size()))) {
      continue;
    }
    if (base::CountHeader(request.headers, header.name) != 1 ||
        header.value.size() > kFieldBytesMax || !AddCandidate(scheme, header.value, out)) {
      return VerifyReason::kMalformed;
    }
  }
  return out->candidates_count == 0 ? VerifyReason::kMissingHeader : kOk;
}

// The signature wrapped in base64 of JSON.
VerifyReason ReadEnvelope(const Scheme& scheme, FoundSignatures* out) {
  const std::optional<std::string> json = base::Base64Decode(out->field.view());
  if (!json.has_value()) return VerifyReason::kMalformed;
  Text signature;
  const Finding finding = FindJson(*json, scheme.signature.envelope_path, &signature);
  if (finding != Finding::kFound) return VerifyReason::kMalformed;
  out->field.Own(std::string(signature.view()));
  return AddCandidate(scheme, out->field.view(), out) ? kOk : VerifyReason::kMalformed;
}

VerifyReason ReadOne(const Scheme& scheme, size_t group, Evidence* evidence, FoundSignatures* out) {
  const SignatureField& field = scheme.signature;
  const Finding finding = evidence->Find(field.places.front(), &out->field);
  if (finding != Finding::kFound) return ReasonOf(finding);
  if (!field.envelope_path.empty()) return ReadEnvelope(scheme, out);
  if (field.list.has_value()) return ReadList(scheme, group, out->field.view(), evidence, out);
  return AddCandidate(scheme, out->field.view(), out) ? kOk : VerifyReason::kMalformed;
}

// Several headers may carry a signature each; those that are there count.
VerifyReason ReadSeveral(const Scheme& scheme, const Evidence& evidence, FoundSignatures* out) {
  for (const Locator& place : scheme.signature.places) {
    Text value;
    const Finding finding = evidence.Find(place, &value);
    if (finding == Finding::kMissing) continue;
    // A header is never decoded, so the view outlives `value`.
    if (finding == Finding::kAmbiguous || !AddCandidate(scheme, value.view(), out)) {
      return VerifyReason::kMalformed;
    }
  }
  return out->candidates_count == 0 ? VerifyReason::kMissingHeader : kOk;
}

}  // namespace

VerifyReason ReadSignatures(const Scheme& scheme, size_t group, Evidence* evidence,
                            FoundSignatures* out) {
  VerifyReason reason = kOk;
  if (scheme.signature.is_name_numbered) {
    reason = ReadNumbered(scheme, evidence->request, out);
  } else if (scheme.signature.places.size() > 1) {
    reason = ReadSeveral(scheme, *evidence, out);
  } else {
    reason = ReadOne(scheme, group, evidence, out);
  }
  if (reason != kOk) return reason;
  if (scheme.timestamp.has_value() && scheme.timestamp->from.has_value()) {
    reason = ReasonOf(evidence->Find(*scheme.timestamp->from, &out->timestamp));
    // Within the signature's own list nothing is a header that could be missing.
    const bool is_in_list = scheme.timestamp->from->kind == Locator::Kind::kSignatureItem;
    if (is_in_list && reason == VerifyReason::kMissingHeader) reason = VerifyReason::kMalformed;
  }
  evidence->timestamp = out->timestamp.view();
  return reason;
}

}  // namespace convoy::verify
