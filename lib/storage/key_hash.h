// Hashes of dedupe keys, as rows hold them: 16 bytes of a key's digest. Keys come in any length,
// and two of one project that differ have the same hash once in 2^64 keys.
#pragma once

#include <array>
#include <string_view>

namespace convoy::storage {

using KeyHash = std::array<char, 16>;
KeyHash HashOf(std::string_view key);

}  // namespace convoy::storage
