// Messages that a handshake signs for strangers, and therefore must not sign an event as well.
//
// The same key answers a challenge and signs events. A stranger may choose the challenge, so a
// message that could be one proves nothing: whatever a challenge would sign is no event.
#pragma once

#include <string_view>
#include <vector>

#include "lib/verify/evidence.h"
#include "lib/verify/message_template.h"
#include "lib/verify/preset.h"

namespace convoy::verify {

// Whether `message` may be signed for a stranger: by its size, and because it holds none of the
// characters that a JSON body or a "timestamp:body" message needs.
bool MayBeSigned(const Computation& computation, std::string_view message);

// Immutable and safe to share between threads.
class SigningGuard {
 public:
  // Of a preset's challenges those that sign with the secret whatever they are asked to.
  explicit SigningGuard(const std::vector<Challenge>& challenges);

  bool is_empty() const { return computations_.empty(); }

  // Whether a stranger could have had it signed. Does not allocate.
  bool Covers(std::string_view message) const;
  bool Covers(const MessageTemplate& message, const Evidence& evidence) const;

 private:
  std::vector<Computation> computations_;
};

}  // namespace convoy::verify
