// Signs as the provider would, through the engine's own templates: what these make of a message is
// checked against independent signers elsewhere (tests/conformance). Here a right signature only
// has to open the way to the code behind the comparison.
#include "tests/fuzz/sender.h"

#include <fstream>
#include <iterator>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/json/raw.h"
#include "lib/verify/key_lookup.h"
#include "lib/verify/message_template.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/signature_reader.h"
#include "tests/fuzz/finding.h"

namespace convoy::fuzz {
namespace {

using verify::KeyFormat;
using verify::Scheme;
using verify::SchemeType;

std::string RandomBytes(size_t size) {
  std::random_device device;
  std::string bytes;
  while (bytes.size() < size) bytes.push_back(static_cast<char>(device()));
  return bytes;
}

template <typename Key>
Key ReadKey(std::string_view file) {
  auto key = Key::FromPem(ReadTestFile(absl::StrCat("vectors/crypto/", file)));
  Require(key.ok(), "the test keys can be read");
  return *std::move(key);
}

std::string Encode(verify::SignatureEncoding encoding, std::string_view bytes) {
  switch (encoding) {
    case verify::SignatureEncoding::kHex:
      return base::HexEncode(bytes);
    case verify::SignatureEncoding::kBase64:
      return base::Base64Encode(bytes);
    case verify::SignatureEncoding::kBase64Hex:
      return base::Base64Encode(base::HexEncode(bytes));
    case verify::SignatureEncoding::kBase64Url:
      break;
  }
  return base::Base64UrlEncode(bytes);
}

// The file of the public key that a scheme verifies with; null for shared secrets.
const char* PublicKeyFile(const Scheme& scheme) {
  constexpr const char* kEd25519 = "ed25519_public.pem";
  constexpr const char* kP256 = "p256_public.pem";
  constexpr const char* kRsa = "rsa_public.pem";
  switch (scheme.type) {
    case SchemeType::kEd25519:
      return kEd25519;
    case SchemeType::kEcdsaP256:
      return kP256;
    case SchemeType::kRsaPkcs1:
      return kRsa;
    case SchemeType::kJwt: {
      const std::string_view algorithm = scheme.jwt.algorithms.front();
      if (algorithm.starts_with("HS")) return nullptr;
      return algorithm == "ES256" ? kP256 : algorithm == "EdDSA" ? kEd25519 : kRsa;
    }
    default:
      return nullptr;
  }
}

// Serves all keys from every address, but knows no key whose id begins with "x".
class PublishedKeys final : public verify::KeySource {
 public:
  PublishedKeys() {
    for (const char* file : {"ed25519_public.pem", "p256_public.pem", "rsa_public.pem"}) {
      auto key = verify::ReadPublicKeys(KeyFormat::kPem,
                                        ReadTestFile(absl::StrCat("vectors/crypto/", file)));
      Require(key.ok(), "the test keys can be read");
      keys_->push_back(std::move(key->front()));
    }
  }

  std::shared_ptr<const verify::PublicKeySet> Find(const verify::KeyLocation& location,
                                                   std::string_view url,
                                                   std::string_view key_id) override {
    Require(url.starts_with("https://"), "keys are asked for over https only");
    Require(!location.url_from.has_value() || verify::IsHostAllowed(url, location.hosts),
            "keys are asked for only where the scheme allows it");
    return key_id.starts_with('x') ? nullptr : keys_;
  }

