// Host that links the shared library.
#include "host.h"
#include "host_api.h"

bool IsGenuine(const std::string& secret, const std::string& body, const std::string& signature) {
  static constexpr ConvoyApi kApi = {convoy_verifier_new, convoy_verifier_verify,
                                     convoy_verifier_free, convoy_verdict_is_accepted,
                                     convoy_verdict_free};
  return IsGenuineBy(kApi, secret, body, signature);
}
