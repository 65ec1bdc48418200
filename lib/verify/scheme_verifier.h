// One scheme, compiled. Immutable and safe to share between threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/verifier.h"
#include "lib/verify/evidence.h"
#include "lib/verify/key_source.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

class SchemeVerifier {
 public:
  virtual ~SchemeVerifier() = default;
  // Judges a request as of `now`. The order is always the same: is everything there and
  // well-formed, is the signature right, and only then the time window, so that a forger learns
  // nothing from the clock.
  virtual Verdict Verify(const Evidence& given, absl::Time now) const = 0;
};

// How far a request came before it was refused: of several refusals the furthest is the one to
// tell.
int Progress(VerifyReason refusal);

// kInvalidArgument names what is wrong with the scheme, or says that a secret is missing or not in
// its format. `source` may be null: then keys that are published must be given as secrets.
absl::StatusOr<std::unique_ptr<SchemeVerifier>> CompileSchemeVerifier(
    Scheme scheme, const std::vector<std::string>& secrets, std::shared_ptr<KeySource> source);

// Its parts, one for each family of schemes.
absl::StatusOr<std::unique_ptr<SchemeVerifier>> CompileSignedVerifier(
    Scheme scheme, const std::vector<std::string>& secrets, std::shared_ptr<KeySource> source);
absl::StatusOr<std::unique_ptr<SchemeVerifier>> CompileJwtVerifier(
    Scheme scheme, const std::vector<std::string>& secrets, std::shared_ptr<KeySource> source);
std::unique_ptr<SchemeVerifier> CompileTokenVerifier(Scheme scheme,
                                                     const std::vector<std::string>& tokens);
std::unique_ptr<SchemeVerifier> CompileBasicVerifier(Scheme scheme,
                                                     const std::vector<std::string>& credentials);
std::unique_ptr<SchemeVerifier> CompileNoVerifier(Scheme scheme);

}  // namespace convoy::verify
