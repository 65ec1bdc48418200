// Tests that memory which held a secret is overwritten before it is given back.
#include "lib/crypto/wipe.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "lib/crypto/digest.h"

namespace {

// Bytes of a block of the heap when it was freed. Fixed in size: it is filled within `delete`.
struct FreedBlock {
  std::array<unsigned char, 1024> bytes;
  size_t size = 0;
};

thread_local FreedBlock* watched = nullptr;  // takes the largest block that this thread frees

void Free(void* block, size_t size) noexcept {
  if (watched != nullptr && size > watched->size && size <= watched->bytes.size()) {
    std::memcpy(watched->bytes.data(), block, size);
    watched->size = size;
  }
  std::free(block);
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): the others call these.
void* operator new(size_t size) {
  if (void* const block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t size) noexcept { Free(block, size); }
// NOLINTEND(misc-new-delete-overloads)

namespace convoy::crypto {
namespace {

TEST_CASE("wipe: a text that held a secret is overwritten") {
  std::string secret(64, 's');
  const char* const bytes = secret.data();
  Wipe(secret);
  CHECK(secret.empty());
  CHECK(std::string(bytes, 64) == std::string(64, '\0'));
}

TEST_CASE("wipe: a computation of an HMAC is overwritten at its end") {
  const HmacKey key(HashAlgorithm::kSha256, "a key");
  alignas(Hmac) std::array<unsigned char, sizeof(Hmac)> place;
  Hmac* const hmac = new (place.data()) Hmac(key);
  hmac->Update("a message");
  std::array<unsigned char, 32> state;  // where the digest's state begins
  std::memcpy(state.data(), place.data(), state.size());
  CHECK(state != std::array<unsigned char, 32>{});
  hmac->~Hmac();
  std::memcpy(state.data(), place.data(), state.size());
  CHECK(state == std::array<unsigned char, 32>{});
}

TEST_CASE("wipe: a key of an HMAC is overwritten before its memory is freed") {
  std::optional<HmacKey> key(std::in_place, HashAlgorithm::kSha512, "a key");
  const Digest digest = HmacOf(*key, "a message");
  FreedBlock freed;
  watched = &freed;
  key.reset();
  watched = nullptr;
  REQUIRE(freed.size > digest.view().size());  // two states of a hash
  CHECK(std::all_of(freed.bytes.begin(), freed.bytes.begin() + freed.size,
                    [](unsigned char byte) { return byte == 0; }));

  // The watch sees what is not overwritten.
  auto* const plain = new std::array<unsigned char, 300>;
  plain->fill('s');
  freed = {};
  watched = &freed;
  delete plain;
  watched = nullptr;
  CHECK(freed.size == 300);
  CHECK(freed.bytes.front() == 's');
}

}  // namespace
}  // namespace convoy::crypto
