// Message authentication codes over a body that has not come yet.
//
// A request is judged twice: before its body, to find out which keys sign which messages, and after
// it. In between the pieces of the body go into every such computation, and nowhere else.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "lib/crypto/digest.h"
#include "lib/verify/evidence.h"

namespace convoy::verify {

// For one request and one thread. The keys must outlive it.
class BodyStream {
 public:
  // One key over one message. The part of the message before the body has been fed.
  struct Computation {
    explicit Computation(const crypto::HmacKey& given) : key(&given), mac(given) {}
    const crypto::HmacKey* key;
    // These tell apart the messages that one key signs in one request.
    std::string timestamp, signature_list, url;
    crypto::Hmac mac;
    Finding finding = Finding::kFound;  // whether the request has all that the message holds
    std::optional<crypto::Digest> digest;
  };

  bool is_complete() const { return is_complete_; }

  // Before the body: the computation of the key over the evidence's message, a new one.
  // After it: the one that was begun then; null if there is none.
  Computation* Begin(const crypto::HmacKey& key, const Evidence& evidence);
  Computation* Find(const crypto::HmacKey& key, const Evidence& evidence);

  void Feed(std::string_view piece);
  // The body has come to its end.
  void Complete() { is_complete_ = true; }

 private:
  std::deque<Computation> computations_;  // they do not move
  bool is_complete_ = false;
};

}  // namespace convoy::verify
