// The settings that presets ask their user for: what they call {config:NAME}.
#pragma once

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/verify/evidence.h"
#include "lib/verify/preset.h"

namespace convoy::verify {

struct ParameterNames {
  std::set<std::string> needed;  // nothing can be accepted without them
  std::set<std::string> used;    // by a handshake, an optional check or a scheme's condition
};

absl::StatusOr<ParameterNames> ParametersOf(const Scheme& scheme);
// Of all its schemes and challenges.
absl::StatusOr<ParameterNames> ParametersOf(const Preset& preset);

// kInvalidArgument names one that the scheme cannot do without.
absl::Status CheckGiven(const Scheme& scheme, const Parameters& given);
// kInvalidArgument names one that nothing in the preset asks for: it would have no effect.
absl::Status CheckKnown(const Preset& preset, const Parameters& given);

}  // namespace convoy::verify
