// Window of requests that begin: who has room, and who leaves it.
#include "lib/transport/curl/begin_window.h"

#include <vector>

#include <catch2/catch.hpp>

namespace convoy::transport {
namespace {

constexpr int64_t kStart = 1'000'000'000;

std::vector<uint64_t> Fill(BeginWindow& window, int64_t now_ns) {
  std::vector<uint64_t> tickets;
  for (size_t i = 0; i < BeginWindow::kSize; ++i) {
    REQUIRE(window.has_room(now_ns));
    tickets.push_back(window.OnBegin(now_ns));
  }
  return tickets;
}

TEST_CASE("begin_window: a full window has room for each request that ends") {
  BeginWindow window;
  const std::vector<uint64_t> tickets = Fill(window, kStart);
  REQUIRE_FALSE(window.has_room(kStart));
  window.OnEnd(tickets[3]);
  REQUIRE(window.has_room(kStart));
  window.OnBegin(kStart);
  CHECK_FALSE(window.has_room(kStart));
}

TEST_CASE("begin_window: requests without an answer hold others back for a moment only") {
  BeginWindow window;
  Fill(window, kStart);
  CHECK_FALSE(window.has_room(kStart + BeginWindow::kPatienceNs - 1));
  CHECK(window.opens_at_ns() == kStart + BeginWindow::kPatienceNs);
  // A whole window begins then.
  Fill(window, window.opens_at_ns());
  CHECK_FALSE(window.has_room(kStart + BeginWindow::kPatienceNs));
}

TEST_CASE("begin_window: the end of one that has left the window makes no room") {
  BeginWindow window;
  const std::vector<uint64_t> slow = Fill(window, kStart);
  const int64_t later = window.opens_at_ns();
  const std::vector<uint64_t> young = Fill(window, later);
  for (const uint64_t ticket : slow) window.OnEnd(ticket);
  CHECK_FALSE(window.has_room(later));
  window.OnEnd(young.front());
  CHECK(window.has_room(later));
}

}  // namespace
}  // namespace convoy::transport
