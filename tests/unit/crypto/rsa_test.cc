#include "lib/crypto/rsa.h"

#include <catch2/catch.hpp>

#include "lib/crypto/public_key.h"
#include "tests/unit/crypto/vector_files.h"

namespace convoy::crypto {
namespace {

constexpr std::string_view kExponent("\x01\x00\x01", 3);

RsaPublicKey OpensslKey() {
  const auto key = PublicKey::FromPem(VectorFile("rsa_public.pem"));
  REQUIRE(key.ok());
  REQUIRE(key->rsa() != nullptr);
  return *key->rsa();
}

// An odd number of exactly `bits` bits. Not a product of two primes, which no one can see.
std::string Modulus(size_t bits) {
  std::string n((bits + 7) / 8, '\x5a');
  n.front() = static_cast<char>(1 << (bits + 7) % 8);
  n.back() = '\x0d';
  return n;
}

TEST_CASE("rsa: openssl's signatures verify with their own padding and hash only") {
  const RsaPublicKey key = OpensslKey();
  CHECK(key.modulus_bits() == 2048);
  const std::string message = VectorFile("message.txt");
  const RsaPadding paddings[] = {RsaPadding::kPkcs1, RsaPadding::kPss};
  const HashAlgorithm hashes[] = {HashAlgorithm::kSha1, HashAlgorithm::kSha256,
                                  HashAlgorithm::kSha512};
  const std::string padding_names[] = {"pkcs1", "pss"}, hash_names[] = {"sha1", "sha256", "sha512"};
  for (size_t p = 0; p < 2; ++p) {
    for (size_t h = 0; h < 3; ++h) {
      const std::string name = "rsa_" + padding_names[p] + "_" + hash_names[h] + ".sig";
      const std::string signature = VectorFile(name);
      INFO(name);
      for (const RsaPadding padding : paddings) {
        for (const HashAlgorithm hash : hashes) {
          const bool is_own = padding == paddings[p] && hash == hashes[h];
          CHECK(key.Verify(padding, hash, message, signature) == is_own);
          CHECK_FALSE(key.Verify(padding, hash, message + "x", signature));
        }
      }
    }
  }
}

TEST_CASE("rsa: MD5 and a PSS salt of another length are refused") {
  const RsaPublicKey key = OpensslKey();
  const std::string message = VectorFile("message.txt");
  const std::string md5 = VectorFile("rsa_pkcs1_md5.sig");
  CHECK_FALSE(key.Verify(RsaPadding::kPkcs1, HashAlgorithm::kMd5, message, md5));
  CHECK_FALSE(key.Verify(RsaPadding::kPss, HashAlgorithm::kMd5, message, md5));
  CHECK_FALSE(key.Verify(RsaPadding::kPss, HashAlgorithm::kSha256, message,
                         VectorFile("rsa_pss_sha256_salt20.sig")));
}

TEST_CASE("rsa: changed, cut, lengthened and trivial signatures do not verify") {
  const RsaPublicKey key = OpensslKey();
  const std::string message = VectorFile("message.txt");
  for (const RsaPadding padding : {RsaPadding::kPkcs1, RsaPadding::kPss}) {
    const std::string signature =
        VectorFile(padding == RsaPadding::kPss ? "rsa_pss_sha256.sig" : "rsa_pkcs1_sha256.sig");
    const auto verifies = [&](const std::string& changed) {
      return key.Verify(padding, HashAlgorithm::kSha256, message, changed);
    };
    REQUIRE(verifies(signature));
    for (size_t i = 0; i < signature.size(); i += 5) CHECK_FALSE(verifies(Flipped(signature, i)));
    CHECK_FALSE(verifies(""));
    CHECK_FALSE(verifies(signature.substr(1)));
    CHECK_FALSE(verifies(signature.substr(0, 255)));
    CHECK_FALSE(verifies(signature + '\0'));
    CHECK_FALSE(verifies('\0' + signature));
    CHECK_FALSE(verifies(std::string(256, '\0')));
    CHECK_FALSE(verifies(std::string(255, '\0') + '\x01'));
    CHECK_FALSE(verifies(std::string(256, '\xff')));  // not below the modulus
  }
}

TEST_CASE("rsa: the modulus has 2048 to 8192 bits and is odd") {
  for (const size_t bits : {2048, 2049, 3072, 4096, 8191, 8192}) {
    const auto key = RsaPublicKey::FromComponents(Modulus(bits), kExponent);
    INFO(bits);
    REQUIRE(key.ok());
    CHECK(key->modulus_bits() == bits);
  }
  for (const size_t bits : {16, 1024, 2047, 8193, 16384, 1 << 20}) {
    const auto key = RsaPublicKey::FromComponents(Modulus(bits), kExponent);
    INFO(bits);
    CHECK(key.status().message() ==
          "the RSA modulus has " + std::to_string(bits) + " bits, not 2048 to 8192");
  }
  CHECK_FALSE(RsaPublicKey::FromComponents("", kExponent).ok());
  CHECK_FALSE(RsaPublicKey::FromComponents(std::string(256, '\0'), kExponent).ok());
  CHECK_FALSE(RsaPublicKey::FromComponents(Flipped(Modulus(2048), 255), kExponent).ok());
  CHECK(RsaPublicKey::FromComponents('\0' + Modulus(2048), kExponent).ok());
}

TEST_CASE("rsa: the public exponent is odd, above 1 and of at most 33 bits") {
  const auto is_fit = [](std::string_view e) {
    return RsaPublicKey::FromComponents(Modulus(2048), e).ok();
  };
  CHECK(is_fit("\x03"));
  CHECK(is_fit(kExponent));
  CHECK(is_fit(std::string_view("\x00\x01\x00\x01", 4)));
  CHECK(is_fit("\x01\xff\xff\xff\xff"));
  CHECK_FALSE(is_fit("\x02\x01\x01\x01\x01"));
  CHECK_FALSE(is_fit(""));
  CHECK_FALSE(is_fit(std::string_view("\x00", 1)));
  CHECK_FALSE(is_fit("\x01"));
  CHECK_FALSE(is_fit("\x02"));
  CHECK_FALSE(is_fit("\x01\x01\x01\x01\x01\x01"));
}

TEST_CASE("rsa: an RSAPublicKey that is cut, followed or negative is refused") {
  const std::string der = PemDer(VectorFile("rsa_public_pkcs1.pem"));
  REQUIRE(RsaPublicKey::FromPkcs1Der(der).ok());
  for (size_t size = 0; size < der.size(); ++size) {
    CHECK_FALSE(RsaPublicKey::FromPkcs1Der(der.substr(0, size)).ok());
  }
  CHECK_FALSE(RsaPublicKey::FromPkcs1Der(der + '\0').ok());
  const std::string negative =
      FromHex("30820109") + FromHex("02820100") + std::string(256, '\x81') + FromHex("0203010001");
  CHECK(RsaPublicKey::FromPkcs1Der(negative).status().message() == "the RSA key is malformed");
}

TEST_CASE("rsa: a private key signs as openssl does") {
  const std::string message = VectorFile("message.txt");
  for (const char* name : {"rsa_private.pem", "rsa_private_pkcs1.pem"}) {
    const auto key = RsaPrivateKey::FromPem(VectorFile(name));
    INFO(name << ": " << key.status());
    REQUIRE(key.ok());
    const auto signature = key->SignPkcs1(message);
    REQUIRE(signature.ok());
    CHECK(*signature == VectorFile("rsa_pkcs1_sha256.sig"));
  }
}

TEST_CASE("rsa: private keys that are small, encrypted, broken or of another kind are refused") {
  CHECK(RsaPrivateKey::FromPem(VectorFile("rsa1024_private.pem")).status().message() ==
        "the RSA modulus has 1024 bits, not 2048 to 8192");
  CHECK_FALSE(RsaPrivateKey::FromPem(VectorFile("rsa_private_encrypted.pem")).ok());
  CHECK_FALSE(RsaPrivateKey::FromPem(VectorFile("p256_private.pem")).ok());
  CHECK_FALSE(RsaPrivateKey::FromPem(VectorFile("rsa_public.pem")).ok());
  const std::string der = PemDer(VectorFile("rsa_private_pkcs1.pem"));
  for (size_t size = 0; size < der.size(); size += 7) {
    CHECK_FALSE(RsaPrivateKey::FromPem(ToPem("RSA PRIVATE KEY", der.substr(0, size))).ok());
  }
  // A wrong digit of a prime or an exponent: the numbers no longer belong together.
  for (size_t i = 300; i < der.size(); i += 100) {
    CHECK_FALSE(RsaPrivateKey::FromPem(ToPem("RSA PRIVATE KEY", Flipped(der, i))).ok());
  }
}

}  // namespace
}  // namespace convoy::crypto
