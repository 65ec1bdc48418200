// Names of local endpoints: those whose URL is "local:NAME" deliver to the host itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace convoy::model {

inline constexpr std::string_view kLocalNameRule =
    "1 to 64 characters a-z, 0-9, '.', '_' and '-', the first one a letter";

bool IsLocalName(std::string_view name);

// The name in a URL of the scheme "local", of which it is all the rest, valid or not; nullopt for
// every other URL. The scheme is compared without case (RFC 3986, section 3.1).
std::optional<std::string_view> LocalNameOf(std::string_view url);

// Whether deliveries to `name` are taken, by GatewayOptions::local_names. kInvalidArgument says
// which ones are.
absl::Status CheckServed(std::string_view name, const std::vector<std::string>& served);

}  // namespace convoy::model
