// Decompression of brotli streams (RFC 7932) under a bound, by libbrotlidec where it is built in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/body/content_coding.h"

namespace convoy::body {

// Sets `out` to what `stream`, which has to be one whole stream, holds. kTooLarge: it holds more
// than `bytes_max` bytes. kUnknown: this build has no brotli (CONVOY_BROTLI).
DecodeResult DecodeBrotli(std::string_view stream, size_t bytes_max, std::string* out);

}  // namespace convoy::body
