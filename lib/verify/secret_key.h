// Secrets as people paste them, and the keys that they stand for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/verify/scheme.h"

namespace convoy::verify {

// `text` without what comes with copying and with `echo`: white space around it, also such as web
// pages have it (no-break and zero-width spaces, byte order marks).
std::string_view TrimSecret(std::string_view text);

// The keys that a secret may stand for, the likeliest last: of a text with white space around it
// that text, for a provider that was given the same, and the text without. Around and within hex
// and base64 white space does not count, base64 may be of the URL alphabet and lack its padding,
// and "v1," may stand before a prefix, as Supabase prints it. kInvalidArgument says what is wrong
// with a secret, and never holds it.
absl::StatusOr<std::vector<std::string>> DecodeSecret(const KeyRules& rules,
                                                      std::string_view secret);

}  // namespace convoy::verify
