#include "lib/gateway/wake_fd.h"

#include <poll.h>
#include <unistd.h>

#include <thread>

#include <catch2/catch.hpp>

namespace convoy::gateway {
namespace {

bool IsReadable(int fd) {
  pollfd descriptor = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&descriptor, 1, 0) == 1;
}

TEST_CASE("wake_fd: is readable from a signal to the next clear") {
  auto wake = WakeFd::Open(-1);
  REQUIRE(wake.ok());
  CHECK_FALSE(IsReadable((*wake)->fd()));
  (*wake)->Signal();
  (*wake)->Signal();
  CHECK(IsReadable((*wake)->fd()));
  (*wake)->Clear();
  CHECK_FALSE(IsReadable((*wake)->fd()));
  (*wake)->Signal();
  CHECK(IsReadable((*wake)->fd()));
}

TEST_CASE("wake_fd: a watched descriptor counts and is not cleared") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  {
    auto wake = WakeFd::Open(ends[0]);
    REQUIRE(wake.ok());
    REQUIRE(write(ends[1], "x", 1) == 1);
    CHECK(IsReadable((*wake)->fd()));
    (*wake)->Clear();
    CHECK(IsReadable((*wake)->fd()));
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("wake_fd: a descriptor that cannot be watched is an error") {
  CHECK_FALSE(WakeFd::Open(1'000'000).ok());
}

TEST_CASE("wake_fd: no signal is lost between a waiter and a signaller") {
  auto wake = WakeFd::Open(-1);
  REQUIRE(wake.ok());
  constexpr int kRounds = 10'000;
  std::atomic<int> produced = 0;
  std::thread producer([&] {
    for (int i = 0; i < kRounds; ++i) {
      ++produced;
      (*wake)->Signal();
    }
  });
  // Without lost signals the last value is seen without ever running into the patience below.
  int seen = 0;
  while (seen < kRounds) {
    (*wake)->Wait(absl::Seconds(20));
    REQUIRE(IsReadable((*wake)->fd()));
    (*wake)->Clear();
    seen = produced;
  }
  producer.join();
}

}  // namespace
}  // namespace convoy::gateway
