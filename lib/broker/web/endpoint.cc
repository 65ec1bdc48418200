// URL parser for service endpoints. Only the form is checked here: libcurl parses the URL made of
// it, and the guard checks the address that its host resolves to.
#include "lib/broker/web/endpoint.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace convoy::broker {

std::string Endpoint::UrlOf(std::string_view suffix) const {
  return absl::StrCat(scheme, "://", authority, path, suffix);
}

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view url, std::string_view field) {
  const auto refuse = [field](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(field, " ", why));
  };
  const size_t colon = url.find("://");
  const std::string_view scheme = url.substr(0, colon);
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return refuse("must begin with http:// or https://");
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.empty()) return refuse("names no host");
  for (const char c : rest) {
    if (static_cast<uint8_t>(c) <= 0x20 || static_cast<uint8_t>(c) >= 0x7F || c == '@' ||
        c == '?' || c == '#' || c == '%' || c == '\\') {
      return refuse("must be a plain URL without user, query or escapes");
    }
  }
  return Endpoint{.scheme = std::string(scheme),
                  .authority = std::string(authority),
                  .path = std::string(absl::StripSuffix(rest.substr(authority.size()), "/"))};
}

bool IsLoopback(const Endpoint& endpoint) {
  const std::string_view authority = endpoint.authority;
  const std::string_view host = authority.starts_with('[')
                                    ? authority.substr(0, authority.find(']') + 1)
                                    : authority.substr(0, authority.find(':'));
  return absl::EqualsIgnoreCase(host, "localhost") || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace convoy::broker
