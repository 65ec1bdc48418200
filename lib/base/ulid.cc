// ULID generation: 48 bits of Unix milliseconds, then 80 random bits, in Crockford's base 32.
// Within one millisecond the random part counts up, so the order of ids is the order of creation.
#include "lib/base/ulid.h"

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace convoy::base {
namespace {

constexpr size_t kUlidSize = 26;
constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// Adds one to a big-endian number; false if it overflowed.
bool Increment(std::array<uint8_t, 10>& number) {
  for (auto byte = number.rbegin(); byte != number.rend(); ++byte) {
    if (++*byte != 0) return true;
  }
  return false;
}

std::string Encode(uint64_t milliseconds, const std::array<uint8_t, 10>& random) {
  std::string text(kUlidSize, '0');
  for (int i = 9; i >= 0; --i, milliseconds >>= 5) text[i] = kCrockford[milliseconds & 31];
  size_t position = 10;
  uint32_t bits = 0;
  int bits_count = 0;
  for (const uint8_t byte : random) {
    bits = bits << 8 | byte;
    for (bits_count += 8; bits_count >= 5;) {
      bits_count -= 5;
      text[position++] = kCrockford[bits >> bits_count & 31];
    }
  }
  return text;
}

}  // namespace

bool IsUlid(std::string_view text) {
  return text.size() == kUlidSize && text[0] <= '7' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return kCrockford.find(c) != std::string_view::npos; });
}

std::string LeastUlidAt(absl::Time time) {
  constexpr int64_t kMost = (int64_t{1} << 48) - 1;
  const int64_t milliseconds = std::clamp<int64_t>(absl::ToUnixMillis(time), 0, kMost);
  return Encode(static_cast<uint64_t>(milliseconds), {});
}

std::string UlidGenerator::Next() {
  const int64_t now_ms = absl::ToUnixMillis(clock_->Now());
  absl::MutexLock lock(&mutex_);
  if (now_ms > last_ms_) {
    last_ms_ = now_ms;
    random_->Fill(last_random_);
  } else if (!Increment(last_random_)) {
    // 2^80 ids in a millisecond do not happen, but a start value close to the end may.
    ++last_ms_;
    random_->Fill(last_random_);
  }
  return Encode(static_cast<uint64_t>(last_ms_), last_random_);
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

}  // namespace convoy::base
