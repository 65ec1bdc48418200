// Names are compared without case, as receivers compare them; every header of a name is redacted.
#include "lib/dispatch/redaction.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "lib/base/text.h"

namespace convoy::dispatch {
namespace {

constexpr std::string_view kRedacted = "[redacted]";

bool IsCredential(std::string_view name) {
  constexpr std::string_view kNames[] = {"Authorization", "Cookie", "Proxy-Authorization"};
  return std::any_of(std::begin(kNames), std::end(kNames), [name](std::string_view other) {
    return base::EqualsIgnoreCase(name, other);
  });
}

}  // namespace

Headers RedactHeaders(const Headers& headers, const EndpointAuth& auth) {
  const auto* api_key = std::get_if<ApiKeyAuth>(&auth);
  Headers redacted = headers;
  for (Header& header : redacted) {
    const bool is_api_key =
        api_key != nullptr && base::EqualsIgnoreCase(header.name, api_key->header_name);
    if (is_api_key || IsCredential(header.name)) header.value = kRedacted;
  }
  if (std::holds_alternative<OAuth2Auth>(auth)) {
    std::erase_if(redacted, [](const Header& header) {
      return base::EqualsIgnoreCase(header.name, "Authorization");
    });
    redacted.push_back({.name = "Authorization", .value = std::string(kRedacted)});
  }
  return redacted;
}

}  // namespace convoy::dispatch
