// XChaCha20-Poly1305 over BoringSSL's AEAD interface. The context holds the key schedule and is
// only read after it is made.
#include "lib/crypto/aead.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include <openssl/aead.h>
#include <openssl/mem.h>

#include "lib/crypto/boringssl.h"

namespace convoy::crypto {
namespace {

uint8_t* MutableBytesOf(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }

}  // namespace

struct Aead::State {
  EVP_AEAD_CTX context;

  State() { EVP_AEAD_CTX_zero(&context); }
  ~State() {
    EVP_AEAD_CTX_cleanup(&context);
    OPENSSL_cleanse(&context, sizeof context);  // the cleanup leaves the key in place
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Aead::Aead(std::shared_ptr<const State> state) : state_(std::move(state)) {}

absl::StatusOr<Aead> Aead::FromKey(std::string_view key) {
  if (key.size() != kAeadKeyBytes) {
    return absl::InvalidArgumentError("an encryption key has 32 bytes");
  }
  const ErrorQueueCleaner cleaner;
  auto state = std::make_shared<State>();
  if (!EVP_AEAD_CTX_init(&state->context, EVP_aead_xchacha20_poly1305(), BytesOf(key), key.size(),
                         kAeadTagBytes, nullptr)) {
    return absl::ResourceExhaustedError("out of memory");
  }
  return Aead(std::move(state));
}

absl::StatusOr<std::string> Aead::Seal(Random& random, std::string_view plaintext,
                                       std::string_view associated_data) const {
  const ErrorQueueCleaner cleaner;
  std::string sealed(kAeadNonceBytes + plaintext.size() + kAeadTagBytes, '\0');
  uint8_t* const nonce = MutableBytesOf(sealed);
  random.Fill({nonce, kAeadNonceBytes});
  size_t size = 0;
  if (!EVP_AEAD_CTX_seal(&state_->context, nonce + kAeadNonceBytes, &size,
                         sealed.size() - kAeadNonceBytes, nonce, kAeadNonceBytes,
                         BytesOf(plaintext), plaintext.size(), BytesOf(associated_data),
                         associated_data.size())) {
    return absl::InternalError("sealing failed");
  }
  return sealed;
}

absl::StatusOr<std::string> Aead::Open(std::string_view sealed,
                                       std::string_view associated_data) const {
  if (sealed.size() < kAeadNonceBytes + kAeadTagBytes) {
    return absl::InvalidArgumentError("the sealed bytes are too short");
  }
  const ErrorQueueCleaner cleaner;
  const std::string_view nonce = sealed.substr(0, kAeadNonceBytes);
  const std::string_view body = sealed.substr(kAeadNonceBytes);
  std::string plaintext(body.size(), '\0');
  size_t size = 0;
  if (!EVP_AEAD_CTX_open(&state_->context, MutableBytesOf(plaintext), &size, plaintext.size(),
                         BytesOf(nonce), nonce.size(), BytesOf(body), body.size(),
                         BytesOf(associated_data), associated_data.size())) {
    return absl::InvalidArgumentError("the sealed bytes do not open with this key");
  }
  plaintext.resize(size);
  return plaintext;
}

}  // namespace convoy::crypto
