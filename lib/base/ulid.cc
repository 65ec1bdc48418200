// ULID generation: 48 bits of Unix milliseconds, then 80 random bits, in Crockford's base 32.
// Within one millisecond the random part counts up, so the order of ids is the order of creation.
#include "lib/base/ulid.h"

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace convoy {
namespace {

constexpr size_t kUlidSize = 26;
constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr uint8_t kInvalidDigit = 255;

// Of the last 21 bits, in which ids count up, and of the milliseconds before them in a key.
constexpr int kCountBits = 21;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;
constexpr uint64_t kKeyMillisecondsMax = (uint64_t{1} << 42) - 1;
constexpr int64_t kUlidMillisecondsMax = (int64_t{1} << 48) - 1;

constexpr auto kDigits = [] {
  std::array<uint8_t, 256> digits{};
  digits.fill(kInvalidDigit);
  for (size_t i = 0; i < kCrockford.size(); ++i) {
    digits[static_cast<uint8_t>(kCrockford[i])] = static_cast<uint8_t>(i);
  }
  return digits;
}();

// The 128 bits of a ULID: milliseconds and 16 random bits, then 64 random bits.
struct Bits {
  uint64_t high = 0;
  uint64_t low = 0;
};

std::optional<Bits> Parse(std::string_view text) {
  if (text.size() != kUlidSize || text[0] > '7') return std::nullopt;
  Bits bits;
  for (const char c : text) {
    const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
    if (digit == kInvalidDigit) return std::nullopt;
    bits.high = bits.high << 5 | bits.low >> 59;
    bits.low = bits.low << 5 | digit;
  }
  return bits;
}

std::string Format(Bits bits) {
  std::string text(kUlidSize, '0');
  for (auto c = text.rbegin(); c != text.rend(); ++c) {
    *c = kCrockford[bits.low & 31];
    bits.low = bits.low >> 5 | bits.high << 59;
    bits.high >>= 5;
  }
  return text;
}

}  // namespace

bool IsUlid(std::string_view text) { return Parse(text).has_value(); }

std::string LeastUlidAt(absl::Time time) {
  const int64_t milliseconds =
      std::clamp<int64_t>(absl::ToUnixMillis(time), 0, kUlidMillisecondsMax);
  return Format({.high = static_cast<uint64_t>(milliseconds) << 16});
}

std::optional<UlidParts> SplitUlid(std::string_view ulid) {
  const std::optional<Bits> bits = Parse(ulid);
  if (!bits.has_value() || bits->high >> 16 > kKeyMillisecondsMax) return std::nullopt;
  const uint64_t key = bits->high >> 16 << kCountBits | (bits->low & kCountMask);
  const uint64_t tail = (bits->high & 0xFFFF) << (64 - kCountBits) | bits->low >> kCountBits;
  return UlidParts{.key = static_cast<int64_t>(key), .tail = static_cast<int64_t>(tail)};
}

std::string JoinUlid(const UlidParts& parts) {
  const uint64_t key = static_cast<uint64_t>(parts.key);
  const uint64_t tail = static_cast<uint64_t>(parts.tail);
  return Format({.high = key >> kCountBits << 16 | tail >> (64 - kCountBits),
                 .low = tail << kCountBits | (key & kCountMask)});
}

int64_t LeastKeyAt(absl::Time time) {
  const auto milliseconds =
      std::clamp<int64_t>(absl::ToUnixMillis(time), 0, static_cast<int64_t>(kKeyMillisecondsMax));
  return milliseconds << kCountBits;
}

namespace base {
namespace {

// Adds one to a big-endian number; false if it overflowed.
bool Increment(std::array<uint8_t, 10>& number) {
  for (auto byte = number.rbegin(); byte != number.rend(); ++byte) {
    if (++*byte != 0) return true;
  }
  return false;
}

std::string Encode(uint64_t milliseconds, const std::array<uint8_t, 10>& random) {
  Bits bits{.high = milliseconds << 16 | uint64_t{random[0]} << 8 | random[1]};
  for (size_t i = 2; i < random.size(); ++i) bits.low = bits.low << 8 | random[i];
  return Format(bits);
}

}  // namespace

std::string UlidGenerator::Next() {
  const int64_t now_ms =
      std::min(absl::ToUnixMillis(clock_->Now()), static_cast<int64_t>(kKeyMillisecondsMax));
  absl::MutexLock lock(&mutex_);
  if (now_ms > last_ms_) {
    last_ms_ = now_ms;
    Restart();
  } else if (!Increment(last_random_)) {
    // 2^80 ids in a millisecond do not happen, but a start value close to the end may.
    ++last_ms_;
    Restart();
  }
  return Encode(static_cast<uint64_t>(last_ms_), last_random_);
}

void UlidGenerator::Restart() {
  random_->Fill(last_random_);
  // The highest of the bits that keys are made of, so that counting does not run over them: for a
  // million ids keys ascend as ids do.
  constexpr uint8_t kHighestCountBit = 1 << ((kCountBits - 1) % 8);
  last_random_[last_random_.size() - 1 - (kCountBits - 1) / 8] &= uint8_t{0xFF} ^ kHighestCountBit;
}

std::string RandomAlphanumeric(Random& random, size_t length) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // Bytes from here on would favour the first characters.
  constexpr uint8_t kFairLimit = 256 / 62 * 62;
  std::string text;
  text.reserve(length);
  std::array<uint8_t, 64> pool;
  while (text.size() < length) {
    random.Fill(pool);
    for (const uint8_t byte : pool) {
      if (byte < kFairLimit && text.size() < length) text.push_back(kAlphabet[byte % 62]);
    }
  }
  return text;
}

}  // namespace base
}  // namespace convoy
