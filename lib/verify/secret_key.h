// How the text of a secret becomes the bytes of a key.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "lib/verify/scheme.h"

namespace convoy::verify {

// kInvalidArgument if the secret is empty or not in the format of the scheme. Never quotes it.
absl::StatusOr<std::string> DecodeSecret(const KeyRules& rules, std::string_view secret);

}  // namespace convoy::verify
