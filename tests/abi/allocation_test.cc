// Over the C interface, too, the accept path of an HMAC scheme does not touch the heap: neither
// operator new nor malloc, which this program replaces for the whole process.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <convoy.h>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {
std::atomic<long> allocations_count = 0;
}  // namespace

extern "C" void* malloc(size_t size) {
  ++allocations_count;
  return __libc_malloc(size);
}
extern "C" void* calloc(size_t count, size_t size) {
  ++allocations_count;
  return __libc_calloc(count, size);
}
extern "C" void* realloc(void* memory, size_t size) {
  ++allocations_count;
  return __libc_realloc(memory, size);
}
extern "C" void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations_count;
  return __libc_memalign(alignment, size);
}

namespace {

convoy_slice Slice(const char* text) { return {text, std::strlen(text)}; }

struct Example {
  const char* preset;
  const char* secret;
  const char* body;
  int64_t now_us;
  convoy_header headers[4];
  size_t headers_count;
};

const Example kExamples[] = {
    {"github",
     "It's a Secret to Everybody",
     "Hello, World!",
     0,
     {{Slice("Content-Type"), Slice("text/plain")},
      {Slice("X-Hub-Signature-256"),
       Slice("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")}},
     2},
    {"standard_webhooks",
     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
     R"({"test": 2432232314})",
     1'614'265'330'000'000,
     {{Slice("webhook-id"), Slice("msg_p5jXN8AQM9LWM0D4loKWxJek")},
      {Slice("webhook-timestamp"), Slice("1614265330")},
      {Slice("webhook-signature"), Slice("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")}},
     3}};

// How many allocations a thousand acceptances make; -1: the example is not accepted.
long CountAllocations(const Example& example) {
  const convoy_slice secret = Slice(example.secret);
  convoy_verifier* verifier = nullptr;
  if (convoy_verifier_new(example.preset, std::strlen(example.preset), &secret, 1, &verifier,
                          nullptr) != CONVOY_OK) {
    return -1;
  }
  convoy_request request = {};
  request.struct_size = sizeof request;
  request.headers = example.headers;
  request.headers_count = example.headers_count;
  request.body = Slice(example.body);
  convoy_verdict_view view = {};
  view.struct_size = sizeof view;
  bool is_accepted = true;
  const long before = allocations_count;
  for (int i = 0; i < 1000; ++i) {
    is_accepted =
        is_accepted &&
        convoy_verifier_check(verifier, &request, example.now_us, &view, nullptr) == CONVOY_OK &&
        view.is_accepted != 0;
  }
  const long count = allocations_count - before;
  convoy_verifier_free(verifier);
  return is_accepted ? count : -1;
}

}  // namespace

int main() {
  if (allocations_count == 0) {
    // The loader and libstdc++ allocate before main: otherwise nothing is being counted.
    std::puts("the counting allocator is not in use");
    return 1;
  }
  bool is_free_of_allocations = true;
  for (const Example& example : kExamples) {
    const long count = CountAllocations(example);
    std::printf("%s: %ld allocations in 1000 acceptances\n", example.preset, count);
    is_free_of_allocations = is_free_of_allocations && count == 0;
  }
  return is_free_of_allocations ? 0 : 1;
}
