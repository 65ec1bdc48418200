// A host that has OpenSSL in its process, used before, between and after calls of libconvoy: both
// must get the right answers.
#include <cstdio>
#include <cstring>
#include <string>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <convoy.h>

namespace {

std::string OpenSslHmac(const std::string& key, const std::string& message) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", mac[i]);
    hex += digits;
  }
  return hex;
}

bool Verify(const std::string& secret, const std::string& body, const std::string& hex) {
  const std::string value = "sha256=" + hex;
  const convoy_slice secrets = {secret.data(), secret.size()};
  convoy_verifier* verifier = nullptr;
  if (convoy_verifier_new("github", 6, &secrets, 1, &verifier, nullptr) != CONVOY_OK) return false;
  const convoy_header header = {{"X-Hub-Signature-256", 19}, {value.data(), value.size()}};
  convoy_request request = {};
  request.struct_size = sizeof request;
  request.headers = &header;
  request.headers_count = 1;
  request.body = {body.data(), body.size()};
  convoy_verdict* verdict = nullptr;
  convoy_verifier_verify(verifier, &request, 0, &verdict, nullptr);
  const bool is_accepted = convoy_verdict_is_accepted(verdict) != 0;
  convoy_verdict_free(verdict);
  convoy_verifier_free(verifier);
  return is_accepted;
}

}  // namespace

int main() {
  for (int i = 0; i < 1000; ++i) {
    const std::string secret = "secret" + std::to_string(i), body(static_cast<size_t>(i), 'x');
    const std::string mac = OpenSslHmac(secret, body);
    if (!Verify(secret, body, mac) || Verify(secret, body + "y", mac)) {
      std::fprintf(stderr, "round %d: OpenSSL and libconvoy disagree\n", i);
      return 1;
    }
  }
  std::puts("1000 signatures made by OpenSSL were verified by libconvoy in one process");
  return 0;
}
