#include "lib/script/call_queue.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch2/catch.hpp"

namespace convoy::script {
namespace {

constexpr CallQueue::Limits kLimits = {
    .threads = 2, .waiting_per_owner_max = 4, .waiting_max = 6, .steps_max = 1000};

QueuedCall CallOf(std::string owner) { return {.call = {.owner = std::move(owner)}}; }

TEST_CASE("call_queue: the owner that has worked least goes first") {
  CallQueue queue(kLimits);
  for (const char* owner : {"a", "a", "b", "b"}) CHECK_FALSE(queue.Add(CallOf(owner)));
  std::string order;
  for (int i = 0; i < 4; ++i) {
    const QueuedCall call = *queue.Take();
    order += call.call.owner;
    queue.Finish(call, call.call.owner == "a" ? 10 : 3);
  }
  CHECK((order == "abba" || order == "baba" || order == "bbaa"));
}

TEST_CASE("call_queue: the calls of slow owners leave a thread free") {
  CallQueue queue(kLimits);
  for (const char* owner : {"slow", "slower", "quick"}) {
    CHECK_FALSE(queue.Add(CallOf(owner)));
    queue.Finish(*queue.Take(), owner[0] == 'q' ? 1 : 1000);
  }
  for (const char* owner : {"slow", "slower", "slow"}) CHECK_FALSE(queue.Add(CallOf(owner)));
  const QueuedCall running = *queue.Take();
  CHECK(running.is_slow);
  CHECK_FALSE(queue.Add(CallOf("quick")));
  const QueuedCall quick = *queue.Take();
  CHECK(quick.call.owner == "quick");
  queue.Finish(quick, 1);
  queue.Finish(running, 1000);
  CHECK(queue.Take()->is_slow);
}

TEST_CASE("call_queue: an owner that is not known is taken to be slow") {
  CallQueue queue(kLimits);
  CHECK_FALSE(queue.Add(CallOf("quick")));
  queue.Finish(*queue.Take(), 1);
  for (const char* owner : {"new", "other", "quick"}) CHECK_FALSE(queue.Add(CallOf(owner)));
  const QueuedCall first = *queue.Take();
  const QueuedCall second = *queue.Take();
  CHECK(first.is_slow != second.is_slow);
}

TEST_CASE("call_queue: what waits is bounded, of each owner and of all") {
  CallQueue queue(kLimits);
  for (int i = 0; i < 4; ++i) CHECK_FALSE(queue.Add(CallOf("a")));
  CHECK(queue.Add(CallOf("a"))->call.owner == "a");
  for (int i = 0; i < 2; ++i) CHECK_FALSE(queue.Add(CallOf("b")));
  CHECK(queue.Add(CallOf("c")).has_value());
}

TEST_CASE("call_queue: closing ends waiting threads and gives back what waits") {
  CallQueue queue(kLimits);
  bool has_taken = true;
  std::thread waiting([&] { has_taken = queue.Take().has_value(); });
  CHECK(queue.Close().empty());
  waiting.join();
  CHECK_FALSE(has_taken);
  CHECK(queue.Add(CallOf("a")).has_value());
  CallQueue other(kLimits);
  CHECK_FALSE(other.Add(CallOf("a")));
  CHECK(other.Close().size() == 1);
  CHECK_FALSE(other.Take().has_value());
}

}  // namespace
}  // namespace convoy::script
