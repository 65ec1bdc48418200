// Verification of a request whose body arrives in pieces, for hosts that pass each piece on.
//
// The body is not kept for schemes that sign its bytes with a shared secret (HMAC: GitHub, Stripe,
// Shopify, Slack and most others), and for those that do not use the body (tokens, passwords). All
// others need the whole body, and keep it up to a bound: signatures with public keys, hashes of the
// body within the message, canonical forms, signatures or timestamps in the body.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "convoy/verifier.h"

namespace convoy {

// One request; for one thread at a time.
class StreamedVerification {
 public:
  virtual ~StreamedVerification() = default;

  // Takes the next bytes of the body, borrowed. False: the body has to be kept, and is larger than
  // the bound; the request must be refused.
  virtual bool Feed(std::string_view piece) = 0;

  // Verifies the request as of `now`, like Verifier::Verify with the whole body. Call it at most
  // once.
  virtual Verdict Finish(absl::Time now) = 0;

  // Whether the body is kept until Finish.
  virtual bool keeps_body() const = 0;
};

// `head` is copied; its body is ignored. `kept_bytes_max` bounds a body that has to be kept.
std::unique_ptr<StreamedVerification> BeginVerification(std::shared_ptr<const Verifier> verifier,
                                                        const VerifyRequest& head,
                                                        size_t kept_bytes_max);

}  // namespace convoy
