// The accept path of HMAC schemes does not touch the heap. This file replaces operator new for its
// executable, which is why it has one of its own.
#include <atomic>
#include <cstdlib>
#include <new>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"

namespace {

std::atomic<long> allocations_count = 0;

}  // namespace

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations_count;
  return std::malloc(size);
}
void* operator new(size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
// Not inlined, or the compiler would take free for the wrong counterpart of an operator new that
// is.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace convoy {
namespace {

long CountAllocations(const Verifier& verifier, const VerifyRequest& request, absl::Time now) {
  const long before = allocations_count;
  const bool is_accepted = verifier.Verify(request, now).accepted();
  const long after = allocations_count;
  REQUIRE(is_accepted);
  return after - before;
}

TEST_CASE("allocation: accepting a GitHub webhook allocates nothing") {
  const auto github = CompilePreset("github", {"It's a Secret to Everybody"}).value();
  const std::vector<HeaderView> headers = {
      {"X-Hub-Signature-256",
       "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}};
  CHECK(CountAllocations(*github, {.headers = headers, .body = "Hello, World!"}, absl::Time()) ==
        0);
}

TEST_CASE("allocation: accepting a Standard Webhooks message allocates nothing") {
  const auto verifier =
      CompilePreset("standard_webhooks", {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}).value();
  const std::vector<HeaderView> headers = {
      {"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
      {"webhook-timestamp", "1614265330"},
      {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}};
  CHECK(CountAllocations(*verifier, {.headers = headers, .body = R"({"test": 2432232314})"},
                         absl::FromUnixSeconds(1'614'265'330)) == 0);
}

}  // namespace
}  // namespace convoy