 private:
  std::shared_ptr<verify::PublicKeySet> keys_ = std::make_shared<verify::PublicKeySet>();
};

// The message of the first element, where elements are signed one by one.
void FindItem(const Scheme& scheme, verify::Evidence* evidence) {
  const size_t star = scheme.each.find(".*");
  if (star == std::string::npos) return;
  std::string path = scheme.each;
  path.replace(star, 2, ".0");
  const auto item = verify::FindOnly(evidence->body.text(), path);
  if (item.has_value()) evidence->item = item->text;
}

}  // namespace

std::string ReadTestFile(std::string_view path) {
  std::ifstream file(absl::StrCat(CONVOY_TEST_DIR, "/", path), std::ios::binary);
  Require(file.good(), "the test files are there");
  return {std::istreambuf_iterator<char>(file), {}};
}

Sender::Sender()
    : random_hex_(base::HexEncode(RandomBytes(32))),
      ed25519_(ReadKey<crypto::Ed25519PrivateKey>("ed25519_private.pem")),
      ecdsa_(ReadKey<crypto::EcdsaPrivateKey>("p256_private.pem")),
      rsa_(ReadKey<crypto::RsaPrivateKey>("rsa_private.pem")),
      key_source_(std::make_shared<PublishedKeys>()) {}

std::string Sender::SecretFor(const Scheme& scheme) const {
  if (const char* file = PublicKeyFile(scheme)) {
    return ReadTestFile(absl::StrCat("vectors/crypto/", file));
  }
  if (scheme.type == SchemeType::kBasic) return absl::StrCat("user:", random_hex_);
  if (scheme.type == SchemeType::kToken) return random_hex_;
  const std::string prefix = scheme.key.prefixes.empty() ? "" : scheme.key.prefixes.front();
  if (scheme.key.format != KeyFormat::kBase64) return prefix + random_hex_;
  return prefix + base::Base64Encode(*base::HexDecode(random_hex_));
}

std::string Sender::KeyBytes(const Scheme& scheme) const {
  const auto key = verify::DecodeSecret(scheme.key, SecretFor(scheme));  // one: nothing to trim
  Require(key.ok(), "a secret in the scheme's format is accepted");
  return key->front();
}

std::string Sender::Dummy(const Scheme& scheme) const {
  switch (scheme.type) {
    case SchemeType::kBasic:
      return base::Base64Encode("user:wrong");
    case SchemeType::kToken:
      return "wrong";
    case SchemeType::kHmac:
    case SchemeType::kDigest:
      return Encode(scheme.encoding, std::string(crypto::DigestSize(scheme.algorithm), '\0'));
    case SchemeType::kRsaPkcs1:
      return Encode(scheme.encoding, std::string(256, '\0'));
    default:
      return Encode(scheme.encoding, std::string(64, '\0'));
  }
}

std::string Sender::Sign(const Scheme& scheme, const VerifyRequest& request,
                         const verify::Parameters& parameters) const {
  if (scheme.type == SchemeType::kNone || scheme.type == SchemeType::kJwt) return "";
  if (scheme.type == SchemeType::kToken) return random_hex_;
  if (scheme.type == SchemeType::kBasic) return base::Base64Encode(SecretFor(scheme));
  body::BodyView body(request.headers, request.body);
  verify::Evidence evidence{.request = request, .parameters = parameters, .body = body};
  const std::string key = PublicKeyFile(scheme) == nullptr ? KeyBytes(scheme) : "";
  if (scheme.type == SchemeType::kDigest) evidence.secret = key;
  FindItem(scheme, &evidence);
  verify::FoundSignatures found;
  verify::ReadSignatures(scheme, 0, &evidence, &found);
  std::string message;
  const auto compiled = verify::MessageTemplate::Compile(scheme.message);
  if (!compiled.ok() || compiled->Render(evidence, &message) != verify::Finding::kFound) return "";
  if (scheme.type == SchemeType::kHmac) {
    const crypto::HmacKey hmac_key(scheme.algorithm, key);
    return Encode(scheme.encoding, crypto::HmacOf(hmac_key, message).view());
  }
  if (scheme.type == SchemeType::kDigest) {
    return Encode(scheme.encoding, crypto::Hash(scheme.algorithm, message).view());
  }
  return Encode(scheme.encoding, SignMessage(scheme, message));
}

std::string Sender::SignMessage(const Scheme& scheme, std::string_view message) const {
  switch (scheme.type) {
    case SchemeType::kEd25519:
      return ed25519_.Sign(message);
    case SchemeType::kEcdsaP256:
      return ecdsa_.SignDer(message).value_or("");
    default:
      return rsa_.SignPkcs1(message).value_or("");
  }
}

std::string Sender::SignToken(const Scheme& scheme, std::string_view signed_text) const {
  const std::string_view algorithm = scheme.jwt.algorithms.front();
  std::string signature;
  if (algorithm == "EdDSA") {
    signature = ed25519_.Sign(signed_text);
  } else if (algorithm == "ES256") {
    signature = ecdsa_.SignRaw(signed_text).value_or("");
  } else if (algorithm == "RS256") {
    signature = rsa_.SignPkcs1(signed_text).value_or("");
  } else {
    const crypto::HmacKey key(crypto::HashAlgorithm::kSha256, KeyBytes(scheme));
    signature = std::string(crypto::HmacOf(key, signed_text).view());
  }
  return base::Base64UrlEncode(signature);
}

}  // namespace convoy::fuzz
