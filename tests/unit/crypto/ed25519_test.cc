#include "lib/crypto/ed25519.h"

#include <catch2/catch.hpp>

#include "tests/unit/crypto/vector_files.h"

namespace convoy::crypto {
namespace {

struct Vector {
  std::string_view seed, public_key, message, signature;  // hex
};

// RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc).
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
     "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

TEST_CASE("ed25519: the vectors of RFC 8032 sign and verify") {
  for (const Vector& vector : kVectors) {
    const auto private_key = Ed25519PrivateKey::FromRaw(FromHex(vector.seed));
    REQUIRE(private_key.ok());
    CHECK(private_key->public_key().bytes() == FromHex(vector.public_key));
    CHECK(private_key->Sign(FromHex(vector.message)) == FromHex(vector.signature));
    const auto public_key = Ed25519PublicKey::FromRaw(FromHex(vector.public_key));
    REQUIRE(public_key.ok());
    CHECK(public_key->Verify(FromHex(vector.message), FromHex(vector.signature)));
    CHECK_FALSE(public_key->Verify(FromHex(vector.message) + "x", FromHex(vector.signature)));
  }
}

TEST_CASE("ed25519: a changed or resized signature does not verify") {
  const auto key = Ed25519PublicKey::FromRaw(FromHex(kVectors[1].public_key));
  REQUIRE(key.ok());
  const std::string message = FromHex(kVectors[1].message);
  const std::string signature = FromHex(kVectors[1].signature);
  for (size_t i = 0; i < signature.size(); ++i) {
    CHECK_FALSE(key->Verify(message, Flipped(signature, i)));
  }
  CHECK_FALSE(key->Verify(message, ""));
  CHECK_FALSE(key->Verify(message, signature.substr(0, 63)));
  CHECK_FALSE(key->Verify(message, signature + '\0'));
}

TEST_CASE("ed25519: s plus the group order is refused as malleable") {
  const auto key = Ed25519PublicKey::FromRaw(FromHex(kVectors[1].public_key));
  REQUIRE(key.ok());
  const std::string order =
      FromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::string signature = FromHex(kVectors[1].signature);
  unsigned carry = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    carry += static_cast<uint8_t>(signature[32 + i]) + static_cast<uint8_t>(order[i]);
    signature[32 + i] = static_cast<char>(carry);
    carry >>= 8;
  }
  REQUIRE(carry == 0);
  CHECK_FALSE(key->Verify(FromHex(kVectors[1].message), signature));
}

TEST_CASE("ed25519: a public key must be a canonical point of large order") {
  const auto error = [](std::string_view hex) {
    return std::string(Ed25519PublicKey::FromRaw(FromHex(hex)).status().message());
  };
  for (const std::string_view y :
       {"0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"}) {
    CHECK(error(y) == "the ed25519 public key is a point of small order");
  }
  // p, p + 1 and 2^255 - 1: other spellings of 0, 1 and 18.
  for (const std::string_view y :
       {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    CHECK(error(y) == "the ed25519 public key is not canonical");
  }
  CHECK(error("0200000000000000000000000000000000000000000000000000000000000000") ==
        "the ed25519 public key is not a point of the curve");
  // y = 3 is on the curve.
  CHECK(error("0300000000000000000000000000000000000000000000000000000000000000").empty());
  CHECK_FALSE(Ed25519PublicKey::FromRaw("").ok());
  CHECK_FALSE(Ed25519PublicKey::FromRaw(std::string(31, '\x03')).ok());
  CHECK_FALSE(Ed25519PublicKey::FromRaw(FromHex(kVectors[0].public_key) + "x").ok());
}

TEST_CASE("ed25519: openssl's keys are read and its signature verifies") {
  const std::string pem = VectorFile("ed25519_public.pem");
  const std::string message = VectorFile("message.txt"), signature = VectorFile("ed25519.sig");
  const auto from_pem = Ed25519PublicKey::FromPem(pem);
  const auto from_base64 = Ed25519PublicKey::FromSpkiBase64(PemBody(pem));
  const auto private_key = Ed25519PrivateKey::FromPem(VectorFile("ed25519_private.pem"));
  REQUIRE(from_pem.ok());
  REQUIRE(from_base64.ok());
  REQUIRE(private_key.ok());
  CHECK(from_pem->Verify(message, signature));
  CHECK(from_base64->Verify(message, signature));
  CHECK(private_key->Sign(message) == signature);
  CHECK(private_key->public_key().bytes() == from_pem->bytes());
}

TEST_CASE("ed25519: keys of another kind are refused") {
  CHECK_FALSE(Ed25519PublicKey::FromPem(VectorFile("p256_public.pem")).ok());
  CHECK_FALSE(Ed25519PublicKey::FromPem(VectorFile("ed25519_private.pem")).ok());
  CHECK_FALSE(Ed25519PublicKey::FromSpkiBase64(PemBody(VectorFile("rsa_public.pem"))).ok());
  CHECK_FALSE(Ed25519PublicKey::FromSpkiBase64("not base64").ok());
  CHECK_FALSE(Ed25519PrivateKey::FromPem(VectorFile("p256_private.pem")).ok());
  CHECK_FALSE(Ed25519PrivateKey::FromPem(VectorFile("ed25519_public.pem")).ok());
}

TEST_CASE("ed25519: a private key with its public half must match it") {
  const std::string seed = FromHex(kVectors[0].seed), half = FromHex(kVectors[0].public_key);
  const auto key = Ed25519PrivateKey::FromRaw(seed + half);
  REQUIRE(key.ok());
  CHECK(key->Sign("") == FromHex(kVectors[0].signature));
  CHECK_FALSE(Ed25519PrivateKey::FromRaw(seed + Flipped(half, 31)).ok());
  CHECK_FALSE(Ed25519PrivateKey::FromRaw(seed.substr(1)).ok());
  CHECK_FALSE(Ed25519PrivateKey::FromRaw(seed + half + "x").ok());
}

TEST_CASE("ed25519: a cut private key is refused without showing it") {
  const std::string der = PemDer(VectorFile("ed25519_private.pem"));
  for (size_t size = 0; size < der.size(); ++size) {
    const std::string body = base::Base64Encode(der.substr(0, size));
    const auto key = Ed25519PrivateKey::FromPem(ToPem("PRIVATE KEY", der.substr(0, size)));
    REQUIRE_FALSE(key.ok());
    if (size > 0) CHECK(key.status().message().find(body) == std::string::npos);
  }
}

}  // namespace
}  // namespace convoy::crypto
