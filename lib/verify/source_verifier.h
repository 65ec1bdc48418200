// The verifier of a source, with the keys that providers publish at hand.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/verify/key_source.h"

namespace convoy::verify {

// As CompileSourceVerifier (verifier.h); `keys` may be null.
absl::StatusOr<std::shared_ptr<const Verifier>> CompileForSource(const Source& source,
                                                                 std::shared_ptr<KeySource> keys);

}  // namespace convoy::verify
