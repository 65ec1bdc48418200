#include "lib/otlp/span_queue.h"

#include <thread>

#include <catch2/catch.hpp>

#include "convoy/clock.h"

namespace convoy::otlp {
namespace {

QueueLimits Limits() {
  return {.spans_max = 10,
          .bytes_max = 100,
          .batch_spans_max = 4,
          .batch_bytes_max = 50,
          .batch_delay = absl::Milliseconds(30)};
}

TEST_CASE("span_queue: what does not fit is refused, by number and by bytes") {
  const auto clock = NewSystemClock();
  SpanQueue few(Limits(), clock.get());
  for (int i = 0; i < 10; ++i) CHECK(few.Put("x"));
  CHECK_FALSE(few.Put("x"));
  CHECK(few.size() == 10);
  SpanQueue large(Limits(), clock.get());
  CHECK(large.Put(std::string(60, 'x')));
  CHECK_FALSE(large.Put(std::string(41, 'x')));
  CHECK(large.Put(std::string(40, 'x')));
  CHECK_FALSE(large.Put("x"));
  large.TakeBatch();
  CHECK(large.Put("x"));
}

TEST_CASE("span_queue: batches are bounded, and one that is larger alone goes alone") {
  const auto clock = NewSystemClock();
  SpanQueue queue(Limits(), clock.get());
  for (int i = 0; i < 6; ++i) CHECK(queue.Put(std::to_string(i)));
  CHECK(queue.TakeBatch() == std::vector<std::string>{"0", "1", "2", "3"});
  CHECK(queue.TakeBatch() == std::vector<std::string>{"4", "5"});
  CHECK(queue.Put(std::string(60, 'x')));
  CHECK(queue.Put("y"));
  CHECK(queue.TakeBatch().size() == 1);
  CHECK(queue.TakeBatch() == std::vector<std::string>{"y"});
}

TEST_CASE("span_queue: a few spans wait for the delay, a whole batch does not") {
  const auto clock = NewSystemClock();
  QueueLimits limits = Limits();
  limits.batch_delay = absl::Milliseconds(200);
  SpanQueue queue(limits, clock.get());
  absl::Time begin = clock->SteadyNow();
  CHECK(queue.Put("x"));
  CHECK(queue.TakeBatch().size() == 1);
  CHECK(clock->SteadyNow() - begin >= absl::Milliseconds(190));
  limits.batch_delay = absl::Hours(1);
  SpanQueue patient(limits, clock.get());
  for (int i = 0; i < 4; ++i) CHECK(patient.Put("x"));
  CHECK(patient.TakeBatch().size() == 4);
}

TEST_CASE("span_queue: closing wakes whatever waits, and gives out what is left") {
  const auto clock = NewSystemClock();
  QueueLimits limits = Limits();
  limits.batch_delay = absl::Hours(1);
  SpanQueue queue(limits, clock.get());
  CHECK(queue.Put("x"));
  std::thread closer([&] { queue.Close(absl::InfiniteFuture()); });
  CHECK(queue.TakeBatch().size() == 1);
  CHECK(queue.TakeBatch().empty());
  queue.Pause(absl::Hours(1));
  CHECK_FALSE(queue.Put("y"));
  CHECK(queue.is_closed());
  closer.join();
}

}  // namespace
}  // namespace convoy::otlp
