// Canonical forms of single providers; see canonical.h.
#include "lib/verify/canonical.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"

namespace convoy::verify {
namespace {

constexpr size_t kFieldsMax = 1000;

using body::FormFields;

// Sorted by name and value; nullopt if there are none to read or too many.
std::optional<FormFields> Sorted(std::optional<FormFields> fields) {
  if (!fields.has_value() || fields->size() > kFieldsMax) return std::nullopt;
  std::sort(fields->begin(), fields->end());
  return fields;
}

// The parameters of a query, decoded and sorted.
std::optional<FormFields> SortedQuery(std::string_view query) {
  return Sorted(body::ReadForm("application/x-www-form-urlencoded", query));
}

// The fields of a form, of whichever type. An empty body has none.
std::optional<FormFields> SortedForm(body::BodyView& form) {
  const FormFields* const fields = form.form();
  return fields == nullptr ? std::nullopt : Sorted(*fields);
}

// Characters that ECMAScript's encodeURIComponent and encodeURI keep, beside letters and digits.
constexpr std::string_view kComponentPunctuation = "-_.!~*'()";
constexpr std::string_view kUriPunctuation = "-_.!~*'();/?:@&=+$,#";

std::string EscapeAllBut(std::string_view text, std::string_view punctuation) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || punctuation.find(c) != std::string_view::npos) {
      escaped.push_back(c);
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      escaped += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return escaped;
}

}  // namespace

Finding FeedSortedForm(body::BodyView& form, Sink sink) {
  std::optional<FormFields> fields = SortedForm(form);
  if (!fields.has_value()) return Finding::kAmbiguous;
  fields->erase(std::unique(fields->begin(), fields->end()), fields->end());
  for (const auto& [name, value] : *fields) {
    sink(name);
    sink(value);
  }
  return Finding::kFound;
}

Finding FeedSortedQuery(std::string_view query, Sink sink) {
  std::vector<std::string_view> pairs;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pairs.size() == kFieldsMax) return Finding::kAmbiguous;
    pairs.push_back(pair);
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](std::string_view a, std::string_view b) {
    return a.substr(0, a.find('=')) < b.substr(0, b.find('='));
  });
  std::string_view separator;
  for (const std::string_view pair : pairs) {
    sink(separator);
    sink(pair);
    separator = "&";
  }
  return Finding::kFound;
}

Finding FeedPlivoV3Url(const VerifyRequest& request, body::BodyView& form, Sink sink) {
  const size_t question = std::min(request.url.find('?'), request.url.size());
  const std::string_view query = request.url.substr(std::min(question + 1, request.url.size()));
  // Only the form of a POST is signed: with another method a body could be anything.
  if (request.method != "POST" && !request.body.empty()) return Finding::kAmbiguous;
  const auto parameters = SortedQuery(query);
  const auto fields = request.method == "POST" ? SortedForm(form) : FormFields();
  if (!parameters.has_value() || !fields.has_value()) return Finding::kAmbiguous;
  sink(request.url.substr(0, question));
  if (!parameters->empty() || !fields->empty()) sink("?");
  std::string_view separator;
  for (const auto& [name, value] : *parameters) {
    sink(separator), sink(name), sink("="), sink(value);
    separator = "&";
  }
  if (!parameters->empty() && !fields->empty()) sink(".");
  for (const auto& [name, value] : *fields) sink(name), sink(value);
  return Finding::kFound;
}

Finding FeedContentfulTarget(const VerifyRequest& request, Sink sink) {
  sink(EscapeAllBut(request.path, kUriPunctuation));
  if (request.query.empty()) return Finding::kFound;
  sink("?");
  // Escaped twice: as a component, then as part of a URI, whose '%' it escapes again.
  sink(EscapeAllBut(EscapeAllBut(request.query, kComponentPunctuation), kUriPunctuation));
  return Finding::kFound;
}

