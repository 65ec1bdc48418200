// Timer with a file descriptor, for an owner that changes its instant often: libcurl names another
// instant several times in an exchange. The descriptor is set only if it would otherwise wake too
// late; one that wakes too early is set again then. For one thread.
#pragma once

#include <cstdint>
#include <limits>

namespace convoy::transport {

// Of the monotonic clock.
int64_t MonotonicNanoseconds();

class LazyTimer {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  LazyTimer();  // is_open() says whether there is a descriptor; errno, why not
  ~LazyTimer();
  LazyTimer(const LazyTimer&) = delete;
  LazyTimer& operator=(const LazyTimer&) = delete;

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // The instant that counts from now on, in place of what was set before.
  void SetIn(int64_t milliseconds);
  void SetNow() { wanted_ns_ = 0; }
  void Unset() { wanted_ns_ = kNever; }

  // Whether the instant has come.
  bool is_due() const;
  // Whether it came so long ago.
  bool is_overdue(int64_t milliseconds) const;
  // The same; and unsets it then.
  bool TakeDue();

  // Before the owner waits: fd() becomes readable not later than the instant, nor than another one
  // (of the monotonic clock, in nanoseconds) that counts for this wait only.
  void Arm(int64_t other_ns = kNever);

  // To be called when fd() is readable. It then is no more, until the next Arm.
  void Disarm();

 private:
  const int fd_;
  int64_t wanted_ns_ = kNever;  // of the monotonic clock
  int64_t armed_ns_ = kNever;   // when fd_ becomes readable, or became
};

}  // namespace convoy::transport
