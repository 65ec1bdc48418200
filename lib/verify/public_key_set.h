// Published public keys of a provider: one key as text, a JWKS (RFC 7517), a certificate, a PEM
// inside a JSON document.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/crypto/public_key.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

struct NamedKey {
  std::string id;  // `kid`, or empty
  crypto::PublicKey key;
  int32_t secret_index = -1;  // of the secret that holds it; -1: it was published
};

using PublicKeySet = std::vector<NamedKey>;  // never empty

// A secret: PEM (key or certificate), JWKS, or, for `format`, hex or base64 of a raw Ed25519 key or
// of a SubjectPublicKeyInfo.
absl::StatusOr<PublicKeySet> ReadPublicKeys(KeyFormat format, std::string_view text);

// A document from where the provider publishes its keys.
absl::StatusOr<PublicKeySet> ReadKeyDocument(const KeyLocation& location, std::string_view text);

}  // namespace convoy::verify
