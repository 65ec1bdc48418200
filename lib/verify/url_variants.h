// Other spellings of the URL that a provider may have signed: its back end builds the URL anew, and
// not always as it asks for it. Which of them count is part of a scheme, each with its source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace convoy::verify {

enum class UrlVariant : uint8_t {
  kNoPort,          // without its port, whichever it is
  kDefaultPort,     // with the port that its scheme has, where it has none
  kQuoted,          // with the quotes and angle brackets of its query escaped, as WHATWG URLs are
  kLegacyQuery,     // with its query taken apart and written again as Node's querystring does it
  kHubspotDecoded,  // with the escapes undone that HubSpot lists
};

// nullopt: it is the same as `url`, or there is no such spelling.
std::optional<std::string> SpellUrl(UrlVariant variant, std::string_view url);

// All spellings by `variants`, each also of what an earlier one of them makes of `url`: with its
// port and with other escapes. `url` itself is not among them.
std::vector<std::string> SpellUrl(const std::vector<UrlVariant>& variants, std::string_view url);

// The end of scheme and authority: where the path begins.
size_t PathBegin(std::string_view url);

}  // namespace convoy::verify
