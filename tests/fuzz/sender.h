// A provider of webhooks, for the targets of the verification engine: has the keys, and signs by
// any scheme. Secrets are drawn anew in every process, so no input can hold a signature that was
// computed before.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/crypto/ecdsa.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/rsa.h"
#include "lib/verify/evidence.h"
#include "lib/verify/key_source.h"
#include "lib/verify/scheme.h"

namespace convoy::fuzz {

class Sender {
 public:
  Sender();

  // Secret for the verifier: a text in the scheme's format, or a public key.
  std::string SecretFor(const verify::Scheme& scheme) const;
  // The public keys as a published document, whatever its address.
  std::shared_ptr<verify::KeySource> key_source() const { return key_source_; }

  // The signature of `request`, encoded; empty if the request has no place for one. In the place of
  // the signature stands Dummy(), which a message may hold.
  std::string Sign(const verify::Scheme& scheme, const VerifyRequest& request,
                   const verify::Parameters& parameters) const;
  // The third part of a token, for its first two.
  std::string SignToken(const verify::Scheme& scheme, std::string_view signed_text) const;
  // Something of a signature's form that is none.
  std::string Dummy(const verify::Scheme& scheme) const;

 private:
  std::string KeyBytes(const verify::Scheme& scheme) const;
  std::string SignMessage(const verify::Scheme& scheme, std::string_view message) const;

  std::string random_hex_;  // 32 random bytes
  crypto::Ed25519PrivateKey ed25519_;
  crypto::EcdsaPrivateKey ecdsa_;
  crypto::RsaPrivateKey rsa_;
  std::shared_ptr<verify::KeySource> key_source_;
};

// A file of tests/; ends the process if there is none.
std::string ReadTestFile(std::string_view path);

}  // namespace convoy::fuzz
