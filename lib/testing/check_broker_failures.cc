// Checks of a broker's errors when it cannot read. The kind of error decides how the gateway shows
// it and how it goes on, so it must be right; the text goes to operators, so it must be one line
// without secrets.
#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"

#include "lib/testing/broker_requirements.h"

namespace convoy::testing {
namespace {

// The first error of opening and then polling `source`, within the patience of the suite.
absl::Status FirstError(BrokerBench& bench, const Source& source,
                        const BrokerEnvironment& environment) {
  const auto consumer = bench.broker().Open(source, absl::StrCat(source.id, "-1"), environment);
  if (!consumer.ok()) return consumer.status();
  const absl::Time deadline = environment.clock->Now() + kBenchPatience;
  while (environment.clock->Now() < deadline) {
    const auto polled = (*consumer)->Poll({}, absl::Seconds(1));
    if (!polled.ok()) return polled.status();
  }
  return absl::OkStatus();
}

struct SecretsOf {
  std::vector<std::string> operator()(std::monostate) const { return {}; }
  std::vector<std::string> operator()(const SqsConfig& sqs) const { return {sqs.secret_key}; }
  std::vector<std::string> operator()(const GooglePubSubConfig& google) const {
    return {google.service_account};
  }
  std::vector<std::string> operator()(const KafkaConfig& kafka) const { return {kafka.password}; }
  std::vector<std::string> operator()(const AmqpConfig& amqp) const { return {amqp.password}; }
  std::vector<std::string> operator()(const OutboxConfig&) const { return {}; }
};

void ExpectFitForOperators(Expectations& expect, const absl::Status& error, const Source& source) {
  const std::string_view text = error.message();
  CONVOY_EXPECT(!text.empty());
  CONVOY_EXPECT(text.find('\n') == std::string_view::npos);
  for (const std::string& secret : std::visit(SecretsOf(), source.broker)) {
    // Very short ones are part of any text.
    CONVOY_EXPECT(secret.size() < 4 || text.find(secret) == std::string_view::npos);
  }
}

void CheckCredentials(Expectations& expect, BrokerBench& bench) {
  const Source right = CONVOY_VALUE(bench.NewQueue());
  const Source wrong = CONVOY_VALUE(bench.SpoilCredentials(right));
  const absl::Status error = FirstError(bench, wrong, bench.environment());
  CONVOY_EXPECT(absl::IsUnauthenticated(error) || absl::IsPermissionDenied(error));
  ExpectFitForOperators(expect, error, wrong);
}

void CheckQueueName(Expectations& expect, BrokerBench& bench) {
  const Source right = CONVOY_VALUE(bench.NewQueue());
  const Source wrong = CONVOY_VALUE(bench.SpoilQueueName(right));
  const absl::Status error = FirstError(bench, wrong, bench.environment());
  CONVOY_EXPECT(absl::IsNotFound(error));
  ExpectFitForOperators(expect, error, wrong);
}

void CheckAddress(Expectations& expect, BrokerBench& bench) {
  const Source right = CONVOY_VALUE(bench.NewQueue());
  const Source wrong = CONVOY_VALUE(bench.SpoilAddress(right));
  const absl::Status error = FirstError(bench, wrong, bench.environment());
  CONVOY_EXPECT(absl::IsUnavailable(error));
  ExpectFitForOperators(expect, error, wrong);
}

void CheckGuard(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  BrokerEnvironment environment = bench.environment();
  environment.allowed_networks.clear();
  const absl::Status error = FirstError(bench, source, environment);
  CONVOY_EXPECT(absl::IsPermissionDenied(error));
  ExpectFitForOperators(expect, error, source);
}

void CheckRestart(Expectations& expect, BrokerBench& bench) {
  constexpr int kCount = 20;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, kCount));
  auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages before = CONVOY_VALUE(PollFor(bench, *consumer, kCount));
  CONVOY_REQUIRE(before.size() == kCount);
  const absl::Status restarted = bench.RestartServer();
  CONVOY_REQUIRE_OK(restarted);

  // As the gateway does it: after an error a new consumer, until everything is there.
  Messages after;
  Clock& clock = *bench.environment().clock;
  const absl::Time deadline = clock.Now() + kBenchPatience + bench.traits().redelivery_max;
  consumer.reset();
  while (after.size() < kCount && clock.Now() < deadline) {
    if (consumer == nullptr) {
      auto opened = OpenConsumer(bench, source);
      if (opened.ok()) consumer = *std::move(opened);
    }
    const absl::StatusOr<Messages> some =
        consumer != nullptr ? consumer->Poll({}, absl::Milliseconds(500)) : Messages();
    if (some.ok()) {
      after.insert(after.end(), some->begin(), some->end());
    } else {
      consumer.reset();
      after.clear();  // they come again, none was acknowledged
    }
    if (consumer == nullptr) absl::SleepFor(absl::Milliseconds(200));
  }
  CONVOY_EXPECT_SAME(SortedBodiesOf(after), Numbers(0, kCount));
}

constexpr auto kMaySpoil = [](BrokerBench& bench,
                              absl::StatusOr<Source> (BrokerBench::*spoil)(Source)) {
  const absl::StatusOr<Source> source = bench.NewQueue();
  return !source.ok() || !absl::IsUnimplemented((bench.*spoil)(*source).status());
};

constexpr BrokerRequirement kRequirements[] = {
    {"wrong credentials are unauthenticated or permission denied", CheckCredentials,
     [](BrokerBench& bench) { return kMaySpoil(bench, &BrokerBench::SpoilCredentials); }},
    {"a queue that does not exist is not found", CheckQueueName,
     [](BrokerBench& bench) { return kMaySpoil(bench, &BrokerBench::SpoilQueueName); }},
    {"a server that is not there is unavailable", CheckAddress,
     [](BrokerBench& bench) { return kMaySpoil(bench, &BrokerBench::SpoilAddress); }},
    {"an address that the guard denies is permission denied", CheckGuard,
     [](BrokerBench& bench) { return bench.traits().has_addresses; }},
    {"what was not acknowledged is there after the server restarted", CheckRestart,
     [](BrokerBench& bench) { return bench.traits().may_restart; }},
};

}  // namespace

std::span<const BrokerRequirement> BrokerFailureRequirements() { return kRequirements; }

}  // namespace convoy::testing
