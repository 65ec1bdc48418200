// Wipe, by BoringSSL's OPENSSL_cleanse.
#include "lib/crypto/wipe.h"

#include <openssl/mem.h>

#include "lib/crypto/boringssl.h"

namespace convoy::crypto {

void Wipe(std::string& bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace convoy::crypto
