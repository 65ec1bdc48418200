// Decompression of DEFLATE streams (RFC 1951) under a bound. Input is a stranger's: whatever it
// says, the output is never larger than the bound, and time is linear in input and output.
//
// Why not zlib: bodies are decompressed to be looked into, which needs a tenth of zlib, and the
// core has no other use for it. A shared zlib would meet the copy that a host has linked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace convoy::body {

enum class InflateResult : uint8_t { kDone, kMalformed, kTooLarge };

// Appends what `stream` holds to `out`, at most until `out` has `bytes_max` bytes. `stream` becomes
// what follows the DEFLATE stream. Distances reach no further back than to the start of this one.
InflateResult Inflate(std::string_view& stream, size_t bytes_max, std::string* out);

}  // namespace convoy::body
