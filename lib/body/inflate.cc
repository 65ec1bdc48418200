// Codes are canonical, so the number of codes of each length and the symbols in order are enough to
// decode bit by bit. A table over the next nine bits answers for nearly all symbols at once.
#include "lib/body/inflate.h"

#include <algorithm>
#include <array>
#include <span>

namespace convoy::body {
namespace {

constexpr size_t kCodeBitsMax = 15;
constexpr size_t kLiteralsMax = 288;
constexpr size_t kDistancesMax = 32;
constexpr int kBad = -1;

// Bits of a stream, least significant first. Behind its end there are zeros, which must not be
// taken.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  // The next bits, at least 32 of them, as far as there are so many.
  uint64_t Peek() {
    while (count_ <= 56 && position_ < bytes_.size()) {
      bits_ |= uint64_t{static_cast<uint8_t>(bytes_[position_++])} << count_;
      count_ += 8;
    }
    return bits_;
  }

  // False if there are not so many.
  bool Skip(size_t count) {
    if (count > count_) return false;
    bits_ >>= count;
    count_ -= count;
    return true;
  }

  // kBad at the end. At most 16 bits.
  int Take(size_t count) {
    const auto value = static_cast<int>(Peek() & ((uint64_t{1} << count) - 1));
    return Skip(count) ? value : kBad;
  }

  void SkipToByte() { Skip(count_ % 8); }

  // The bytes that have not been taken; only at the border of a byte.
  std::string_view Rest() const { return bytes_.substr(position_ - count_ / 8); }

 private:
  const std::string_view bytes_;
  size_t position_ = 0;
  uint64_t bits_ = 0;
  size_t count_ = 0;
};

class HuffmanCode {
 public:
  // From the length of each symbol's code; 0: the symbol is not used. False if the lengths are
  // those of no code. An incomplete one is a code if it has a single symbol (RFC 1951, 3.2.7).
  bool Build(std::span<const uint8_t> lengths) {
    counts_.fill(0);
    quick_.fill(0);
    for (const uint8_t length : lengths) ++counts_[length];
    counts_[0] = 0;
    size_t used = 0;
    int left = 1;
    std::array<uint16_t, kCodeBitsMax + 2> offsets{};
    std::array<uint16_t, kCodeBitsMax + 2> next_code{};
    for (size_t length = 1; length <= kCodeBitsMax; ++length) {
      left = left * 2 - counts_[length];
      if (left < 0) return false;
      used += counts_[length];
      offsets[length + 1] = static_cast<uint16_t>(offsets[length] + counts_[length]);
      next_code[length + 1] = static_cast<uint16_t>((next_code[length] + counts_[length]) << 1);
    }
    if (left > 0 && used > 1) return false;
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const size_t length = lengths[symbol];
      if (length == 0) continue;
      symbols_[offsets[length]++] = static_cast<uint16_t>(symbol);
      FillQuick(next_code[length]++, length, symbol);
    }
    return true;
  }

