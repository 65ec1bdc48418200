// The adapter against a real Kafka: the conformance suite, and the ways in.
#include <cstdlib>

#include <catch2/catch.hpp>

#include "tests/brokers/kafka/kafka_bench.h"
#include "tests/brokers/live_cases.h"

namespace convoy::testing {
namespace {

KafkaBench& Bench() { return KafkaBench::Shared(); }

TEST_CASE("kafka: the adapter does what every adapter must do, on one partition") {
  CheckConformance(Bench(), 19);
}

TEST_CASE("kafka: the adapter does what every adapter must do, on several partitions") {
  Bench().set_partitions_count(4);
  CheckConformance(Bench(), 18);
  Bench().set_partitions_count(1);
}

TEST_CASE("kafka: a poll that is given up takes nothing along") { CheckAbandonedPoll(Bench()); }

// Reads one message as `change` of the source wants it.
template <typename Change>
void ExpectToRead(const Change& change) {
  auto source = Bench().NewQueue();
  REQUIRE(source.ok());
  const BenchMessage messages[] = {{.body = "m"}};
  REQUIRE(Bench().Publish(*source, messages).ok());
  change(KafkaOf(*source));
  const auto consumer = MustOpen(*source);
  CHECK(MustPoll(*consumer, 1).front().body == "m");
}

TEST_CASE("kafka: every mechanism lets us in") {
  for (const auto mechanism :
       {SaslMechanism::kPlain, SaslMechanism::kScramSha256, SaslMechanism::kScramSha512}) {
    ExpectToRead([&](KafkaConfig& config) { config.mechanism = mechanism; });
  }
}

TEST_CASE("kafka: a server without authentication is read, too") {
  ExpectToRead([](KafkaConfig& config) {
    config.brokers = {Bench().AddressOf("plain")};
    config.mechanism = SaslMechanism::kNone;
  });
}

TEST_CASE("kafka: TLS is used with the system's authorities, and with no others") {
  const auto use_tls = [](KafkaConfig& config) {
    config.brokers = {Bench().AddressOf("tls")};
    config.has_tls = true;
  };
  SECTION("known") {
    const TestAuthority authority;
    ExpectToRead(use_tls);
  }
  SECTION("unknown") {
    Source source = Bench().NewQueue().value();
    use_tls(KafkaOf(source));
    const auto opened = Bench().broker().Open(source, "1", Bench().environment());
    CHECK(opened.status().code() == absl::StatusCode::kUnavailable);
    CHECK(opened.status().message().find("certificate") != std::string_view::npos);
  }
  SECTION("of another host") {
    const TestAuthority authority;
    Source source = Bench().NewQueue().value();
    use_tls(KafkaOf(source));
    std::string& address = KafkaOf(source).brokers.front();
    address = "localhost" + address.substr(address.find(':'));
    const auto opened = Bench().broker().Open(source, "1", Bench().environment());
    CHECK(opened.status().code() == absl::StatusCode::kUnavailable);
  }
}

}  // namespace
}  // namespace convoy::testing
