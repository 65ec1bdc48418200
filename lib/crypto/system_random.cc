// BoringSSL's generator, seeded by the operating system: the one source of real randomness.
#include <openssl/rand.h>

#include "convoy/clock.h"

namespace convoy {
namespace {

class SystemRandom final : public Random {
 public:
  // RAND_bytes of BoringSSL cannot fail: it ends the process rather than give predictable bytes.
  void Fill(std::span<uint8_t> out) override { RAND_bytes(out.data(), out.size()); }
};

}  // namespace

std::unique_ptr<Random> NewSystemRandom() { return std::make_unique<SystemRandom>(); }

}  // namespace convoy