  int Decode(BitReader& reader) const {
    uint64_t bits = reader.Peek();
    if (const uint16_t entry = quick_[bits % quick_.size()]; entry != 0) {
      return reader.Skip(entry & 15) ? entry >> 4 : kBad;
    }
    int code = 0, first = 0, index = 0;
    for (size_t length = 1; length <= kCodeBitsMax; ++length, bits >>= 1) {
      code |= static_cast<int>(bits & 1);
      const int count = counts_[length];
      if (code - first < count) {
        return reader.Skip(length) ? symbols_[static_cast<size_t>(index + code - first)] : kBad;
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return kBad;
  }

 private:
  static constexpr size_t kQuickBits = 9;

  // An entry is the symbol and, in its last four bits, the length of its code.
  void FillQuick(size_t code, size_t length, size_t symbol) {
    if (length > kQuickBits) return;
    size_t reversed = 0;
    for (size_t bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1) << (length - 1 - bit);
    for (size_t at = reversed; at < quick_.size(); at += size_t{1} << length) {
      quick_[at] = static_cast<uint16_t>(symbol << 4 | length);
    }
  }

  std::array<uint16_t, kCodeBitsMax + 1> counts_{};
  std::array<uint16_t, kLiteralsMax> symbols_{};
  std::array<uint16_t, size_t{1} << kQuickBits> quick_{};
};

// A length or distance: so much, and what the extra bits say.
struct Range {
  uint16_t base;
  uint8_t extra_bits;
};

constexpr std::array<Range, 29> kLengths = [] {
  std::array<Range, 29> table{};
  uint16_t base = 3;
  for (size_t i = 0; i < 28; ++i) {
    const auto extra = static_cast<uint8_t>(i < 8 ? 0 : i / 4 - 1);
    table[i] = {base, extra};
    base = static_cast<uint16_t>(base + (1 << extra));
  }
  table[28] = {258, 0};
  return table;
}();

constexpr std::array<Range, 30> kDistances = [] {
  std::array<Range, 30> table{};
  uint16_t base = 1;
  for (size_t i = 0; i < 30; ++i) {
    const auto extra = static_cast<uint8_t>(i < 4 ? 0 : i / 2 - 1);
    table[i] = {base, extra};
    base = static_cast<uint16_t>(base + (1 << extra));
  }
  return table;
}();

class Inflater {
 public:
  Inflater(std::string_view stream, size_t bytes_max, std::string* out)
      : reader_(stream), begin_(out->size()), bytes_max_(bytes_max), out_(*out) {}

  InflateResult Run() {
    while (true) {
      const int head = reader_.Take(3);
      if (head == kBad) return InflateResult::kMalformed;
      InflateResult result = InflateResult::kMalformed;
      switch (head >> 1) {
        case 0:
          result = CopyStored();
          break;
        case 1:
          result = UseFixedCodes() ? ReadSymbols() : InflateResult::kMalformed;
          break;
        case 2:
          result = ReadCodes() ? ReadSymbols() : InflateResult::kMalformed;
          break;
        default:
          break;
      }
      if (result != InflateResult::kDone) return result;
      if ((head & 1) != 0) break;
    }
    reader_.SkipToByte();
    return InflateResult::kDone;
  }

  std::string_view Rest() const { return reader_.Rest(); }

 private:
  InflateResult CopyStored() {
    reader_.SkipToByte();
    const int size = reader_.Take(16), check = reader_.Take(16);
    if (size == kBad || check == kBad || size != (~check & 0xFFFF)) {
      return InflateResult::kMalformed;
    }
    for (int i = 0; i < size; ++i) {
      const int byte = reader_.Take(8);
      if (byte == kBad) return InflateResult::kMalformed;
      if (!Push(byte)) return InflateResult::kTooLarge;
    }
    return InflateResult::kDone;
  }

  bool UseFixedCodes() {
    std::array<uint8_t, kLiteralsMax> lengths;
    std::fill_n(lengths.begin(), 144, uint8_t{8});
    std::fill_n(lengths.begin() + 144, 112, uint8_t{9});
    std::fill_n(lengths.begin() + 256, 24, uint8_t{7});
    std::fill_n(lengths.begin() + 280, 8, uint8_t{8});
    std::array<uint8_t, kDistancesMax> distances;
    distances.fill(5);
    return literals_.Build(lengths) && distances_.Build(distances);
  }

  // The codes of a dynamic block, which are themselves coded.
  bool ReadCodes() {
    constexpr uint8_t kOrder[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const int literals = reader_.Take(5), distances = reader_.Take(5), codes = reader_.Take(4);
    if (literals == kBad || distances == kBad || codes == kBad) return false;
    const auto literals_count = static_cast<size_t>(literals) + 257;
    const auto distances_count = static_cast<size_t>(distances) + 1;
    if (literals_count > 286 || distances_count > 30) return false;
    std::array<uint8_t, 19> code_lengths{};
    for (int i = 0; i < codes + 4; ++i) {
      const int length = reader_.Take(3);
      if (length == kBad) return false;
      code_lengths[kOrder[i]] = static_cast<uint8_t>(length);
    }
    HuffmanCode code;
    if (!code.Build(code_lengths)) return false;
    std::array<uint8_t, kLiteralsMax + kDistancesMax> lengths{};
    if (!ReadLengths(code, std::span(lengths).first(literals_count + distances_count))) {
      return false;
    }
    // Without a code for its end a block would have none.
    return lengths[256] != 0 && literals_.Build(std::span(lengths).first(literals_count)) &&
           distances_.Build(std::span(lengths).subspan(literals_count, distances_count));
  }

  bool ReadLengths(const HuffmanCode& code, std::span<uint8_t> lengths) {
    size_t at = 0;
    while (at < lengths.size()) {
      const int symbol = code.Decode(reader_);
      if (symbol == kBad) return false;
      if (symbol < 16) {
        lengths[at++] = static_cast<uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && at == 0) return false;
      const uint8_t repeated = symbol == 16 ? lengths[at - 1] : 0;
      const int more = reader_.Take(symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
      if (more == kBad) return false;
      const size_t count = static_cast<size_t>(more) + (symbol == 18 ? 11 : 3);
      if (count > lengths.size() - at) return false;
      std::fill_n(lengths.begin() + static_cast<ptrdiff_t>(at), count, repeated);
      at += count;
    }
    return true;
  }

  InflateResult ReadSymbols() {
    while (true) {
      const int symbol = literals_.Decode(reader_);
      if (symbol == kBad) return InflateResult::kMalformed;
      if (symbol < 256) {
        if (!Push(symbol)) return InflateResult::kTooLarge;
      } else if (symbol == 256) {
        return InflateResult::kDone;
      } else if (const InflateResult copied = Copy(symbol - 257); copied != InflateResult::kDone) {
        return copied;
      }
    }
  }

  // A piece of what came before; the two may overlap.
  InflateResult Copy(int length_symbol) {
    if (length_symbol >= static_cast<int>(kLengths.size())) return InflateResult::kMalformed;
    const Range length_range = kLengths[static_cast<size_t>(length_symbol)];
    const int length_extra = reader_.Take(length_range.extra_bits);
    const int distance_symbol = distances_.Decode(reader_);
    if (length_extra == kBad || distance_symbol < 0 ||
        distance_symbol >= static_cast<int>(kDistances.size())) {
      return InflateResult::kMalformed;
    }
    const Range distance_range = kDistances[static_cast<size_t>(distance_symbol)];
    const int distance_extra = reader_.Take(distance_range.extra_bits);
    if (distance_extra == kBad) return InflateResult::kMalformed;
    const size_t length = length_range.base + static_cast<size_t>(length_extra);
    const size_t distance = distance_range.base + static_cast<size_t>(distance_extra);
    if (distance > out_.size() - begin_) return InflateResult::kMalformed;
    if (length > bytes_max_ - std::min(bytes_max_, out_.size())) return InflateResult::kTooLarge;
    for (size_t i = 0; i < length; ++i) out_.push_back(out_[out_.size() - distance]);
    return InflateResult::kDone;
  }

  bool Push(int byte) {
    if (out_.size() >= bytes_max_) return false;
    out_.push_back(static_cast<char>(byte));
    return true;
  }

  BitReader reader_;
  HuffmanCode literals_;
  HuffmanCode distances_;
  const size_t begin_;
  const size_t bytes_max_;
  std::string& out_;
};

}  // namespace

InflateResult Inflate(std::string_view& stream, size_t bytes_max, std::string* out) {
  Inflater inflater(stream, bytes_max, out);
  const InflateResult result = inflater.Run();
  if (result == InflateResult::kDone) stream = inflater.Rest();
  return result;
}

}  // namespace convoy::body
