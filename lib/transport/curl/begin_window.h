// Rule of how many requests begin at once: those that are young and have no answer fill a window,
// and while it is full others wait. Where receivers answer at once, few requests are under way
// together then, on few connections, and what they touch stays in the processor's caches. Requests
// of receivers that take their time leave the window without an answer, so they hold no others
// back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convoy::transport {

// For one thread. Instants are nanoseconds of the monotonic clock.
class BeginWindow {
 public:
  // A full window is left behind so long after the last of it has begun.
  static constexpr int64_t kPatienceNs = 1'000'000;
  static constexpr size_t kSize = 16;

  bool has_room(int64_t now_ns) const { return now_ns >= opens_at_ns(); }
  // The instant from which there is room even if no request ends; 0 if there is room already.
  int64_t opens_at_ns() const { return open_count_ < kSize ? 0 : begun_at_ns_ + kPatienceNs; }

  // A request begins, for which there is room. Returns its ticket.
  uint64_t OnBegin(int64_t now_ns) {
    if (open_count_ >= kSize) {
      ++number_;
      open_count_ = 0;
    }
    ++open_count_;
    begun_at_ns_ = now_ns;
    return number_;
  }
  // The request with the ticket is over.
  void OnEnd(uint64_t ticket) {
    if (ticket == number_) --open_count_;
  }

 private:
  uint64_t number_ = 0;    // of the window
  size_t open_count_ = 0;  // of its requests, those that are not over
  int64_t begun_at_ns_ = 0;
};

}  // namespace convoy::transport
