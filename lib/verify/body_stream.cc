// Begun computations and the pieces of the body that go into them; see body_stream.h.
#include "lib/verify/body_stream.h"

namespace convoy::verify {

BodyStream::Computation* BodyStream::Begin(const crypto::HmacKey& key, const Evidence& evidence) {
  Computation& computation = computations_.emplace_back(key);
  computation.timestamp = evidence.timestamp;
  computation.signature_list = evidence.signature_list;
  computation.url = evidence.url;
  return &computation;
}

BodyStream::Computation* BodyStream::Find(const crypto::HmacKey& key, const Evidence& evidence) {
  for (Computation& computation : computations_) {
    if (computation.key == &key && computation.timestamp == evidence.timestamp &&
        computation.signature_list == evidence.signature_list && computation.url == evidence.url) {
      return &computation;
    }
  }
  return nullptr;
}

void BodyStream::Feed(std::string_view piece) {
  for (Computation& computation : computations_) {
    if (computation.finding == Finding::kFound) computation.mac.Update(piece);
  }
}

}  // namespace convoy::verify
