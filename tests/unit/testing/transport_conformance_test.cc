// The suite for transports against the library's own, and against the same one breaking one rule at
// a time.
#include "convoy/testing/transport_conformance.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "convoy/gateway.h"

namespace convoy::testing {
namespace {

enum class Breach { kNone, kEndsTwice, kEndsInSend, kForgetsTimeout, kRepeats, kDropsHeaders };

class FaultyTransport : public Transport {
 public:
  FaultyTransport(std::unique_ptr<Transport> inner, Breach breach)
      : inner_(std::move(inner)), breach_(breach) {}

  std::string_view name() const override { return "faulty"; }
  void Send(OutgoingRequest request, SendCompletion done) override {
    if (breach_ == Breach::kForgetsTimeout) request.timeout = absl::Seconds(60);
    if (breach_ == Breach::kDropsHeaders) request.headers.clear();
    if (breach_ == Breach::kEndsInSend && !request.url.starts_with("http")) {
      return done({.outcome = TransportOutcome::kInvalidUrl, .may_have_arrived = false});
    }
    OutgoingRequest again = request;
    inner_->Send(std::move(request), [this, done, again](TransportResult result) mutable {
      if (breach_ == Breach::kEndsTwice) done(result);
      if (breach_ == Breach::kRepeats && result.outcome == TransportOutcome::kProtocolError) {
        return inner_->Send(std::move(again), std::move(done));
      }
      done(std::move(result));
    });
  }
  void Step() override { inner_->Step(); }
  int wake_fd() const override { return inner_->wake_fd(); }
  void Cancel() override { inner_->Cancel(); }

 private:
  const std::unique_ptr<Transport> inner_;
  const Breach breach_;
};

class Factory : public TransportFactory {
 public:
  explicit Factory(Breach breach) : breach_(breach) {}
  absl::StatusOr<std::unique_ptr<Transport>> Open() override {
    auto transport = NewCurlTransport({.allowed_networks = {"127.0.0.0/8"}});
    if (!transport.ok()) return transport.status();
    return std::make_unique<FaultyTransport>(*std::move(transport), breach_);
  }

 private:
  const Breach breach_;
};

std::string TextOf(const ConformanceReport& report) {
  std::string text;
  for (const ConformanceFailure& failure : report.failures) {
    text += failure.requirement + "\n    " + failure.detail + "\n";
  }
  return text;
}

TEST_CASE("transport_conformance: the library's own transport passes") {
  Factory factory(Breach::kNone);
  const ConformanceReport report = CheckTransport(factory);
  INFO(TextOf(report));
  CHECK(report.failures.empty());
  CHECK(report.checked.size() == 20);
}

TEST_CASE("transport_conformance: each broken rule is noticed") {
  const std::pair<Breach, std::string_view> breaches[] = {
      {Breach::kEndsTwice, "a completion runs once, and not from within Send"},
      {Breach::kEndsInSend, "a completion runs once, and not from within Send"},
      {Breach::kForgetsTimeout, "an exchange that takes too long times out"},
      {Breach::kRepeats, "a peer that breaks off is a protocol error, and is not asked again"},
      {Breach::kDropsHeaders, "a request arrives as it was given, once"},
  };
  for (const auto& [breach, requirement] : breaches) {
    Factory factory(breach);
    const ConformanceReport report = CheckTransport(factory);
    INFO(requirement << "\n" << TextOf(report));
    CHECK(std::any_of(report.failures.begin(), report.failures.end(),
                      [&](const auto& failure) { return failure.requirement == requirement; }));
  }
}

}  // namespace
}  // namespace convoy::testing
