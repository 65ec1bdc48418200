// The worth of a verifier's yes, for people: how much of a request is signed, how long it could be
// sent again, whose it is, and how the provider tries a link.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/verifier.h"
#include "lib/verify/conditions.h"
#include "lib/verify/message_template.h"
#include "lib/verify/preset.h"

namespace convoy::verify {

// The share of a request that an accepted signature covers.
Integrity SignedIntegrity(const MessageTemplate& message, const Conditions& checks);
// The same of a token. One in a header covers the request only as far as its claims are compared
// with it.
Integrity JwtIntegrity(const Scheme& scheme, const Conditions& checks);

// Whether the signature covers the timestamp that `scheme` has; what it does not cover, a sender
// can make new.
bool IsTimeSigned(const Scheme& scheme, const MessageTemplate& message, const Conditions& checks);

// Of the least that one of the alternatives asks for: a sender chooses among them.
struct Guarantees {
  Integrity integrity = Integrity::kFull;
  // How long the same request is accepted again; nullopt: for ever.
  std::optional<absl::Duration> replay_window;
  std::vector<std::string> signs;  // the message of each alternative, as its template
  std::string handshake;           // of the preset; may be empty
  std::string tenant;              // of the preset; may be empty
  std::vector<std::string> warnings;
};

// `has_idempotency_keys`: the source knows repeated requests by itself.
absl::StatusOr<Guarantees> GuaranteesOf(const Preset& preset, const VerifierSettings& settings,
                                        bool has_idempotency_keys);

}  // namespace convoy::verify
