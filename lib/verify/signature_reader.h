// Finds the signatures and the timestamp in a request, in place. All of it is an attacker's to
// choose: lengths and counts are bounded, and whatever could be read in two ways is malformed.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "convoy/verifier.h"
#include "lib/verify/evidence.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

// More candidates than any rotation of secrets needs.
inline constexpr size_t kCandidatesMax = 16;
inline constexpr size_t kGroupsMax = 4;

struct FoundSignatures {
  std::array<std::string_view, kCandidatesMax> candidates;
  size_t candidates_count = 0;
  bool has_more_groups = false;
  Text field;      // what the candidates point into, where it had to be decoded
  Text timestamp;  // as it was written; empty if the scheme has none
};

// Fills `out` from the group `group` of the signature field (0 for schemes without groups), and
// what the evidence says of the signature's list and timestamp. Anything but kAccepted is why not.
VerifyReason ReadSignatures(const Scheme& scheme, size_t group, Evidence* evidence,
                            FoundSignatures* out);

}  // namespace convoy::verify
