// Shared cases of the live tests of several adapters.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/brokers/live_bench.h"

namespace convoy::testing {

// The conformance suite, with what failed and what the bench cannot show.
inline void CheckConformance(BrokerBench& bench, size_t requirements_min) {
  const ConformanceReport report = CheckBroker(bench);
  for (const ConformanceFailure& failure : report.failures) {
    FAIL_CHECK(failure.requirement << ": " << failure.detail);
  }
  for (const std::string& skipped : report.skipped) WARN("skipped: " << skipped);
  CHECK(report.checked.size() >= requirements_min);
}

// Polls until `count` messages have come.
inline std::vector<BrokerMessage> PollUntil(BrokerConsumer& consumer, size_t count) {
  std::vector<BrokerMessage> all;
  for (int tries_left = 30; all.size() < count && tries_left > 0; --tries_left) {
    auto some = consumer.Poll(PollLimits(), absl::Seconds(2));
    REQUIRE(some.ok());
    for (BrokerMessage& message : *some) all.push_back(std::move(message));
  }
  return all;
}

inline absl::StatusOr<std::unique_ptr<BrokerConsumer>> OpenAt(BrokerBench& bench,
                                                              const Source& source) {
  return bench.broker().Open(source, source.id + "-1", bench.environment());
}

// A consumer that goes away in the middle of a long poll takes no message along for longer than one
// may stay away.
inline void CheckAbandonedPoll(LiveBench& bench) {
  const Source source = bench.NewQueue().value();
  auto consumer = OpenAt(bench, source).value();
  REQUIRE(consumer->Poll({}, absl::Milliseconds(300)).value().empty());
  consumer.reset();
  const BenchMessage messages[] = {{.body = "a"}};
  REQUIRE(bench.Publish(source, messages).ok());
  consumer = OpenAt(bench, source).value();
  const auto got = PollUntil(*consumer, 1);  // polls for longer than that
  REQUIRE(got.size() == 1);
  CHECK(consumer->Acknowledge(got).ok());
}

// Thousands of messages, acknowledged as they come: each comes once.
inline void CheckThousands(LiveBench& bench) {
  constexpr size_t kCount = 3000;
  const Source source = bench.NewQueue().value();
  std::vector<BenchMessage> messages;
  for (size_t i = 0; i < kCount; ++i) messages.push_back({.body = absl::StrCat(i)});
  REQUIRE(bench.Publish(source, messages).ok());
  auto consumer = OpenAt(bench, source).value();
  std::set<std::string> bodies;
  while (bodies.size() < kCount) {
    const auto some = PollUntil(*consumer, 1);
    REQUIRE_FALSE(some.empty());
    REQUIRE(consumer->Acknowledge(some).ok());
    for (const BrokerMessage& message : some) bodies.insert(message.body);
  }
  consumer.reset();  // acknowledgements may go on until then
  CHECK(bench.Left(source).value() == 0);
}

}  // namespace convoy::testing
