#include "lib/crypto/ecdsa.h"

#include <catch2/catch.hpp>

#include "lib/crypto/public_key.h"
#include "tests/unit/crypto/vector_files.h"

namespace convoy::crypto {
namespace {

// RFC 6979, A.2.5: the key, and its signatures of "sample" and "test".
constexpr std::string_view kX = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
constexpr std::string_view kY = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
constexpr std::string_view kOrder =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

struct Vector {
  HashAlgorithm hash;
  std::string_view message, r, s;
};
constexpr Vector kVectors[] = {
    {HashAlgorithm::kSha256, "sample",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {HashAlgorithm::kSha256, "test",
     "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
     "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
    {HashAlgorithm::kSha1, "sample",
     "61340c88c3aaebeb4f6d667f672ca9759a6ccaa9fa8811313039ee4a35471d32",
     "6d7f147dac089441bb2e2fe8f7a3fa264b9c475098fdcf6e00d7c996e1b8b7eb"},
};

EcdsaPublicKey RfcKey() {
  auto key = EcdsaPublicKey::FromCoordinates(FromHex(kX), FromHex(kY));
  REQUIRE(key.ok());
  return *std::move(key);
}

// The DER INTEGER of a big-endian number without leading zeros.
std::string Integer(std::string number) {
  if (number.empty() || (number[0] & 0x80) != 0) number.insert(0, 1, '\0');
  return std::string("\x02") + static_cast<char>(number.size()) + number;
}

std::string Sequence(const std::string& content) {
  return std::string("\x30") + static_cast<char>(content.size()) + content;
}

std::string Der(std::string_view r, std::string_view s) {
  return Sequence(Integer(FromHex(r)) + Integer(FromHex(s)));
}

TEST_CASE("ecdsa: the vectors of RFC 6979 verify, raw and as DER") {
  const EcdsaPublicKey key = RfcKey();
  for (const Vector& vector : kVectors) {
    const std::string raw = FromHex(vector.r) + FromHex(vector.s);
    CHECK(key.VerifyRaw(vector.message, raw, vector.hash));
    CHECK(key.VerifyDer(vector.message, Der(vector.r, vector.s), vector.hash));
    CHECK_FALSE(key.VerifyRaw("another", raw, vector.hash));
    CHECK_FALSE(key.VerifyRaw(vector.message, raw, HashAlgorithm::kSha512));
    CHECK_FALSE(key.VerifyRaw(vector.message, raw, HashAlgorithm::kMd5));
    CHECK_FALSE(key.VerifyDer(vector.message, Der(vector.r, vector.s), HashAlgorithm::kMd5));
  }
}

TEST_CASE("ecdsa: r and s must lie between 1 and the order") {
  const EcdsaPublicKey key = RfcKey();
  const std::string r = FromHex(kVectors[0].r), s = FromHex(kVectors[0].s), n = FromHex(kOrder);
  const std::string zero(32, '\0'), all(32, '\xff');
  const std::string one = std::string(31, '\0') + '\x01';
  const std::string wrong[] = {zero + s, r + zero, zero + zero, n + s,   r + n,
                               all + s,  r + all,  n + n,       one + s, r + one};
  for (const std::string& raw : wrong) CHECK_FALSE(key.VerifyRaw("sample", raw));
  CHECK_FALSE(key.VerifyDer("sample", Der("", kVectors[0].s)));
  CHECK_FALSE(key.VerifyDer("sample", Der(kVectors[0].r, "")));
  CHECK_FALSE(key.VerifyDer("sample", Der("", "")));
  CHECK_FALSE(key.VerifyDer("sample", Der(kOrder, kVectors[0].s)));
  CHECK_FALSE(key.VerifyDer("sample", Der(kVectors[0].r, kOrder)));
}

TEST_CASE("ecdsa: raw signatures of a wrong length do not verify") {
  const EcdsaPublicKey key = RfcKey();
  const std::string raw = FromHex(kVectors[0].r) + FromHex(kVectors[0].s);
  for (size_t size = 0; size < raw.size(); ++size) {
    CHECK_FALSE(key.VerifyRaw("sample", raw.substr(0, size)));
  }
  CHECK_FALSE(key.VerifyRaw("sample", raw + '\0'));
  CHECK_FALSE(key.VerifyRaw("sample", '\0' + raw));
  CHECK_FALSE(key.VerifyRaw("sample", Der(kVectors[0].r, kVectors[0].s)));
}

TEST_CASE("ecdsa: DER that is cut, padded, negative or otherwise not strict does not verify") {
  const EcdsaPublicKey key = RfcKey();
  const std::string r = Integer(FromHex(kVectors[0].r)), s = Integer(FromHex(kVectors[0].s));
  const std::string der = Sequence(r + s);
  REQUIRE(key.VerifyDer("sample", der));
  for (size_t size = 0; size < der.size(); ++size) {
    CHECK_FALSE(key.VerifyDer("sample", der.substr(0, size)));
  }
  for (size_t i = 0; i < der.size(); ++i) CHECK_FALSE(key.VerifyDer("sample", Flipped(der, i)));
  CHECK_FALSE(key.VerifyDer("sample", der + '\0'));
  CHECK_FALSE(key.VerifyDer("sample", Sequence(r + s + Integer("\x01"))));
  CHECK_FALSE(key.VerifyDer("sample", Sequence(r)));
  CHECK_FALSE(key.VerifyDer("sample", FromHex(kVectors[0].r) + FromHex(kVectors[0].s)));
  const std::string body = r + s;
  const auto size = static_cast<char>(body.size());
  CHECK_FALSE(key.VerifyDer("sample", std::string("\x30\x81") + size + body));  // long length
  CHECK_FALSE(key.VerifyDer("sample", std::string("\x30\x80", 2) + body + std::string(2, '\0')));
  CHECK_FALSE(key.VerifyDer("sample", std::string("\x31") + size + body));  // a SET
  const std::string negative = std::string("\x02\x20") + FromHex(kVectors[0].r);
  CHECK_FALSE(key.VerifyDer("sample", Sequence(negative + s)));
  const std::string padded = std::string("\x02\x22\x00\x00", 4) + FromHex(kVectors[0].r);
  CHECK_FALSE(key.VerifyDer("sample", Sequence(padded + s)));
}

TEST_CASE("ecdsa: a public key must be a point of the curve") {
  const std::string x = FromHex(kX), y = FromHex(kY);
  CHECK_FALSE(EcdsaPublicKey::FromCoordinates(x, Flipped(y, 31)).ok());
  CHECK_FALSE(EcdsaPublicKey::FromCoordinates(std::string(32, '\0'), std::string(32, '\0')).ok());
  CHECK_FALSE(EcdsaPublicKey::FromCoordinates(std::string(32, '\xff'), y).ok());
  CHECK_FALSE(EcdsaPublicKey::FromCoordinates(x.substr(1), y).ok());
  CHECK_FALSE(EcdsaPublicKey::FromCoordinates(x, y + "x").ok());
  CHECK_FALSE(EcdsaPublicKey::FromPoint("").ok());
  CHECK_FALSE(EcdsaPublicKey::FromPoint(std::string(1, '\0')).ok());  // infinity
  CHECK_FALSE(EcdsaPublicKey::FromPoint(std::string(65, '\0')).ok());
  CHECK_FALSE(EcdsaPublicKey::FromPoint("\x07" + x + y).ok());  // hybrid form
  CHECK(EcdsaPublicKey::FromPoint("\x04" + x + y).ok());
  const auto compressed = EcdsaPublicKey::FromPoint("\x03" + x);  // y is odd
  REQUIRE(compressed.ok());
  CHECK(compressed->VerifyDer("sample", Der(kVectors[0].r, kVectors[0].s)));
}

TEST_CASE("ecdsa: openssl's signatures verify, with each hash and form of key") {
  const std::string message = VectorFile("message.txt");
  for (const char* name :
       {"p256_public.pem", "p256_public_compressed.pem", "p256_certificate.pem"}) {
    const auto key = PublicKey::FromPem(VectorFile(name));
    INFO(name << ": " << key.status());
    REQUIRE(key.ok());
    REQUIRE(key->ecdsa() != nullptr);
    CHECK(key->ecdsa()->VerifyDer(message, VectorFile("p256_sha256.sig")));
    CHECK(key->ecdsa()->VerifyDer(message, VectorFile("p256_sha1.sig"), HashAlgorithm::kSha1));
    CHECK(key->ecdsa()->VerifyDer(message, VectorFile("p256_sha512.sig"), HashAlgorithm::kSha512));
    CHECK_FALSE(key->ecdsa()->VerifyDer(message, VectorFile("p256_sha1.sig")));
  }
}

TEST_CASE("ecdsa: what a private key signs, the public key verifies") {
  const auto public_key = PublicKey::FromPem(VectorFile("p256_public.pem"));
  REQUIRE(public_key.ok());
  for (const char* name : {"p256_private.pem", "p256_private_sec1.pem"}) {
    const auto private_key = EcdsaPrivateKey::FromPem(VectorFile(name));
    INFO(name << ": " << private_key.status());
    REQUIRE(private_key.ok());
    for (int i = 0; i < 32; ++i) {  // nonces vary, and with them the sizes of r and s
      const std::string message(i, 'm');
      const auto der = private_key->SignDer(message), raw = private_key->SignRaw(message);
      REQUIRE(der.ok());
      REQUIRE(raw.ok());
      CHECK(raw->size() == kEcdsaRawSignatureBytes);
      CHECK(public_key->ecdsa()->VerifyDer(message, *der));
      CHECK(public_key->ecdsa()->VerifyRaw(message, *raw));
      CHECK(private_key->public_key().VerifyRaw(message, *raw));
      CHECK_FALSE(public_key->ecdsa()->VerifyRaw(message + "x", *raw));
    }
  }
}

TEST_CASE("ecdsa: private keys of another kind or cut short are refused") {
  CHECK_FALSE(EcdsaPrivateKey::FromPem(VectorFile("p384_private.pem")).ok());
  CHECK_FALSE(EcdsaPrivateKey::FromPem(VectorFile("rsa_private.pem")).ok());
  CHECK_FALSE(EcdsaPrivateKey::FromPem(VectorFile("p256_public.pem")).ok());
  CHECK_FALSE(EcdsaPrivateKey::FromPem("").ok());
  const std::string der = PemDer(VectorFile("p256_private.pem"));
  for (size_t size = 0; size < der.size(); ++size) {
    CHECK_FALSE(EcdsaPrivateKey::FromPem(ToPem("PRIVATE KEY", der.substr(0, size))).ok());
  }
  CHECK_FALSE(EcdsaPrivateKey::FromPem(ToPem("EC PRIVATE KEY", std::string(20'000, '0'))).ok());
}

}  // namespace
}  // namespace convoy::crypto
