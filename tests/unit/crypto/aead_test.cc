#include "lib/crypto/aead.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/unit/crypto/vector_files.h"

namespace convoy::crypto {
namespace {

// Gives the same bytes each time, as a published vector needs.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::string bytes) : bytes_(std::move(bytes)) {}
  void Fill(std::span<uint8_t> out) override {
    REQUIRE(out.size() == bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), out.begin());
  }

 private:
  std::string bytes_;
};

// draft-irtf-cfrg-xchacha-03, A.3.1.
constexpr std::string_view kKey =
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
constexpr std::string_view kNonce = "404142434445464748494a4b4c4d4e4f5051525354555657";
constexpr std::string_view kData = "50515253c0c1c2c3c4c5c6c7";
constexpr std::string_view kPlaintext =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    "sunscreen would be it.";
constexpr std::string_view kCiphertext =
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
    "21f9664c97637da9768812f615c68b13b52e";
constexpr std::string_view kTag = "c0875924c1c7987947deafd8780acf49";

Aead KeyOf(std::string_view hex) {
  auto aead = Aead::FromKey(FromHex(hex));
  REQUIRE(aead.ok());
  return *std::move(aead);
}

TEST_CASE("aead: the vector of the XChaCha20-Poly1305 draft seals and opens") {
  const Aead aead = KeyOf(kKey);
  FixedRandom random(FromHex(kNonce));
  const auto sealed = aead.Seal(random, kPlaintext, FromHex(kData));
  REQUIRE(sealed.ok());
  CHECK(base::HexEncode(*sealed) ==
        std::string(kNonce) + std::string(kCiphertext) + std::string(kTag));
  const auto opened = aead.Open(*sealed, FromHex(kData));
  REQUIRE(opened.ok());
  CHECK(*opened == kPlaintext);
}

TEST_CASE("aead: nothing changed, cut, lengthened or moved elsewhere opens") {
  const Aead aead = KeyOf(kKey);
  FixedRandom random(FromHex(kNonce));
  const auto sealed = aead.Seal(random, "a secret", "endpoint 1");
  REQUIRE(sealed.ok());
  for (size_t i = 0; i < sealed->size(); ++i) {
    CHECK_FALSE(aead.Open(Flipped(*sealed, i), "endpoint 1").ok());
  }
  for (size_t size = 0; size < sealed->size(); ++size) {
    CHECK_FALSE(aead.Open(sealed->substr(0, size), "endpoint 1").ok());
  }
  CHECK_FALSE(aead.Open(*sealed + '\0', "endpoint 1").ok());
  CHECK_FALSE(aead.Open(*sealed, "endpoint 2").ok());
  CHECK_FALSE(aead.Open(*sealed, "").ok());
  const Aead another = KeyOf(std::string(64, 'a'));
  CHECK(another.Open(*sealed, "endpoint 1").status().message() ==
        "the sealed bytes do not open with this key");
  CHECK(aead.Open(*sealed, "endpoint 1").ok());
}

TEST_CASE("aead: every size opens again, and no two seals are alike") {
  const Aead aead = KeyOf(kKey);
  const auto random = NewSystemRandom();
  for (const size_t size : {0, 1, 15, 16, 17, 63, 64, 65, 1000, 100'000}) {
    const std::string plaintext(size, 'p');
    const auto first = aead.Seal(*random, plaintext, ""),
               second = aead.Seal(*random, plaintext, "");
    REQUIRE((first.ok() && second.ok()));
    CHECK(first->size() == kAeadNonceBytes + size + kAeadTagBytes);
    CHECK(*first != *second);
    const auto opened = aead.Open(*first, "");
    REQUIRE(opened.ok());
    CHECK(*opened == plaintext);
  }
}

TEST_CASE("aead: a key has 32 bytes") {
  CHECK_FALSE(Aead::FromKey("").ok());
  CHECK_FALSE(Aead::FromKey(std::string(31, 'k')).ok());
  CHECK_FALSE(Aead::FromKey(std::string(33, 'k')).ok());
}

}  // namespace
}  // namespace convoy::crypto
