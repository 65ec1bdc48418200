// Check of an Ed25519 public key's encoding when it is configured, because verification itself (RFC
// 8032, 5.1.7) only answers yes or no. A public key is no secret: nothing here is constant-time.
#include "lib/crypto/ed25519_point.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <openssl/bn.h>

#include "lib/crypto/boringssl.h"

namespace convoy::crypto {
namespace {

using BigNumber = Handle<BIGNUM, BN_free>;
using Coordinate = std::array<uint8_t, 32>;  // little-endian

// The field is the integers modulo p = 2^255 - 19; d is the curve's constant (RFC 8032, 5.1).
constexpr char kPrimeHex[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
constexpr char kCurveHex[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";

// The y coordinates of the points whose order divides 8: 1, -1, 0 and two of order 8.
constexpr Coordinate kSmallOrder[] = {
    {1},
    {0xEC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F},
    {0},
    {0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4,
     0x89, 0xF2, 0xEF, 0x98, 0xF0, 0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6,
     0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05},
    {0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B,
     0x76, 0x0D, 0x10, 0x67, 0x0F, 0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39,
     0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A},
};

BigNumber FromHex(const char* hex) {
  BIGNUM* number = nullptr;
  BN_hex2bn(&number, hex);
  return BigNumber(number);
}

// Whether some x has -x^2 + y^2 = 1 + d x^2 y^2, that is x^2 = u / v with u = y^2 - 1 and
// v = d y^2 + 1. u / v is a square exactly when u v is, and Euler's criterion tells: the power
// (p - 1) / 2 of a square is 1. u = 0 belongs to points of small order.
bool IsOnCurve(const BIGNUM* y, const BIGNUM* p) {
  const Handle<BN_CTX, BN_CTX_free> context(BN_CTX_new());
  const BigNumber d = FromHex(kCurveHex), u(BN_new()), v(BN_new()), half(BN_new());
  if (!context || !d || !u || !v || !half) return false;
  return BN_mod_sqr(u.get(), y, p, context.get()) &&
         BN_mod_mul(v.get(), d.get(), u.get(), p, context.get()) && BN_add_word(v.get(), 1) &&
         BN_sub_word(u.get(), 1) && BN_mod_mul(u.get(), u.get(), v.get(), p, context.get()) &&
         BN_rshift1(half.get(), p) && BN_mod_exp(v.get(), u.get(), half.get(), p, context.get()) &&
         BN_is_one(v.get());
}

}  // namespace

absl::Status CheckEd25519Point(std::string_view bytes) {
  Coordinate encoded;
  if (bytes.size() != encoded.size()) {
    return absl::InvalidArgumentError("an ed25519 public key has 32 bytes");
  }
  std::copy(bytes.begin(), bytes.end(), encoded.begin());
  encoded.back() &= 0x7F;  // the top bit is the sign of x
  const ErrorQueueCleaner cleaner;
  const BigNumber y(BN_le2bn(encoded.data(), encoded.size(), nullptr)), p = FromHex(kPrimeHex);
  if (!y || !p) return absl::ResourceExhaustedError("out of memory");
  if (BN_cmp(y.get(), p.get()) >= 0) {
    return absl::InvalidArgumentError("the ed25519 public key is not canonical");
  }
  if (std::find(std::begin(kSmallOrder), std::end(kSmallOrder), encoded) != std::end(kSmallOrder)) {
    return absl::InvalidArgumentError("the ed25519 public key is a point of small order");
  }
  if (!IsOnCurve(y.get(), p.get())) {
    return absl::InvalidArgumentError("the ed25519 public key is not a point of the curve");
  }
  return absl::OkStatus();
}

}  // namespace convoy::crypto
