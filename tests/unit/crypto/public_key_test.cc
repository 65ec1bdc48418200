#include "lib/crypto/public_key.h"

#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/crypto/vector_files.h"

namespace convoy::crypto {
namespace {

std::string ErrorOf(const absl::StatusOr<PublicKey>& key) {
  return std::string(key.status().message());
}

bool VerifiesRsa(const absl::StatusOr<PublicKey>& key) {
  return key.ok() && key->type() == KeyType::kRsa && key->rsa() != nullptr &&
         key->ecdsa() == nullptr && key->ed25519() == nullptr &&
         key->rsa()->Verify(RsaPadding::kPkcs1, HashAlgorithm::kSha256, VectorFile("message.txt"),
                            VectorFile("rsa_pkcs1_sha256.sig"));
}

bool VerifiesEcdsa(const absl::StatusOr<PublicKey>& key) {
  return key.ok() && key->type() == KeyType::kEcdsaP256 && key->ecdsa() != nullptr &&
         key->rsa() == nullptr && key->ed25519() == nullptr &&
         key->ecdsa()->VerifyDer(VectorFile("message.txt"), VectorFile("p256_sha256.sig"));
}

bool VerifiesEd25519(const absl::StatusOr<PublicKey>& key) {
  return key.ok() && key->type() == KeyType::kEd25519 && key->ed25519() != nullptr &&
         key->rsa() == nullptr && key->ecdsa() == nullptr &&
         key->ed25519()->Verify(VectorFile("message.txt"), VectorFile("ed25519.sig"));
}

TEST_CASE("public_key: every PEM form leads to the same key") {
  for (const char* name : {"rsa_public.pem", "rsa_public_pkcs1.pem", "rsa_certificate.pem"}) {
    INFO(name);
    CHECK(VerifiesRsa(PublicKey::FromPem(VectorFile(name))));
  }
  for (const char* name :
       {"p256_public.pem", "p256_public_compressed.pem", "p256_certificate.pem"}) {
    INFO(name);
    CHECK(VerifiesEcdsa(PublicKey::FromPem(VectorFile(name))));
  }
  CHECK(VerifiesEd25519(PublicKey::FromPem(VectorFile("ed25519_public.pem"))));
}

TEST_CASE("public_key: SPKI is read as DER and as base64") {
  const std::string rsa = VectorFile("rsa_public.pem"), ecdsa = VectorFile("p256_public.pem");
  const std::string ed25519 = VectorFile("ed25519_public.pem");
  CHECK(VerifiesRsa(PublicKey::FromSpkiDer(PemDer(rsa))));
  CHECK(VerifiesRsa(PublicKey::FromSpkiBase64(PemBody(rsa))));
  CHECK(VerifiesEcdsa(PublicKey::FromSpkiDer(PemDer(ecdsa))));
  CHECK(VerifiesEcdsa(PublicKey::FromSpkiBase64(PemBody(ecdsa))));
  CHECK(VerifiesEd25519(PublicKey::FromSpkiDer(PemDer(ed25519))));
  CHECK(VerifiesEd25519(PublicKey::FromSpkiBase64(PemBody(ed25519))));
  CHECK_FALSE(PublicKey::FromSpkiBase64("").ok());
  CHECK_FALSE(PublicKey::FromSpkiBase64("!").ok());
  CHECK_FALSE(PublicKey::FromSpkiBase64(std::string(100'000, 'A')).ok());
}

TEST_CASE("public_key: the members of a JWK make the same keys") {
  // The modulus starts after 33 bytes of headers, the point's coordinates are the last 64 bytes and
  // the Ed25519 key the last 32.
  const std::string rsa = PemDer(VectorFile("rsa_public.pem"));
  const std::string n = rsa.substr(33, 256), e("\x01\x00\x01", 3);
  const std::string ecdsa = PemDer(VectorFile("p256_public.pem"));
  const std::string x = ecdsa.substr(ecdsa.size() - 64, 32), y = ecdsa.substr(ecdsa.size() - 32);
  const std::string ed25519 = PemDer(VectorFile("ed25519_public.pem")).substr(12);
  const auto text = base::Base64UrlEncode;
  CHECK(VerifiesRsa(PublicKey::FromRsaJwk(text(n), text(e))));
  CHECK(VerifiesRsa(PublicKey::FromRsaJwk(text('\0' + n), text(e))));
  CHECK(VerifiesEcdsa(PublicKey::FromP256Jwk(text(x), text(y))));
  CHECK(VerifiesEd25519(PublicKey::FromEd25519Jwk(text(ed25519))));

  CHECK_FALSE(PublicKey::FromRsaJwk(text(n.substr(128)), text(e)).ok());
  CHECK_FALSE(PublicKey::FromRsaJwk(text(n), "").ok());
  CHECK_FALSE(PublicKey::FromRsaJwk(text(n), text(std::string(9, '\x01'))).ok());
  CHECK(ErrorOf(PublicKey::FromRsaJwk(std::string(100'000, 'A'), text(e))) ==
        "the JWK member n is not base64url or too long");
  CHECK(ErrorOf(PublicKey::FromP256Jwk(text(x), "*")) ==
        "the JWK member y is not base64url or too long");
  CHECK_FALSE(PublicKey::FromP256Jwk(text(x.substr(1)), text(y)).ok());
  CHECK_FALSE(PublicKey::FromP256Jwk(text(y), text(x)).ok());
  CHECK_FALSE(PublicKey::FromEd25519Jwk(text(ed25519.substr(1))).ok());
  CHECK_FALSE(PublicKey::FromEd25519Jwk(text(ed25519 + "x")).ok());
}

TEST_CASE("public_key: kinds and sizes that are not supported are refused by name") {
  CHECK(ErrorOf(PublicKey::FromPem(VectorFile("rsa1024_public.pem"))) ==
        "the RSA modulus has 1024 bits, not 2048 to 8192");
  CHECK(ErrorOf(PublicKey::FromPem(VectorFile("p384_public.pem"))) ==
        "the key is on a curve other than P-256");
  CHECK(ErrorOf(PublicKey::FromPem(VectorFile("p256_public_explicit.pem"))) ==
        "the key is not valid DER");
  CHECK(ErrorOf(PublicKey::FromPem(VectorFile("rsa_pss_only_public.pem"))) ==
        "the key is neither Ed25519, ECDSA P-256 nor RSA");
  CHECK(ErrorOf(PublicKey::FromPem(VectorFile("rsa_private.pem"))) ==
        "the text holds no PEM block of the kind expected");
}

TEST_CASE("public_key: an envelope that is cut or followed by more is refused") {
  for (const char* name : {"rsa_public.pem", "p256_public.pem", "ed25519_public.pem",
                           "rsa_certificate.pem", "p256_certificate.pem"}) {
    const std::string pem = VectorFile(name), der = PemDer(pem);
    const std::string label =
        pem.find("CERTIFICATE") == std::string::npos ? "PUBLIC KEY" : "CERTIFICATE";
    INFO(name);
    REQUIRE(PublicKey::FromPem(ToPem(label, der)).ok());
    for (size_t size = 0; size < der.size(); ++size) {
      CHECK_FALSE(PublicKey::FromPem(ToPem(label, der.substr(0, size))).ok());
    }
    CHECK_FALSE(PublicKey::FromPem(ToPem(label, der + '\0')).ok());
  }
  CHECK_FALSE(
      PublicKey::FromPem(ToPem("PUBLIC KEY", PemDer(VectorFile("rsa_certificate.pem")))).ok());
  CHECK_FALSE(PublicKey::FromPem(ToPem("CERTIFICATE", PemDer(VectorFile("rsa_public.pem")))).ok());
  CHECK_FALSE(PublicKey::FromPem(ToPem("PUBLIC KEY", std::string(20'000, '0'))).ok());
}

TEST_CASE("public_key: with any byte changed it is refused or verifies nothing") {
  using Verifies = bool (*)(const absl::StatusOr<PublicKey>&);
  const std::pair<const char*, Verifies> cases[] = {{"rsa_public.pem", VerifiesRsa},
                                                    {"p256_public.pem", VerifiesEcdsa},
                                                    {"ed25519_public.pem", VerifiesEd25519}};
  for (const auto& [name, verifies] : cases) {
    const std::string der = PemDer(VectorFile(name));
    REQUIRE(verifies(PublicKey::FromSpkiDer(der)));
    for (size_t i = 0; i < der.size(); ++i) {
      for (const int change : {0x01, 0x20, 0x80, 0xff}) {
        std::string changed = der;
        changed[i] = static_cast<char>(der[i] ^ change);
        INFO(name << " byte " << i << " xor " << change);
        CHECK_FALSE(verifies(PublicKey::FromSpkiDer(changed)));
      }
    }
  }
}

TEST_CASE("public_key: one key verifies on many threads from its first use") {
  const auto rsa = PublicKey::FromPem(VectorFile("rsa_public.pem"));
  const auto ecdsa = PublicKey::FromPem(VectorFile("p256_public.pem"));
  const auto ed25519 = PublicKey::FromPem(VectorFile("ed25519_public.pem"));
  const std::string message = VectorFile("message.txt");
  const std::string rsa_signature = VectorFile("rsa_pss_sha512.sig");
  const std::string ecdsa_signature = VectorFile("p256_sha256.sig");
  const std::string ed25519_signature = VectorFile("ed25519.sig");
  REQUIRE((rsa.ok() && ecdsa.ok() && ed25519.ok()));
  constexpr int kThreads = 8, kRounds = 20;
  std::atomic<int> verified_count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      const PublicKey copy = *rsa;  // shares the key
      for (int i = 0; i < kRounds; ++i) {
        verified_count +=
            copy.rsa()->Verify(RsaPadding::kPss, HashAlgorithm::kSha512, message, rsa_signature);
        verified_count += ecdsa->ecdsa()->VerifyDer(message, ecdsa_signature);
        verified_count += ed25519->ed25519()->Verify(message, ed25519_signature);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(verified_count == kThreads * kRounds * 3);
}

}  // namespace
}  // namespace convoy::crypto
