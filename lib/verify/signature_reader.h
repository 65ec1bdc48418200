// Finds the signatures and the timestamp in a request, in place and without allocating. All of it
// is an attacker's to choose: lengths and counts are bounded, and whatever could be read in two
// ways is malformed.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "convoy/verifier.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

// More than anybody needs while secrets are rotated.
inline constexpr size_t kCandidatesMax = 16;
inline constexpr size_t kFieldBytesMax = 8 * 1024;

struct SignatureFields {
  VerifyReason reason = VerifyReason::kAccepted;  // why there are none, if not kAccepted
  std::array<std::string_view, kCandidatesMax> candidates;
  size_t candidates_count = 0;
  std::string_view timestamp;  // as it was written; empty if the scheme has none
};

SignatureFields ReadSignatureFields(const Scheme& scheme, const VerifyRequest& request);

}  // namespace convoy::verify
