// Check whether 32 bytes are an acceptable Ed25519 public key.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace convoy::crypto {

// Refuses an encoding that is not canonical, that is no point of the curve (no signature would ever
// verify), or that is one of the points of small order (a forger can make signatures verify).
absl::Status CheckEd25519Point(std::string_view bytes);

}  // namespace convoy::crypto
