// Content codings by name, and the frames around DEFLATE streams: gzip (RFC 1952) and zlib
// (RFC 1950), with their checksums.
#include "lib/body/content_coding.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

#include "lib/base/checksum.h"
#include "lib/base/text.h"
#include "lib/body/brotli.h"
#include "lib/body/inflate.h"

namespace convoy::body {
namespace {

constexpr size_t kCodingsMax = 2;
constexpr std::string_view kGzipMagic = "\x1F\x8B";

uint8_t ByteAt(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

uint32_t LittleEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | ByteAt(bytes, i);
  return value;
}

uint32_t BigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | ByteAt(bytes, i);
  return value;
}

DecodeResult ResultOf(InflateResult result) {
  switch (result) {
    case InflateResult::kDone:
      return DecodeResult::kDecoded;
    case InflateResult::kTooLarge:
      return DecodeResult::kTooLarge;
    case InflateResult::kMalformed:
      break;
  }
  return DecodeResult::kDamaged;
}

// Takes off a text that ends with a zero byte.
bool SkipText(std::string_view& bytes) {
  const size_t end = bytes.find('\0');
  if (end == std::string_view::npos) return false;
  bytes.remove_prefix(end + 1);
  return true;
}

// Takes off the header of a gzip member.
bool SkipGzipHeader(std::string_view& bytes) {
  constexpr size_t kFixedBytes = 10;
  constexpr uint8_t kDeflate = 8;
  if (bytes.size() < kFixedBytes || !bytes.starts_with(kGzipMagic) ||
      ByteAt(bytes, 2) != kDeflate) {
    return false;
  }
  const uint8_t flags = ByteAt(bytes, 3);
  const bool has_header_crc = flags & 2, has_extra = flags & 4;
  const bool has_name = flags & 8, has_comment = flags & 16;
  bytes.remove_prefix(kFixedBytes);
  if (has_extra) {
    if (bytes.size() < 2) return false;
    const size_t size = ByteAt(bytes, 0) | size_t{ByteAt(bytes, 1)} << 8;
    if (bytes.size() < size + 2) return false;
    bytes.remove_prefix(size + 2);
  }
  if ((has_name && !SkipText(bytes)) || (has_comment && !SkipText(bytes))) return false;
  if (has_header_crc && bytes.size() < 2) return false;
  bytes.remove_prefix(has_header_crc ? 2 : 0);
  return true;
}

// One or more members. Zeros behind them are padding.
DecodeResult DecodeGzip(std::string_view bytes, size_t bytes_max, std::string* out) {
  constexpr size_t kTrailerBytes = 8;  // checksum and size
  while (!bytes.empty() && bytes.find_first_not_of('\0') != std::string_view::npos) {
    if (!SkipGzipHeader(bytes)) return DecodeResult::kDamaged;
    const size_t begin = out->size();
    const DecodeResult result = ResultOf(Inflate(bytes, bytes_max, out));
    if (result != DecodeResult::kDecoded) return result;
    if (bytes.size() < kTrailerBytes) return DecodeResult::kDamaged;
    const std::string_view member = std::string_view(*out).substr(begin);
    if (LittleEndian(bytes) != base::Crc32(member) ||
        LittleEndian(bytes.substr(4)) != static_cast<uint32_t>(member.size())) {
      return DecodeResult::kDamaged;
    }
    bytes.remove_prefix(kTrailerBytes);
  }
  return DecodeResult::kDecoded;
}

bool HasZlibHeader(std::string_view bytes) {
  return bytes.size() >= 2 && (ByteAt(bytes, 0) & 15) == 8 &&
         (ByteAt(bytes, 0) << 8 | ByteAt(bytes, 1)) % 31 == 0 && (ByteAt(bytes, 1) & 32) == 0;
}

DecodeResult DecodeDeflate(std::string_view bytes, size_t bytes_max, std::string* out) {
  if (!HasZlibHeader(bytes)) return ResultOf(Inflate(bytes, bytes_max, out));
  bytes.remove_prefix(2);
  const DecodeResult result = ResultOf(Inflate(bytes, bytes_max, out));
  if (result != DecodeResult::kDecoded) return result;
  const bool is_whole = bytes.size() >= 4 && BigEndian(bytes) == base::Adler32(*out);
  return is_whole ? DecodeResult::kDecoded : DecodeResult::kDamaged;
}

bool BeginsAsJson(std::string_view body) {
  const std::string_view text = absl::StripLeadingAsciiWhitespace(body);
  return text.starts_with('{') || text.starts_with('[');
}

DecodeResult DecodeBrotliOrPlain(std::string_view body, size_t bytes_max, std::string* out) {
  const DecodeResult result = DecodeBrotli(body, bytes_max, out);
  return result == DecodeResult::kDamaged && BeginsAsJson(body) ? DecodeResult::kPlain : result;
}

bool IsGzip(std::string_view coding) {
  return base::EqualsIgnoreCase(coding, "gzip") || base::EqualsIgnoreCase(coding, "x-gzip");
}

DecodeResult DecodeOne(std::string_view coding, std::string_view body, size_t bytes_max,
                       std::string* out) {
  if (IsGzip(coding)) {
    return body.starts_with(kGzipMagic) ? DecodeGzip(body, bytes_max, out) : DecodeResult::kPlain;
  }
  if (base::EqualsIgnoreCase(coding, "deflate")) return DecodeDeflate(body, bytes_max, out);
  if (base::EqualsIgnoreCase(coding, "br")) return DecodeBrotliOrPlain(body, bytes_max, out);
  return DecodeResult::kUnknown;
}

}  // namespace

DecodeResult DecodeContent(std::string_view content_encoding, std::string_view body,
                           size_t bytes_max, std::string* out) {
  std::vector<std::string_view> codings;
  for (const std::string_view item : absl::StrSplit(content_encoding, ',')) {
    const std::string_view coding = absl::StripAsciiWhitespace(item);
    if (coding.empty() || base::EqualsIgnoreCase(coding, "identity")) continue;
    if (codings.size() == kCodingsMax) return DecodeResult::kUnknown;
    codings.push_back(coding);
  }
  if (body.empty()) return DecodeResult::kPlain;
  DecodeResult result = DecodeResult::kPlain;
  // The one that stands last was applied last.
  for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
    std::string decoded;
    const DecodeResult one =
        DecodeOne(*coding, result == DecodeResult::kDecoded ? *out : body, bytes_max, &decoded);
    if (one == DecodeResult::kPlain) continue;
    if (one != DecodeResult::kDecoded) return one;
    *out = std::move(decoded);
    result = one;
  }
  return result;
}

}  // namespace convoy::body
