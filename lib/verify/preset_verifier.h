// Verifier for hosts: the alternatives and challenges of a preset, or one scheme, with the settings
// of its user.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/verify/key_source.h"
#include "lib/verify/preset.h"

namespace convoy::verify {

absl::StatusOr<std::shared_ptr<const Verifier>> CompilePresetVerifier(
    const Preset& preset, const VerifierSettings& settings,
    std::shared_ptr<KeySource> source = nullptr);

}  // namespace convoy::verify
