// Compiled schemes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

absl::StatusOr<std::shared_ptr<const Verifier>> Compile(Scheme scheme,
                                                        std::vector<std::string> secrets);

// Accepts what any of `alternatives` accepts. A refusal is that of the alternative that came
// furthest. Not a negotiation: all alternatives are pinned by configuration.
std::shared_ptr<const Verifier> AnyOf(std::vector<std::shared_ptr<const Verifier>> alternatives);

}  // namespace convoy::verify
