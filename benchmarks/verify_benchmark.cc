// Verification of a signed body of 1 KiB against bare BoringSSL HMAC-SHA256 of the same bytes, in
// turns, so that both see the same machine. Prints one line of JSON; counts heap allocations.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "openssl/hmac.h"

#include "benchmarks/common.h"
#include "convoy/verifier.h"

namespace {
std::atomic<uint64_t> allocations_count = 0;
}  // namespace

void* operator new(size_t size) {
  allocations_count.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace benchmarks {
namespace {

constexpr std::string_view kSecret = "a secret of thirty-two characters";
constexpr int kRounds = 15;
constexpr int kCallsPerRound = 20'000;

template <typename Call>
double NanosecondsPerCall(const Call& call) {
  const auto start = std::chrono::steady_clock::now();
  for (int number = 0; number < kCallsPerRound; ++number) call();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count() / kCallsPerRound;
}

std::array<uint8_t, 32> Mac(const std::string& body) {
  std::array<uint8_t, 32> mac;
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret.data(), kSecret.size(), reinterpret_cast<const uint8_t*>(body.data()),
       body.size(), mac.data(), &size);
  return mac;
}

void Run() {
  const std::string body = BodyOf1KiB();
  const auto mac = Mac(body);
  const std::string signature =
      absl::StrCat("sha256=", absl::BytesToHexString(std::string_view(
                                  reinterpret_cast<const char*>(mac.data()), mac.size())));
  const auto verifier = convoy::CompilePreset("github", {std::string(kSecret)});
  if (!verifier.ok()) Die(verifier.status().ToString());
  // As a real request has them: the one that counts is not the first.
  const std::vector<convoy::HeaderView> headers = {
      {"Host", "hooks.example.com"},        {"User-Agent", "sender"},
      {"Content-Type", "application/json"}, {"Content-Length", "1024"},
      {"X-GitHub-Event", "push"},           {"X-Hub-Signature-256", signature}};
  const convoy::VerifyRequest request{
      .method = "POST", .path = "/ingest/x", .headers = headers, .body = body};
  const absl::Time now = absl::Now();

  // The least of many short rounds is what the code costs; the rest is what the machine was doing.
  double ours = 1e18, bare = 1e18;
  uint64_t allocations = 0;
  volatile bool is_accepted = true;
  volatile uint8_t sink = 0;
  for (int round = 0; round < kRounds; ++round) {
    bare = std::min(bare, NanosecondsPerCall([&] { sink = Mac(body)[0]; }));
    const uint64_t before = allocations_count;
    ours = std::min(ours, NanosecondsPerCall([&] {
                      is_accepted = is_accepted && (*verifier)->Verify(request, now).accepted();
                    }));
    allocations = allocations_count - before;
  }
  if (!is_accepted) Die("a genuine request was refused");
  std::printf("{\"verify_ns\":%.0f,\"bare_hmac_ns\":%.0f,\"allocations_per_call\":%.3f}\n", ours,
              bare, static_cast<double>(allocations) / kCallsPerRound);
}

}  // namespace
}  // namespace benchmarks

int main() { benchmarks::Run(); }
