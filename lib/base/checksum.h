// Checksums that compressed data and some providers carry. They find accidents, not forgery.
#pragma once

#include <cstdint>
#include <string_view>

namespace convoy::base {

uint32_t Crc32(std::string_view bytes);    // as in gzip, PNG and Ethernet (ISO 3309)
uint32_t Adler32(std::string_view bytes);  // as in zlib streams (RFC 1950)

}  // namespace convoy::base
