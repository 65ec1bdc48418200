// Hashes of dedupe keys, cut from their SHA-256.
#include "lib/storage/key_hash.h"

#include <algorithm>

#include "lib/crypto/digest.h"

namespace convoy::storage {

KeyHash HashOf(std::string_view key) {
  const crypto::Digest digest = crypto::Hash(crypto::HashAlgorithm::kSha256, key);
  KeyHash hash;
  std::copy_n(digest.view().begin(), hash.size(), hash.begin());
  return hash;
}

}  // namespace convoy::storage
