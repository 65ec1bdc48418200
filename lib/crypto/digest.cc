// HMAC (RFC 2104) over BoringSSL's digests, with the key schedule done once: an HmacKey holds the
// two digest states after the padded key block, and a computation starts from copies of them. That
// saves two of the four compressions of a short message against HMAC_Init.
#include "lib/crypto/digest.h"

#include <algorithm>
#include <cstring>

#include <openssl/md5.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

namespace convoy::crypto {
namespace {

// One digest algorithm: its state and BoringSSL's three functions.
template <typename State, size_t kSizeBytes, size_t kBlockBytes, auto kInit, auto kUpdate,
          auto kFinal>
struct Algorithm {
  using Context = State;
  static constexpr size_t kSize = kSizeBytes, kBlock = kBlockBytes;
  static void Init(Context* c) { kInit(c); }
  static void Update(Context* c, const void* p, size_t n) { kUpdate(c, p, n); }
  static void Final(uint8_t* out, Context* c) { kFinal(out, c); }
};
using Md5 = Algorithm<MD5_CTX, MD5_DIGEST_LENGTH, MD5_CBLOCK, MD5_Init, MD5_Update, MD5_Final>;
using Sha1 = Algorithm<SHA_CTX, SHA_DIGEST_LENGTH, SHA_CBLOCK, SHA1_Init, SHA1_Update, SHA1_Final>;
using Sha256 = Algorithm<SHA256_CTX, SHA256_DIGEST_LENGTH, SHA256_CBLOCK, SHA256_Init,
                         SHA256_Update, SHA256_Final>;
using Sha384 = Algorithm<SHA512_CTX, SHA384_DIGEST_LENGTH, SHA384_CBLOCK, SHA384_Init,
                         SHA384_Update, SHA384_Final>;
using Sha512 = Algorithm<SHA512_CTX, SHA512_DIGEST_LENGTH, SHA512_CBLOCK, SHA512_Init,
                         SHA512_Update, SHA512_Final>;

// Calls `visit` with the algorithm's type.
template <typename Visit>
auto Dispatch(HashAlgorithm algorithm, Visit visit) {
  switch (algorithm) {
    case HashAlgorithm::kMd5:
      return visit(Md5{});
    case HashAlgorithm::kSha1:
      return visit(Sha1{});
    case HashAlgorithm::kSha384:
      return visit(Sha384{});
    case HashAlgorithm::kSha512:
      return visit(Sha512{});
    case HashAlgorithm::kSha256:
      break;
  }
  return visit(Sha256{});
}

template <typename A>
void HashInto(std::string_view data, uint8_t* out) {
  typename A::Context context;
  A::Init(&context);
  A::Update(&context, data.data(), data.size());
  A::Final(out, &context);
}

// The state after the key block xor `pad`.
template <typename A>
void StartPadded(const std::array<uint8_t, 128>& key_block, uint8_t pad,
                 typename A::Context* context) {
  std::array<uint8_t, A::kBlock> block;
  for (size_t i = 0; i < A::kBlock; ++i) block[i] = key_block[i] ^ pad;
  A::Init(context);
  A::Update(context, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
}

}  // namespace

size_t DigestSize(HashAlgorithm algorithm) {
  return Dispatch(algorithm, [](auto a) { return decltype(a)::kSize; });
}

Digest Hash(HashAlgorithm algorithm, std::string_view data) {
  Digest digest;
  Dispatch(algorithm, [&](auto a) {
    using A = decltype(a);
    HashInto<A>(data, digest.buffer(A::kSize).data());
  });
  return digest;
}

union Context {
  MD5_CTX md5;
  SHA_CTX sha1;
  SHA256_CTX sha256;
  SHA512_CTX sha512;
};

struct HmacKey::State {
  HashAlgorithm algorithm;
  Context inner;
  Context outer;

  ~State() { OPENSSL_cleanse(this, sizeof *this); }
};

HmacKey::HmacKey(HashAlgorithm algorithm, std::string_view key)
    : state_(std::make_unique<State>()) {
  state_->algorithm = algorithm;
  Dispatch(algorithm, [&](auto a) {
    using A = decltype(a);
    std::array<uint8_t, 128> block = {};
    if (key.size() > A::kBlock) {
      HashInto<A>(key, block.data());
    } else if (!key.empty()) {
      std::memcpy(block.data(), key.data(), key.size());
    }
    StartPadded<A>(block, 0x36, reinterpret_cast<typename A::Context*>(&state_->inner));
    StartPadded<A>(block, 0x5C, reinterpret_cast<typename A::Context*>(&state_->outer));
    OPENSSL_cleanse(block.data(), block.size());
  });
}

HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;
HmacKey::~HmacKey() = default;

HashAlgorithm HmacKey::algorithm() const { return state_->algorithm; }

Hmac::Hmac(const HmacKey& key) : key_(key) {
  static_assert(sizeof(Context) <= sizeof context_ && alignof(Context) <= 16);
  std::memcpy(context_.data(), &key.state_->inner, sizeof(Context));
}

Hmac::~Hmac() { OPENSSL_cleanse(context_.data(), sizeof(Context)); }

void Hmac::Update(std::string_view data) {
  Dispatch(key_.algorithm(), [&](auto a) {
    using A = decltype(a);
    A::Update(reinterpret_cast<typename A::Context*>(context_.data()), data.data(), data.size());
  });
}

Digest Hmac::Finish() {
  Digest digest;
  Dispatch(key_.algorithm(), [&](auto a) {
    using A = decltype(a);
    auto* context = reinterpret_cast<typename A::Context*>(context_.data());
    std::array<uint8_t, A::kSize> inner;
    A::Final(inner.data(), context);
    std::memcpy(context, &key_.state_->outer, sizeof(typename A::Context));
    A::Update(context, inner.data(), inner.size());
    A::Final(digest.buffer(A::kSize).data(), context);
  });
  return digest;
}

Digest HmacOf(const HmacKey& key, std::string_view data) {
  Hmac hmac(key);
  hmac.Update(data);
  return hmac.Finish();
}

Digest Pbkdf2Sha256(std::string_view password, std::string_view salt, uint32_t rounds) {
  const HmacKey key(HashAlgorithm::kSha256, password);
  Hmac first(key);
  first.Update(salt);
  first.Update(std::string_view("\0\0\0\1", 4));  // the number of the one block
  Digest round = first.Finish();
  std::array<uint8_t, 32> sum;
  std::copy(round.bytes().begin(), round.bytes().end(), sum.begin());
  for (uint32_t i = 1; i < rounds; ++i) {
    round = HmacOf(key, round.view());
    for (size_t j = 0; j < sum.size(); ++j) sum[j] ^= round.bytes()[j];
  }
  Digest result;
  std::copy(sum.begin(), sum.end(), result.buffer(sum.size()).begin());
  return result;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace convoy::crypto
