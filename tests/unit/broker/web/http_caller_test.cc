#include "lib/broker/web/http_caller.h"

#include <thread>

#include "absl/synchronization/notification.h"
#include <catch2/catch.hpp>

#include "tests/unit/broker/web/scripted_service.h"

namespace convoy::broker {
namespace {

using testing::BrokerFixture;
using testing::Peer;
using testing::ReceivedRequest;
using testing::Receiver;
using OnInterrupt = HttpCaller::OnInterrupt;

OutgoingRequest Get(const std::string& url, absl::Duration timeout = absl::Seconds(30)) {
  return {.method = "GET", .url = url, .timeout = timeout};
}

// Answers once it may.
struct SlowService {
  absl::Notification may_answer;
  Receiver receiver = Receiver([this](Peer& peer) {
    ReceivedRequest request;
    if (!peer.Read(&request)) return;
    may_answer.WaitForNotification();
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  });

  ~SlowService() {
    if (!may_answer.HasBeenNotified()) may_answer.Notify();
  }
};

TEST_CASE("http_caller: a call outlives the patience of a wait") {
  BrokerFixture fixture;
  SlowService service;
  const auto caller = HttpCaller::Open(fixture.env()).value();
  const auto call = caller->Start(Get(service.receiver.url()));
  const auto is_done = [&] { return call->result.has_value(); };
  CHECK_FALSE(caller->Wait(is_done, absl::Milliseconds(20), OnInterrupt::kReturn));
  service.may_answer.Notify();
  REQUIRE(caller->Wait(is_done, absl::Seconds(30), OnInterrupt::kReturn));
  CHECK(call->result->outcome == TransportOutcome::kResponse);
  CHECK(call->result->body == "hi");
}

TEST_CASE("http_caller: an interrupt ends the wait it meets, or the next one, once") {
  BrokerFixture fixture;
  SlowService service;
  const auto caller = HttpCaller::Open(fixture.env()).value();
  const auto call = caller->Start(Get(service.receiver.url()));
  const auto is_done = [&] { return call->result.has_value(); };
  caller->Interrupt();
  CHECK_FALSE(caller->Wait(is_done, absl::InfiniteDuration(), OnInterrupt::kReturn));
  std::thread interrupter([&] { caller->Interrupt(); });
  CHECK_FALSE(caller->Wait(is_done, absl::InfiniteDuration(), OnInterrupt::kReturn));
  interrupter.join();
  service.may_answer.Notify();
  CHECK(caller->Wait(is_done, absl::InfiniteDuration(), OnInterrupt::kReturn));
}

TEST_CASE("http_caller: an acknowledgement is hurried by an interrupt, which the next poll sees") {
  BrokerFixture fixture;
  SlowService service;
  const auto caller = HttpCaller::Open(fixture.env()).value();
  const auto call = caller->Start(Get(service.receiver.url()));
  const auto is_done = [&] { return call->result.has_value(); };
  caller->Interrupt();
  CHECK_FALSE(caller->Wait(is_done, absl::InfiniteDuration(), OnInterrupt::kHurry));
  CHECK_FALSE(caller->Wait(is_done, absl::InfiniteDuration(), OnInterrupt::kReturn));
  caller->Interrupt();
  service.may_answer.Notify();
  CHECK(caller->Wait(is_done, absl::InfiniteDuration(), OnInterrupt::kHurry));
}

TEST_CASE("http_caller: a pause ends by itself, by the deadline, by an interrupt") {
  BrokerFixture fixture;
  const auto caller = HttpCaller::Open(fixture.env()).value();
  const absl::Time begin = fixture.clock().Now();
  CHECK(caller->Pause(begin, begin));
  CHECK(caller->Pause(begin + absl::Milliseconds(20), absl::InfiniteFuture()));
  CHECK_FALSE(caller->Pause(absl::InfiniteFuture(), begin + absl::Milliseconds(40)));
  CHECK(caller->Pause(begin + absl::Hours(24), absl::InfiniteFuture()));  // the clock was set back
  caller->Interrupt();
  CHECK_FALSE(caller->Pause(absl::InfiniteFuture(), absl::InfiniteFuture()));
}

TEST_CASE("http_caller: failures say what to look at, with the codes of broker.h") {
  BrokerFixture fixture;
  const auto status_of = [&](BrokerEnvironment env, const std::string& url) {
    const auto caller = HttpCaller::Open(env).value();
    const auto call = caller->Start(Get(url));
    REQUIRE(caller->Wait([&] { return call->result.has_value(); }, absl::InfiniteDuration(),
                         OnInterrupt::kReturn));
    return TransportFailure(*call->result);
  };
  BrokerEnvironment guarded = fixture.env();
  guarded.allowed_networks.clear();
  CHECK(status_of(guarded, "http://127.0.0.1:9/").code() == absl::StatusCode::kPermissionDenied);
  CHECK(status_of(fixture.env(), "http://127.0.0.1:1/").code() == absl::StatusCode::kUnavailable);
  CHECK(status_of(fixture.env(), "http://no-such-host.invalid/").code() ==
        absl::StatusCode::kUnavailable);
  CHECK(status_of(fixture.env(), "gopher://x/").code() == absl::StatusCode::kInvalidArgument);
  guarded.allowed_networks = {"not a network"};
  CHECK(HttpCaller::Open(guarded).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("http_caller: what a server says becomes one short line") {
  CHECK(OneLine("  all is well \r\nSet-Cookie: x") == "all is well");
  CHECK(OneLine("tab\tand\x01") == "tab and ");
  CHECK(OneLine(std::string(1000, 'x')).size() == 200);
  CHECK(OneLine(std::string(199, 'x') + "\u00e9") == std::string(199, 'x'));
  CHECK(OneLine("\xff\xfe").empty());
}

}  // namespace
}  // namespace convoy::broker
