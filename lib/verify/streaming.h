// Verifier that can judge a request whose body comes in pieces.
#pragma once

#include "convoy/verifier.h"
#include "lib/verify/body_stream.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

class StreamingVerifier {
 public:
  virtual ~StreamingVerifier() = default;
  // Whether no scheme looks at the body but to feed it into a computation.
  virtual bool can_stream() const = 0;
  // Before the body begins the computations; the verdict then means nothing.
  virtual Verdict VerifyStream(const VerifyRequest& head, BodyStream* stream,
                               absl::Time now) const = 0;
};

// Whether a scheme can be judged so.
bool CanStream(const Scheme& scheme);

}  // namespace convoy::verify
