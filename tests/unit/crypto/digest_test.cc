#include "lib/crypto/digest.h"

#include <array>
#include <string>

#include <catch2/catch.hpp>

#include "convoy/clock.h"
#include "lib/base/encoding.h"

namespace convoy::crypto {
namespace {

std::string Hex(const Digest& digest) { return base::HexEncode(digest.view()); }

TEST_CASE("digest: the digests of \"abc\" are those of RFC 1321 and FIPS 180-4") {
  CHECK(Hex(Hash(HashAlgorithm::kMd5, "abc")) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(Hex(Hash(HashAlgorithm::kSha1, "abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(Hex(Hash(HashAlgorithm::kSha256, "abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Hex(Hash(HashAlgorithm::kSha512, "abc")) ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  CHECK(DigestSize(HashAlgorithm::kMd5) == 16);
  CHECK(DigestSize(HashAlgorithm::kSha1) == 20);
  CHECK(DigestSize(HashAlgorithm::kSha256) == 32);
  CHECK(DigestSize(HashAlgorithm::kSha512) == 64);
}

struct HmacVector {
  HashAlgorithm algorithm;
  std::string key, data, expected;
};

// RFC 2202 (MD5, SHA-1) and RFC 4231 (the SHA-2 family): short keys, and keys longer than a block.
const HmacVector kHmacVectors[] = {
    {HashAlgorithm::kMd5, std::string(16, '\x0b'), "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"},
    {HashAlgorithm::kSha1, "Jefe", "what do ya want for nothing?",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {HashAlgorithm::kSha1, std::string(80, '\xaa'),
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {HashAlgorithm::kSha256, std::string(20, '\x0b'), "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {HashAlgorithm::kSha256, "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {HashAlgorithm::kSha384, "Jefe", "what do ya want for nothing?",
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
     "8e2240ca5e69e2c78b3239ecfab21649"},
    {HashAlgorithm::kSha256, std::string(131, '\xaa'),
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {HashAlgorithm::kSha512, "Jefe", "what do ya want for nothing?",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {HashAlgorithm::kSha512, std::string(131, '\xaa'),
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
};

TEST_CASE("digest: HMAC agrees with the RFCs however it is fed") {
  for (const HmacVector& vector : kHmacVectors) {
    const HmacKey key(vector.algorithm, vector.key);
    CHECK(Hex(HmacOf(key, vector.data)) == vector.expected);
    CHECK(Hex(HmacOf(key, vector.data)) == vector.expected);  // a key may be used again
    Hmac pieces(key);
    for (const char c : vector.data) pieces.Update(std::string_view(&c, 1));
    pieces.Update("");
    CHECK(Hex(pieces.Finish()) == vector.expected);
  }
}

TEST_CASE("digest: a moved key still signs") {
  HmacKey key(HashAlgorithm::kSha256, "Jefe");
  HmacKey moved = std::move(key);
  CHECK(Hex(HmacOf(moved, "what do ya want for nothing?")) == kHmacVectors[4].expected);
}

TEST_CASE("digest: PBKDF2 with HMAC-SHA256 has the values of RFC 7914, section 11") {
  CHECK(Hex(Pbkdf2Sha256("passwd", "salt", 1)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  CHECK(Hex(Pbkdf2Sha256("Password", "NaCl", 80000)) ==
        "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST_CASE("digest: comparison looks at every byte and at the size") {
  CHECK(ConstantTimeEquals("", ""));
  CHECK(ConstantTimeEquals("abc", "abc"));
  CHECK_FALSE(ConstantTimeEquals("abc", "abd"));
  CHECK_FALSE(ConstantTimeEquals("abc", "Abc"));
  CHECK_FALSE(ConstantTimeEquals("abc", "ab"));
  CHECK_FALSE(ConstantTimeEquals("", "a"));
}

TEST_CASE("system_random: fills all of a buffer, differently each time") {
  const auto random = NewSystemRandom();
  std::array<uint8_t, 64> a = {}, b = {};
  random->Fill(a);
  random->Fill(b);
  CHECK(a != b);
  CHECK(a != std::array<uint8_t, 64>{});
}

}  // namespace
}  // namespace convoy::crypto
