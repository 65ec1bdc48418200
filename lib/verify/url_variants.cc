// Each spelling leaves alone what it is not about: the rest of the URL is signed as it came.
#include "lib/verify/url_variants.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/body/form.h"

namespace convoy::verify {
namespace {

constexpr size_t kNone = std::string_view::npos;

// The colon before the port, and kNone if there is none.
size_t PortBegin(std::string_view url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == kNone) return kNone;
  const std::string_view authority = url.substr(0, PathBegin(url));
  const size_t host = std::max(authority.rfind('@') + 1, scheme_end + 3);
  const size_t bracket = authority.find(']', host);  // of an IPv6 address
  return authority.find(':', bracket == kNone ? host : bracket);
}

std::string WithoutPort(std::string_view url) {
  const size_t port = PortBegin(url);
  if (port == kNone) return std::string(url);
  return absl::StrCat(url.substr(0, port), url.substr(PathBegin(url)));
}

std::string WithDefaultPort(std::string_view url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == kNone || PortBegin(url) != kNone) return std::string(url);
  const bool is_tls = base::EqualsIgnoreCase(url.substr(0, scheme_end), "https");
  const size_t path = PathBegin(url);
  return absl::StrCat(url.substr(0, path), is_tls ? ":443" : ":80", url.substr(path));
}

std::string Quoted(std::string_view url) {
  const size_t query = std::min(url.find('?'), url.size());
  std::string spelt(url.substr(0, query));
  for (const char c : url.substr(query)) {
    switch (c) {
      case '\'':
        spelt += "%27";
        break;
      case '"':
        spelt += "%22";
        break;
      case '<':
        spelt += "%3C";
        break;
      case '>':
        spelt += "%3E";
        break;
      default:
        spelt.push_back(c);
    }
  }
  return spelt;
}

std::string EscapeComponent(std::string_view text) {
  constexpr std::string_view kKept = "-_.!~*'()", kDigits = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || kKept.find(c) != kNone) {
      escaped.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return escaped;
}

// Values of a name that occurs more than once come together, where it first stood.
std::string LegacyQuery(std::string_view url) {
  const size_t query = url.find('?');
  if (query == kNone || query + 1 == url.size()) return std::string(url);
  const auto fields = body::ReadForm("application/x-www-form-urlencoded", url.substr(query + 1));
  if (!fields.has_value() || fields->size() > 1000) return std::string(url);
  std::string spelt(url.substr(0, query));
  char separator = '?';
  for (auto first = fields->begin(); first != fields->end(); ++first) {
    const auto has_name = [&](const auto& field) { return field.first == first->first; };
    if (std::any_of(fields->begin(), first, has_name)) continue;
    for (auto field = first; field != fields->end(); ++field) {
      if (!has_name(*field)) continue;
      absl::StrAppend(&spelt, std::string_view(&separator, 1), EscapeComponent(field->first), "=",
                      EscapeComponent(field->second));
      separator = '&';
    }
  }
  return spelt;
}

std::string HubspotDecoded(std::string_view url) {
  constexpr std::array<std::pair<std::string_view, char>, 12> kListed = {{{"%3A", ':'},
                                                                          {"%2F", '/'},
                                                                          {"%3F", '?'},
                                                                          {"%40", '@'},
                                                                          {"%21", '!'},
                                                                          {"%24", '$'},
                                                                          {"%27", '\''},
                                                                          {"%28", '('},
                                                                          {"%29", ')'},
                                                                          {"%2A", '*'},
                                                                          {"%2C", ','},
                                                                          {"%3B", ';'}}};
  std::string spelt;
  while (!url.empty()) {
    const auto* const listed =
        std::find_if(kListed.begin(), kListed.end(), [url](const auto& escape) {
          return base::EqualsIgnoreCase(url.substr(0, 3), escape.first);
        });
    const bool is_listed = listed != kListed.end();
    spelt.push_back(is_listed ? listed->second : url[0]);
    url.remove_prefix(is_listed ? 3 : 1);
  }
  return spelt;
}

}  // namespace

size_t PathBegin(std::string_view url) {
  const size_t scheme_end = url.find("://");
  const size_t authority = scheme_end == kNone ? 0 : scheme_end + 3;
  return std::min(url.find_first_of("/?#", authority), url.size());
}

std::optional<std::string> SpellUrl(UrlVariant variant, std::string_view url) {
  std::string spelt;
  switch (variant) {
    case UrlVariant::kNoPort:
      spelt = WithoutPort(url);
      break;
    case UrlVariant::kDefaultPort:
      spelt = WithDefaultPort(url);
      break;
    case UrlVariant::kQuoted:
      spelt = Quoted(url);
      break;
    case UrlVariant::kLegacyQuery:
      spelt = LegacyQuery(url);
      break;
    case UrlVariant::kHubspotDecoded:
      spelt = HubspotDecoded(url);
      break;
  }
  if (spelt == url) return std::nullopt;
  return spelt;
}

std::vector<std::string> SpellUrl(const std::vector<UrlVariant>& variants, std::string_view url) {
  std::vector<std::string> spellings;
  for (const UrlVariant variant : variants) {
    const bool is_port = variant == UrlVariant::kNoPort || variant == UrlVariant::kDefaultPort;
    const size_t earlier_count = is_port ? 0 : spellings.size();
    if (auto spelt = SpellUrl(variant, url)) spellings.push_back(*std::move(spelt));
    for (size_t i = 0; i < earlier_count; ++i) {
      if (auto spelt = SpellUrl(variant, spellings[i])) spellings.push_back(*std::move(spelt));
    }
  }
  return spellings;
}

}  // namespace convoy::verify
