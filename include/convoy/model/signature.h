// The choices of a signature: hash, encoding, version, header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace convoy {

enum class Hash : uint8_t { kSha256, kSha512 };
enum class Encoding : uint8_t { kHex, kBase64 };

// One entry of the outgoing signature: the advanced form carries one value per version and secret.
struct SignatureVersion {
  std::string id;
  Hash hash = Hash::kSha256;
  Encoding encoding = Encoding::kHex;
  absl::Time created_at;

  friend bool operator==(const SignatureVersion&, const SignatureVersion&) = default;
};

// Signatures of Standard Webhooks, beside Convoy's own: HMAC-SHA256 or Ed25519.
enum class StandardSignature : uint8_t { kNone, kV1, kV1a };

struct SignatureConfig {
  std::string header = "X-Convoy-Signature";
  std::vector<SignatureVersion> versions;                 // never empty in a stored project
  StandardSignature standard = StandardSignature::kNone;  // of endpoints that choose none
  std::string
      signing_key;  // "whsk_…", a secret: signs v1a for endpoints without a key of their own

  friend bool operator==(const SignatureConfig&, const SignatureConfig&) = default;
};

}  // namespace convoy