Finding FeedEscapedBody(std::string_view body, Sink sink) {
  if (!base::IsValidUtf8(body)) return Finding::kAmbiguous;
  const auto unit = [&](uint32_t value) {
    sink(absl::StrCat("\\u", absl::Hex(value, absl::kZeroPad4)));
  };
  size_t begin = 0;  // of what goes on as it is
  for (size_t i = 0; i < body.size();) {
    const auto byte = static_cast<uint8_t>(body[i]);
    const bool is_slash = byte == '/' && (i == 0 || body[i - 1] != '\\');
    if (byte < 0x7F && !is_slash) {
      ++i;
      continue;
    }
    sink(body.substr(begin, i - begin));
    const size_t size = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    uint32_t point = size == 1 ? byte : byte & (0x7Fu >> size);
    for (size_t j = 1; j < size; ++j) point = point << 6 | (body[i + j] & 0x3F);
    if (is_slash) {
      sink("\\/");
    } else if (point < 0x10000) {
      unit(point);
    } else {
      unit(0xD800 + ((point - 0x10000) >> 10));
      unit(0xDC00 + ((point - 0x10000) & 0x3FF));
    }
    i += size;
    begin = i;
  }
  sink(body.substr(begin));
  return Finding::kFound;
}

Finding FeedSignedHeaders(const VerifyRequest& request, std::string_view list, Sink sink) {
  constexpr size_t kNamesMax = 64;
  if (base::CountHeader(request.headers, list) != 1) {
    return base::CountHeader(request.headers, list) == 0 ? Finding::kMissing : Finding::kAmbiguous;
  }
  std::vector<std::string> names;
  ListReader items(*base::FindHeader(request.headers, list), ',');
  for (std::string_view item; items.Next(&item);) {
    if (names.size() == kNamesMax || item.size() > kFieldBytesMax) return Finding::kAmbiguous;
    names.push_back(absl::AsciiStrToLower(item));
  }
  std::sort(names.begin(), names.end());
  std::string_view separator;
  for (const std::string& name : names) {
    if (base::CountHeader(request.headers, name) != 1) return Finding::kMissing;
    sink(separator), sink(name), sink(":");
    sink(absl::StripAsciiWhitespace(*base::FindHeader(request.headers, name)));
    separator = ";";
  }
  return Finding::kFound;
}

Finding FeedQueryStringHash(const VerifyRequest& request, Sink sink) {
  const auto parameters = SortedQuery(request.query);
  if (!parameters.has_value()) return Finding::kAmbiguous;
  std::string_view path = request.path;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  std::string canonical = absl::StrCat(request.method, "&", path.empty() ? "/" : path, "&");
  std::string_view previous;
  bool is_first = true;
  for (const auto& [name, value] : *parameters) {
    if (name == "jwt") continue;
    if (!is_first && name == previous) {
      absl::StrAppend(&canonical, ",", base::PercentEncode(value));
    } else {
      absl::StrAppend(&canonical, is_first ? "" : "&", base::PercentEncode(name), "=",
                      base::PercentEncode(value));
    }
    previous = name;
    is_first = false;
  }
  sink(base::HexEncode(crypto::Hash(crypto::HashAlgorithm::kSha256, canonical).view()));
  return Finding::kFound;
}

Finding FeedBodyWithSecret(const Evidence& evidence, const Locator& place, Sink sink) {
  Text text;
  const Finding finding = evidence.Find(place, &text);
  if (finding != Finding::kFound) return finding;
  const std::string_view body = evidence.request.body;
  const std::string_view value = text.view();
  // A value that had to be decoded does not stand in the body as it is.
  if (value.data() < body.data() || value.data() + value.size() > body.data() + body.size()) {
    return Finding::kAmbiguous;
  }
  const size_t begin = static_cast<size_t>(value.data() - body.data());
  sink(body.substr(0, begin));
  sink(evidence.secret);
  sink(body.substr(begin + value.size()));
  return Finding::kFound;
}

Finding FeedOtherPortForm(std::string_view url, Sink sink) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return Finding::kMissing;
  const std::string_view scheme = url.substr(0, scheme_end);
  const std::string_view port = scheme == "https" ? ":443" : scheme == "http" ? ":80" : "";
  if (port.empty()) return Finding::kMissing;
  const size_t authority_begin = scheme_end + 3;
  const size_t authority_end = std::min(url.find_first_of("/?#", authority_begin), url.size());
  const std::string_view authority = url.substr(authority_begin, authority_end - authority_begin);
  if (authority.ends_with(port)) {
    sink(url.substr(0, authority_end - port.size())), sink(url.substr(authority_end));
    return Finding::kFound;
  }
  const std::string_view host = authority.substr(authority.rfind('@') + 1);
  const size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == host.npos;
  if (has_port) return Finding::kMissing;
  sink(url.substr(0, authority_end)), sink(port), sink(url.substr(authority_end));
  return Finding::kFound;
}

}  // namespace convoy::verify
