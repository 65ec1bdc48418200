// Decoding of content codings (RFC 9110, 8.4), to look into a body. The stored, verified and
// forwarded bytes stay as they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace convoy::body {

enum class DecodeResult : uint8_t {
  kPlain,    // nothing to undo: the body is as it is
  kDecoded,  // see `out`
  kUnknown,  // a coding that is not known here: zstd, compress, …
  kDamaged,
  kTooLarge,
};

// Undoes what a Content-Encoding header says, at most two codings: gzip, deflate, br (where
// brotli is built in), identity. With `bytes_max` bytes it stops.
//
// A body that says gzip and is not is taken as it is: a proxy has unpacked it and left the header.
// So is one that says br, is no brotli stream and begins as JSON does: brotli has no magic number.
// Under the name deflate both the zlib format and the bare one are read, because both are sent.
DecodeResult DecodeContent(std::string_view content_encoding, std::string_view body,
                           size_t bytes_max, std::string* out);

}  // namespace convoy::body
