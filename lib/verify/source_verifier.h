// The verifier of a source, with the keys that providers publish at hand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/verify/key_source.h"
#include "lib/verify/preset.h"

namespace convoy::verify {

// A source's provider or verifier as schemes.
struct SourceDefinition {
  Preset preset;
  VerifierSettings settings;
};
absl::StatusOr<SourceDefinition> DefineSource(const Source& source);

// Names of headers and query parameters in which a source's requests carry what is a secret by
// itself: a token, a password. A seen one is enough to send others. Empty for signatures.
struct Credentials {
  std::vector<std::string> headers;
  std::vector<std::string> query_parameters;
};
Credentials CredentialsOf(const Source& source);

// As CompileSourceVerifier (verifier.h); `keys` may be null.
absl::StatusOr<std::shared_ptr<const Verifier>> CompileForSource(const Source& source,
                                                                 std::shared_ptr<KeySource> keys);

}  // namespace convoy::verify
