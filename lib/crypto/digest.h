// Digests, keyed digests and constant-time comparison over BoringSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace convoy::crypto {

enum class HashAlgorithm : uint8_t { kMd5, kSha1, kSha256, kSha384, kSha512 };

inline constexpr size_t kDigestBytesMax = 64;
size_t DigestSize(HashAlgorithm algorithm);

// A digest or MAC of up to 64 bytes, held in place.
class Digest {
 public:
  std::span<const uint8_t> bytes() const { return {bytes_.data(), size_}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), size_}; }
  std::span<uint8_t> buffer(size_t size) {
    size_ = size;
    return {bytes_.data(), size};
  }

 private:
  std::array<uint8_t, kDigestBytesMax> bytes_ = {};
  size_t size_ = 0;
};

Digest Hash(HashAlgorithm algorithm, std::string_view data);

// PBKDF2 with HMAC-SHA256 (RFC 8018): 32 bytes. Takes time in proportion to `rounds`.
Digest Pbkdf2Sha256(std::string_view password, std::string_view salt, uint32_t rounds);

// A key that is ready to sign: the two padded blocks are hashed once, here. Immutable; any number
// of threads may compute with it at once.
class HmacKey {
 public:
  HmacKey(HashAlgorithm algorithm, std::string_view key);
  HmacKey(HmacKey&&) noexcept;
  HmacKey& operator=(HmacKey&&) noexcept;
  ~HmacKey();  // wipes

  HashAlgorithm algorithm() const;

 private:
  friend class Hmac;
  struct State;
  std::unique_ptr<State> state_;
};

// One computation, fed piece by piece. Does not allocate. The key must outlive it.
class Hmac {
 public:
  explicit Hmac(const HmacKey& key);
  ~Hmac();  // wipes
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  void Update(std::string_view data);
  Digest Finish();  // once

 private:
  alignas(16) std::array<uint8_t, 256> context_;  // the running digest, in place
  const HmacKey& key_;
};

// Convenience for one message.
Digest HmacOf(const HmacKey& key, std::string_view data);

// Takes the same time wherever the bytes differ. Different sizes are unequal at once: a size is no
// secret.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace convoy::crypto
