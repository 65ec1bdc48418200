// Verification of a signed body of 1 KiB, in C++ and over the C interface, against bare BoringSSL
// HMAC-SHA256 of the same bytes, in turns, so that all see the same machine; and right signatures
// against wrong ones, which must not be told apart by the time they take. Prints one line of JSON;
// counts heap allocations.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "openssl/hmac.h"

#include "benchmarks/common.h"
#include "capi/convoy.h"
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
constexpr int kRounds = 2'000;
constexpr int kCallsPerRound = 100;

// The least of many short rounds is what the code costs; the rest is what the machine was doing.
class Least {
 public:
  template <typename Call>
  void Measure(const Call& call) {
    const uint64_t before = allocations_count;
    const auto start = std::chrono::steady_clock::now();
    for (int number = 0; number < kCallsPerRound; ++number) call();
    const std::chrono::duration<double, std::nano> elapsed =
        std::chrono::steady_clock::now() - start;
    nanoseconds_ = std::min(nanoseconds_, elapsed.count() / kCallsPerRound);
    allocations_ = static_cast<double>(allocations_count - before) / kCallsPerRound;
  }
  double nanoseconds() const { return nanoseconds_; }
  double allocations() const { return allocations_; }

 private:
  double nanoseconds_ = 1e18;
  double allocations_ = 0;  // of the last round, for each call
};

std::array<uint8_t, 32> Mac(const std::string& body) {
  std::array<uint8_t, 32> mac;
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret.data(), kSecret.size(), reinterpret_cast<const uint8_t*>(body.data()),
       body.size(), mac.data(), &size);
  return mac;
}

// The header of a right signature, or of one that is wrong from the byte `wrong` on (32: nowhere).
std::string SignatureOf(const std::string& body, size_t wrong) {
  std::array<uint8_t, 32> mac = Mac(body);
  for (size_t i = wrong; i < mac.size(); ++i) mac[i] ^= 0x5A;
  return absl::StrCat("sha256=", absl::BytesToHexString(std::string_view(
                                     reinterpret_cast<const char*>(mac.data()), mac.size())));
}

// As a real request has them: the one that counts is not the first.
std::vector<convoy::HeaderView> HeadersWith(const std::string& signature) {
  return {{"Host", "hooks.example.com"},        {"User-Agent", "sender"},
          {"Content-Type", "application/json"}, {"Content-Length", "1024"},
          {"X-GitHub-Event", "push"},           {"X-Hub-Signature-256", signature}};
}

convoy_slice Slice(std::string_view text) { return {text.data(), text.size()}; }

// The same request and verifier behind the C interface.
class CVerifier {
 public:
  CVerifier(const std::vector<convoy::HeaderView>& headers, const std::string& body) {
    const convoy_slice secret = Slice(kSecret);
    if (convoy_verifier_new("github", 6, &secret, 1, &verifier_, nullptr) != CONVOY_OK) {
      Die("there is no verifier behind the C interface");
    }
    for (const auto& header : headers) {
      headers_.push_back({Slice(header.name), Slice(header.value)});
    }
    request_.struct_size = sizeof request_;
    request_.method = Slice("POST");
    request_.path = Slice("/ingest/x");
    request_.headers = headers_.data();
    request_.headers_count = headers_.size();
    request_.body = Slice(body);
    view_.struct_size = sizeof view_;
  }
  ~CVerifier() { convoy_verifier_free(verifier_); }

  bool Check() {
    return convoy_verifier_check(verifier_, &request_, 0, &view_, nullptr) == CONVOY_OK &&
           view_.is_accepted != 0;
  }
  bool Verify() {
    convoy_verdict* verdict = nullptr;
    convoy_verifier_verify(verifier_, &request_, 0, &verdict, nullptr);
    const bool is_accepted = convoy_verdict_is_accepted(verdict) != 0;
    convoy_verdict_free(verdict);
    return is_accepted;
  }

 private:
  convoy_verifier* verifier_ = nullptr;
  std::vector<convoy_header> headers_;
  convoy_request request_ = {};
  convoy_verdict_view view_ = {};
};

void Run() {
  const std::string body = BodyOf1KiB();
  const auto verifier = convoy::CompilePreset("github", {std::string(kSecret)});
  if (!verifier.ok()) Die(verifier.status().ToString());
  const std::string right = SignatureOf(body, 32), wrong = SignatureOf(body, 0),
                    wrong_at_end = SignatureOf(body, 31);
  const auto right_headers = HeadersWith(right), wrong_headers = HeadersWith(wrong),
             wrong_at_end_headers = HeadersWith(wrong_at_end);
  const absl::Time now = absl::Now();
  bool is_right = true;
  const auto judge = [&](const std::vector<convoy::HeaderView>& headers, bool is_good) {
    const convoy::VerifyRequest request{
        .method = "POST", .path = "/ingest/x", .headers = headers, .body = body};
    is_right &= (*verifier)->Verify(request, now).accepted() == is_good;
  };
  CVerifier c_verifier(right_headers, body);

  Least bare, accepted, refused, refused_at_end, checked, verified;
  volatile uint8_t sink = 0;
  for (int round = 0; round < kRounds; ++round) {
    bare.Measure([&] { sink = Mac(body)[0]; });
    accepted.Measure([&] { judge(right_headers, true); });
    refused.Measure([&] { judge(wrong_headers, false); });
    refused_at_end.Measure([&] { judge(wrong_at_end_headers, false); });
    checked.Measure([&] { is_right &= c_verifier.Check(); });
    verified.Measure([&] { is_right &= c_verifier.Verify(); });
  }
  if (!is_right) Die("a request was judged wrongly");
  std::printf(
      "{\"bare_hmac_ns\":%.0f,\"verify_ns\":%.0f,\"allocations_per_call\":%.3f,"
      "\"refuse_ns\":%.0f,\"refuse_at_end_ns\":%.0f,\"c_check_ns\":%.0f,"
      "\"c_check_allocations_per_call\":%.3f,\"c_verify_ns\":%.0f,"
      "\"c_verify_allocations_per_call\":%.3f}\n",
      bare.nanoseconds(), accepted.nanoseconds(), accepted.allocations(), refused.nanoseconds(),
      refused_at_end.nanoseconds(), checked.nanoseconds(), checked.allocations(),
      verified.nanoseconds(), verified.allocations());
}

}  // namespace
}  // namespace benchmarks

int main() { benchmarks::Run(); }
