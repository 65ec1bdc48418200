// X.509 certificates as far as a client needs them: whether what an operator has set can be used.
// Chains, names and purposes are judged by the peer.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace convoy::crypto {

inline constexpr size_t kCertificatesMax = 1000;  // of one text

// Authorities: every CERTIFICATE block of `text` can be read, and there is one at least.
absl::Status CheckAuthorities(std::string_view text);

// A client certificate, first in `certificates`, and those above it; and its private key, not
// encrypted, of any kind that TLS uses. kInvalidArgument says what is wrong: a block that cannot be
// read, a key of another certificate, a certificate that has expired or is not valid yet at `now`.
absl::Status CheckClientCertificate(std::string_view certificates, std::string_view key,
                                    absl::Time now);

}  // namespace convoy::crypto
