// Runs the requirements of brokers one after the other, each on a queue of its own, and collects
// what failed.
#include "convoy/testing/broker_conformance.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/base/status_macros.h"
#include "lib/testing/broker_requirements.h"

namespace convoy::testing {
namespace {

absl::Status NotThere() { return absl::UnimplementedError("the bench does not offer this"); }

// Of a message that came again the later one counts: it can be acknowledged.
void Add(BrokerMessage message, bool may_repeat, Messages& all) {
  const auto is_same = [&](const BrokerMessage& other) {
    return may_repeat && other.redelivery_id == message.redelivery_id;
  };
  const auto earlier = std::find_if(all.begin(), all.end(), is_same);
  if (earlier == all.end()) {
    all.push_back(std::move(message));
  } else {
    *earlier = std::move(message);
  }
}

}  // namespace

BrokerBench::~BrokerBench() = default;
absl::StatusOr<Source> BrokerBench::SpoilCredentials(Source) { return NotThere(); }
absl::StatusOr<Source> BrokerBench::SpoilQueueName(Source) { return NotThere(); }
absl::StatusOr<Source> BrokerBench::SpoilAddress(Source) { return NotThere(); }
absl::Status BrokerBench::RemakeQueue(const Source&) { return NotThere(); }
absl::Status BrokerBench::RestartServer() { return NotThere(); }

absl::StatusOr<std::unique_ptr<BrokerConsumer>> OpenConsumer(BrokerBench& bench,
                                                             const Source& source, int number) {
  const std::string consumer_id = absl::StrCat(source.id, "-", number);
  const BrokerEnvironment environment = bench.environment();
  const absl::Time deadline = environment.clock->Now() + kBenchPatience;
  while (true) {
    auto consumer = bench.broker().Open(source, consumer_id, environment);
    // A server that is busy may be unavailable for a moment: as the gateway does it.
    const bool is_final =
        !absl::IsUnavailable(consumer.status()) || environment.clock->Now() > deadline;
    if (is_final) return consumer;
    absl::SleepFor(absl::Milliseconds(200));
  }
}

absl::StatusOr<Messages> PollFor(BrokerBench& bench, BrokerConsumer& consumer, size_t count,
                                 absl::Duration patience) {
  Clock& clock = *bench.environment().clock;
  const absl::Time deadline = clock.Now() + patience;
  Messages all;
  const bool may_repeat = bench.traits().may_repeat;
  for (absl::Time now = clock.Now(); all.size() < count && now < deadline; now = clock.Now()) {
    CONVOY_ASSIGN_OR_RETURN(Messages some,
                            consumer.Poll({}, std::min(deadline - now, absl::Seconds(5))));
    for (BrokerMessage& message : some) Add(std::move(message), may_repeat, all);
  }
  return all;
}

absl::StatusOr<Messages> PollForNothing(BrokerBench& bench, BrokerConsumer& consumer) {
  const absl::Duration patience = std::min(bench.traits().redelivery_max, absl::Seconds(3));
  return PollFor(bench, consumer, 1, patience);
}

absl::Status PublishNumbers(BrokerBench& bench, const Source& source, int count) {
  std::vector<BenchMessage> messages;
  for (int i = 0; i < count; ++i) messages.push_back({.body = absl::StrCat(i)});
  return bench.Publish(source, messages);
}

std::vector<std::string> BodiesOf(std::span<const BrokerMessage> messages) {
  std::vector<std::string> bodies;
  for (const BrokerMessage& message : messages) bodies.push_back(message.body);
  return bodies;
}

std::vector<std::string> SortedBodiesOf(std::span<const BrokerMessage> messages) {
  std::vector<std::string> bodies = BodiesOf(messages);
  std::sort(bodies.begin(), bodies.end());
  return bodies;
}

std::vector<std::string> Numbers(int begin, int end) {
  std::vector<std::string> numbers;
  for (int i = begin; i < end; ++i) numbers.push_back(absl::StrCat(i));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

ConformanceReport CheckBroker(BrokerBench& bench) {
  ConformanceReport report;
  for (const auto group : {BrokerMessageRequirements(), BrokerAcknowledgementRequirements(),
                           BrokerFailureRequirements()}) {
    for (const BrokerRequirement& requirement : group) {
      if (requirement.applies != nullptr && !requirement.applies(bench)) {
        report.skipped.emplace_back(requirement.sentence);
        continue;
      }
      Expectations expect(requirement.sentence);
      requirement.check(expect, bench);
      report.checked.emplace_back(requirement.sentence);
      std::vector<ConformanceFailure> failures = expect.TakeFailures();
      std::move(failures.begin(), failures.end(), std::back_inserter(report.failures));
    }
  }
  return report;
}

}  // namespace convoy::testing
