// Verification of a request whose body comes in pieces, for hosts that pass bodies on as they come.
//
// Schemes that sign the body's bytes with a shared secret (HMAC: GitHub, Stripe, Shopify, Slack and
// most others), and those that do not look at the body at all (tokens, passwords), are judged
// without the body being kept: its pieces go into the computation. All others need it whole:
// signatures with public keys, hashes of the body within the message, canonical forms, signatures
// or timestamps that stand in the body. For them it is kept, up to a bound.
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

  // The next bytes of the body, borrowed. False: the body has to be kept and is larger than that
  // may be; from then on there is nothing but to refuse the request.
  virtual bool Feed(std::string_view piece) = 0;

  // Judges the request as of `now`, as Verifier::Verify does with the whole body. Once.
  virtual Verdict Finish(absl::Time now) = 0;

  // Whether the body is kept until Finish.
  virtual bool keeps_body() const = 0;
};

// `head` is copied; its body is ignored. A body that has to be kept may have `kept_bytes_max`
// bytes.
std::unique_ptr<StreamedVerification> BeginVerification(std::shared_ptr<const Verifier> verifier,
                                                        const VerifyRequest& head,
                                                        size_t kept_bytes_max);

}  // namespace convoy
