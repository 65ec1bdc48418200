#include "lib/dispatch/dispatcher.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/base/text.h"
#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchProcess;
using testing::DispatchWorld;
using testing::ScriptedTransport;

const RateLimit kUnlimited = {.count = 0, .window = absl::Seconds(1)};

ProjectConfig Unlimited() { return {.rate_limit = kUnlimited}; }

TEST_CASE("dispatcher: a delivery is sent, and what came of it recorded") {
  DispatchWorld world;
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.transport().set_rule([](const OutgoingRequest&) -> std::optional<TransportResult> {
    return TransportResult{.outcome = TransportOutcome::kResponse,
                           .http_status = 201,
                           .headers = {{"X-R", "1"}},
                           .body = "thanks",
                           .remote_ip = "192.0.2.7",
                           .elapsed = absl::Milliseconds(9),
                           .phases = {.tls = absl::Milliseconds(5)}};
  });
  world.Settle();
  const Delivery delivery = world.Get(id);
  CHECK(delivery.status == DeliveryStatus::kSuccess);
  CHECK(delivery.attempts_count == 1);
  const std::vector<Attempt> attempts = world.Attempts(id);
  REQUIRE(attempts.size() == 1);
  CHECK(attempts[0].is_success);
  CHECK(attempts[0].url == "https://a.test/");
  CHECK(attempts[0].http_status == 201);
  CHECK(attempts[0].response_headers == Headers{{"X-R", "1"}});
  CHECK(attempts[0].response_body == "thanks");
  CHECK(attempts[0].remote_ip == "192.0.2.7");
  CHECK(attempts[0].elapsed == absl::Milliseconds(9));
  CHECK(attempts[0].phases == PhaseTimings{.tls = absl::Milliseconds(5)});
  CHECK(attempts[0].error.empty());
  CHECK(world.process->dispatcher.idle());
  CHECK(world.Settle() == absl::InfiniteFuture());  // nothing left to do
}

TEST_CASE("dispatcher: the schedule of retries is kept to the second, and ends in failure") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  const absl::Time begin = world.clock.Now();
  const std::string id = world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(30), 3});
  for (size_t tries = 1; tries <= 2; ++tries) {
    CHECK(world.Settle() == begin + absl::Seconds(30) * tries);
    CHECK(world.transport().sent().size() == tries);
    CHECK(world.Get(id).status == DeliveryStatus::kRetry);
    CHECK(world.Get(id).due_at == begin + absl::Seconds(30) * tries);
    world.clock.Set(begin + absl::Seconds(30) * tries - absl::Microseconds(1));
    world.Settle();
    CHECK(world.transport().sent().size() == tries);
    world.clock.Advance(absl::Microseconds(1));
  }
  CHECK(world.Settle() == absl::InfiniteFuture());
  CHECK(world.Get(id).status == DeliveryStatus::kFailure);
  CHECK(world.Get(id).description == "Retry limit exceeded");
  world.Run(absl::Hours(48));
  CHECK(world.transport().sent().size() == 3);
  CHECK(world.Attempts(id).size() == 3);
}

TEST_CASE("dispatcher: exponential retries wait longer each time") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  const std::string id =
      world.AddDelivery("a", {RetryStrategy::kExponential, absl::Seconds(10), 5});
  absl::Duration wait_min = absl::Seconds(20);
  for (int tries = 1; tries < 5; ++tries, wait_min *= 2) {
    const absl::Time next = world.Settle();
    CHECK(next >= world.clock.Now() + wait_min);
    CHECK(next < world.clock.Now() + wait_min + absl::Seconds(5));
    world.clock.Set(next);
  }
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kFailure);
}

TEST_CASE("dispatcher: a receiver that asks for patience is given it") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule([](const OutgoingRequest&) -> std::optional<TransportResult> {
    return ScriptedTransport::Status(429, {{"Retry-After", "600"}});
  });
  world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(10), 3});
  CHECK(world.Settle() == world.clock.Now() + absl::Seconds(600));
}

TEST_CASE("dispatcher: what this process lacks is not the endpoint's fault") {
  DispatchWorld world({}, {.rate_limit = kUnlimited, .should_disable_endpoint = true});
  world.AddEndpoint("a");
  world.transport().set_rule([](const OutgoingRequest&) -> std::optional<TransportResult> {
    return TransportResult{.outcome = TransportOutcome::kLocalFailure, .error = "no descriptor"};
  });
  const std::string id = world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 1});
  CHECK(world.process->dispatcher.status().last_local_failure_at == absl::InfinitePast());
  world.Run(absl::Minutes(2));
  const size_t tries = world.transport().sent().size();
  CHECK(tries > 20);
  CHECK(tries < 200);
  CHECK(world.Get(id).status == DeliveryStatus::kScheduled);
  CHECK(world.Get(id).attempts_count == 0);
  CHECK(world.Attempts(id).empty());
  CHECK(world.clock.Now() - world.process->dispatcher.status().last_local_failure_at <
        absl::Seconds(5));
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Run(absl::Seconds(5));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.Attempts(id).size() == 1);
}

TEST_CASE("dispatcher: what failed can be sent again by hand, with tries of its own") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  const std::string id = world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 2});
  const auto resend = [&] {
    WriteBatch batch;
    batch.requeues.push_back({.project_id = "P",
                              .delivery_id = id,
                              .from = {DeliveryStatus::kFailure},
                              .due_at = world.clock.Now()});
    const bool is_applied = world.Commit(std::move(batch)).requeues_applied.at(0);
    world.process->dispatcher.Notify();
    return is_applied;
  };
  world.Settle();
  CHECK_FALSE(resend());  // it is to be retried anyway
  world.Run(absl::Seconds(5));
  REQUIRE(world.Get(id).status == DeliveryStatus::kFailure);
  CHECK(resend());
  world.Run(absl::Minutes(5));
  CHECK(world.Get(id).status == DeliveryStatus::kFailure);
  CHECK(world.Attempts(id).size() == 4);
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  CHECK(resend());
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.Attempts(id).size() == 5);
}

TEST_CASE("dispatcher: an endpoint has no more in flight than it may") {
  DispatchWorld world({.in_flight_max = 100, .in_flight_per_endpoint_max = 4}, Unlimited());
  for (const char* name : {"a", "b"}) {
    world.AddEndpoint(name);
    world.EarnSlots(name);
  }
  for (const char* name : {"a", "b"}) {
    for (int i = 0; i < 20; ++i) world.AddDelivery(name);
  }
  const size_t earlier_count = world.transport().sent().size();
  world.transport().set_rule(ScriptedTransport::Hang);
  size_t most_to_one = 0;
  for (int round = 0; round < 200 && world.transport().sent().size() < earlier_count + 40;
       ++round) {
    world.Settle();
    for (const char* name : {"a", "b"}) {
      const size_t count = world.transport().in_flight_count_to(DispatchWorld::UrlOf(name));
      CHECK(count <= 4);
      most_to_one = std::max(most_to_one, count);
    }
    // One of each ends.
    world.transport().set_rule(
        [ended = std::map<std::string, int>()](const OutgoingRequest& request) mutable {
          return ended[request.url]++ == 0 ? std::optional(ScriptedTransport::Status(200))
                                           : std::nullopt;
        });
  }
  CHECK(most_to_one == 4);
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Settle();
  CHECK(world.transport().sent().size() == earlier_count + 40);
  CHECK(world.process->dispatcher.idle());
}

TEST_CASE("dispatcher: there is no more in flight than there may be in all") {
  DispatchWorld world({.in_flight_max = 10, .in_flight_per_endpoint_max = 4}, Unlimited());
  for (int i = 0; i < 30; ++i) {
    const std::string name = absl::StrCat("e", i);
    world.AddEndpoint(name);
    world.AddDelivery(name);
    world.AddDelivery(name);
  }
  world.transport().set_rule(ScriptedTransport::Hang);
  world.Settle();
  CHECK(world.transport().in_flight_count() <= 10);
  CHECK(world.transport().in_flight_count() >= 5);
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Settle();
  CHECK(world.transport().sent().size() == 60);
}

TEST_CASE("dispatcher: an endpoint that hangs, with any backlog, does not hold up the others") {
  DispatchWorld world({.in_flight_max = 64, .in_flight_per_endpoint_max = 4}, Unlimited());
  world.AddEndpoint("dead");
  world.EarnSlots("dead");  // it has not always been
  const size_t earlier_count = world.transport().sent().size();
  for (int i = 0; i < 500; ++i) world.AddDelivery("dead");
  for (int i = 0; i < 200; ++i) {
    world.AddEndpoint(absl::StrCat("e", i));
    world.AddDelivery(absl::StrCat("e", i));
  }
  const std::string dead = DispatchWorld::UrlOf("dead");
  world.transport().set_rule([&](const OutgoingRequest& request) {
    return request.url == dead ? std::nullopt : std::optional(ScriptedTransport::Status(200));
  });
  world.Settle();  // no time passes
  CHECK(world.transport().sent().size() == earlier_count + 204);
  CHECK(world.transport().in_flight_count_to(dead) == 4);
}

TEST_CASE("dispatcher: what is for an inactive endpoint waits until it is activated") {
  DispatchWorld world;
  Endpoint endpoint = world.AddEndpoint("a");
  endpoint.status = EndpointStatus::kInactive;
  world.Put("P", endpoint);
  const std::string id = world.AddDelivery("a");
  const Delivery before = world.Get(id);
  world.Run(absl::Hours(50));
  CHECK(world.Get(id) == before);
  CHECK(world.transport().sent().empty());
  endpoint.status = EndpointStatus::kActive;
  world.Put("P", endpoint);
  world.process->dispatcher.Notify();
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
}

TEST_CASE("dispatcher: what is for a deleted endpoint is discarded untried") {
  DispatchWorld world;
  world.AddEndpoint("deleted");
  const std::string second = world.AddDelivery("deleted");
  WriteBatch batch;
  batch.config.push_back({.scope = "P",
                          .expected_revision = world.store->ConfigRevision("P").value(),
                          .removes = {{ConfigKind::kEndpoint, "deleted"}}});
  world.Commit(std::move(batch));
  world.Settle();
  CHECK(world.Get(second).status == DeliveryStatus::kDiscarded);
  CHECK(world.Get(second).description == "the endpoint was deleted");
  CHECK(world.transport().sent().empty());
}

TEST_CASE("dispatcher: 410 disables the endpoint, and what else is for it waits") {
  DispatchWorld world({.in_flight_per_endpoint_max = 1}, Unlimited());
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(410));
  const std::string first = world.AddDelivery("a");
  world.Settle();
  const std::string second = world.AddDelivery("a");
  world.Settle();
  CHECK(world.Get(first).status == DeliveryStatus::kFailure);
  CHECK(world.Get(second).status == DeliveryStatus::kScheduled);
  CHECK(world.transport().sent().size() == 1);
  CHECK(LoadProject(*world.store, "P")->endpoints.at(0).status == EndpointStatus::kInactive);
  CHECK(world.process->observer.events ==
        std::vector<std::string>{"deliveries to an endpoint fail", "endpoint disabled"});
}

TEST_CASE("dispatcher: exhaustion disables the endpoint where the project says so") {
  for (const bool should_disable : {false, true}) {
    DispatchWorld world({}, {.should_disable_endpoint = should_disable});
    world.AddEndpoint("a");
    world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
    world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 2});
    world.Run(absl::Seconds(10));
    CHECK((LoadProject(*world.store, "P")->endpoints.at(0).status == EndpointStatus::kInactive) ==
          should_disable);
  }
}

TEST_CASE("dispatcher: an endpoint that could not be disabled is not said to be, and is later") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(410));
  world.AddDelivery("a");
  world.process->dispatcher.Step();
  world.process->storage.commit_status = absl::ResourceExhaustedError("disk full");
  world.Settle();
  const std::vector<std::string>& events = world.process->observer.events;
  CHECK(std::count(events.begin(), events.end(), "endpoint was not disabled") >= 1);
  CHECK(std::count(events.begin(), events.end(), "endpoint disabled") == 0);
  world.process->storage.commit_status = absl::OkStatus();
  world.Run(absl::Seconds(3));
  CHECK(std::count(events.begin(), events.end(), "endpoint disabled") == 1);
}

TEST_CASE("dispatcher: a store that has lost itself is asked for no more work") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.AddDelivery("a");
  world.process->storage.commit_status = absl::DataLossError("sync failed");
  world.Settle();
  const int claims_count = world.process->storage.claims_count;
  world.AddDelivery("a");
  world.Run(absl::Hours(1));
  CHECK(world.process->storage.claims_count == claims_count);
  CHECK(world.transport().sent().size() == 1);
}

TEST_CASE("dispatcher: a store that hands nothing out is asked again, but not at once") {
  DispatchWorld world;
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.process->storage.claim_status = absl::UnavailableError("busy");
  world.Run(absl::Seconds(30));
  CHECK(world.process->storage.claims_count >= 25);
  CHECK(world.process->storage.claims_count <= 40);
  world.process->storage.claim_status = absl::OkStatus();
  world.Run(absl::Seconds(1));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
}

TEST_CASE("dispatcher: a dead process's deliveries are taken over when its leases end") {
  DispatchWorld world({.lease = absl::Seconds(60)});
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.transport().set_rule(ScriptedTransport::Hang);
  world.Settle();  // claimed and sent, and then never stepped again
  const auto heir = world.NewProcess();
  heir->Settle(world.clock.Now());
  CHECK(heir->transport.sent().empty());
  world.clock.Advance(absl::Seconds(59));
  heir->Settle(world.clock.Now());
  CHECK(heir->transport.sent().empty());
  world.clock.Advance(absl::Seconds(1));
  heir->dispatcher.Notify();
  heir->Settle(world.clock.Now());
  CHECK(heir->transport.sent().size() == 1);
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);

  // The dead one was only slow: what it has to say comes too late to change anything.
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.Get(id).attempts_count == 1);
  CHECK(world.Attempts(id).size() == 2);
}

TEST_CASE("dispatcher: an attempt ends before its lease does") {
  DispatchWorld world({.lease = absl::Seconds(20)});
  Endpoint endpoint = world.AddEndpoint("a");
  endpoint.timeout = absl::Minutes(10);
  world.Put("P", endpoint);
  world.AddDelivery("a");
  world.Settle();
  REQUIRE(world.transport().sent().size() == 1);
  CHECK(world.transport().sent()[0].timeout < absl::Seconds(20));
  CHECK(world.transport().sent()[0].timeout >= absl::Seconds(15));
}

TEST_CASE("dispatcher: the shortest lease that is allowed still gets deliveries through") {
  DispatchWorld world({.lease = absl::Seconds(1)});
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.transport().sent()[0].timeout >= absl::Milliseconds(500));
}

TEST_CASE("dispatcher: one that waited for its lane has as much time as one that did not") {
  DispatchWorld world({.in_flight_per_endpoint_max = 4, .lease = absl::Seconds(60)}, Unlimited());
  Endpoint endpoint = world.AddEndpoint("a");
  endpoint.timeout = absl::Seconds(30);
  world.Put("P", endpoint);
  for (int i = 0; i < 12; ++i) world.AddDelivery("a");
  int answered_count = 0;
  // The first answers at once, which makes the store hand out more than there is room for; the
  // others take as long as they may.
  world.transport().set_rule([&](const OutgoingRequest&) {
    return answered_count++ == 0 ? std::optional(ScriptedTransport::Status(200)) : std::nullopt;
  });
  for (int round = 0; round < 10; ++round) {
    world.Settle();
    world.clock.Advance(absl::Seconds(29));
    world.transport().set_rule([&](const OutgoingRequest&) {
      return ++answered_count % 2 == 0 ? std::optional(ScriptedTransport::Status(200))
                                       : std::nullopt;
    });
  }
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Run(absl::Minutes(10));
  CHECK(world.transport().sent().size() >= 12);
  for (const OutgoingRequest& request : world.transport().sent()) {
    CHECK(request.timeout == absl::Seconds(30));
  }
}

TEST_CASE("dispatcher: closing gives back what it has, as it was") {
  DispatchWorld world({.in_flight_per_endpoint_max = 4}, Unlimited());
  world.AddEndpoint("a");
  world.EarnSlots("a");
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(world.AddDelivery("a"));
  world.transport().set_rule(ScriptedTransport::Hang);
  world.Settle();
  CHECK_FALSE(world.process->dispatcher.idle());
  world.process->dispatcher.Drain();
  world.Settle();
  CHECK(world.transport().in_flight_count() == 4);  // it goes on
  world.process->dispatcher.Abandon();
  world.process->commits.Drain();
  CHECK(world.process->dispatcher.idle());
  for (const std::string& id : ids) {
    CHECK(world.Get(id).status == DeliveryStatus::kScheduled);
    CHECK(world.Get(id).attempts_count == 0);
    CHECK(world.Attempts(id).empty());
  }
  // No process has to wait for a lease to end.
  const auto heir = world.NewProcess();
  heir->Settle(world.clock.Now());
  CHECK(heir->transport.sent().size() == 12);
}

TEST_CASE("dispatcher: one that drains finishes what it has and takes nothing new") {
  DispatchWorld world;
  world.AddEndpoint("a");
  const std::string first = world.AddDelivery("a");
  world.transport().set_rule(ScriptedTransport::Hang);
  world.Settle();
  world.process->dispatcher.Drain();
  const std::string second = world.AddDelivery("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Run(absl::Hours(1));
  CHECK(world.Get(first).status == DeliveryStatus::kSuccess);
  CHECK(world.Get(second).status == DeliveryStatus::kScheduled);
  CHECK(world.process->dispatcher.idle());
}

TEST_CASE("dispatcher: an attempt is recorded without the endpoint's credentials") {
  DispatchWorld world;
  for (const EndpointAuth& auth : {EndpointAuth(ApiKeyAuth{"X-Secret-Key", "hunter2"}),
                                   EndpointAuth(BasicAuth{"user", "hunter2"})}) {
    const std::string name = absl::StrCat("e", auth.index());
    Endpoint endpoint = world.AddEndpoint(name);
    endpoint.auth = auth;
    world.Put("P", endpoint);
    const std::string id = world.AddDelivery(name);
    world.Settle();
    const char* header = auth.index() == 1 ? "X-Secret-Key" : "Authorization";
    const OutgoingRequest& sent = world.transport().sent().back();
    CHECK(base::FindHeader(sent.headers, header) ==
          (auth.index() == 1 ? "hunter2" : "Basic dXNlcjpodW50ZXIy"));
    const std::vector<Attempt> attempts = world.Attempts(id);
    REQUIRE(attempts.size() == 1);
    CHECK(base::FindHeader(attempts[0].request_headers, header) == "[redacted]");
    for (const Header& recorded : attempts[0].request_headers) {
      CHECK(recorded.value.find("hunter2") == std::string::npos);
      CHECK(recorded.value.find("dXNlcjpodW50ZXIy") == std::string::npos);
    }
  }
}

TEST_CASE("dispatcher: a request that cannot be built is a failed try that says why") {
  DispatchWorld world({.in_flight_per_endpoint_max = 2}, Unlimited());
  Endpoint endpoint = world.AddEndpoint("a");
  endpoint.auth = ApiKeyAuth{"Transfer-Encoding", "chunked"};
  world.Put("P", endpoint);
  std::vector<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    ids.push_back(world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 2}));
  }
  world.Run(absl::Seconds(10));
  for (const std::string& id : ids) {
    CHECK(world.Get(id).status == DeliveryStatus::kFailure);
    const std::vector<Attempt> attempts = world.Attempts(id);
    REQUIRE(attempts.size() == 2);
    CHECK(attempts[0].error ==
          "the header 'Transfer-Encoding' cannot be set: it belongs to the connection");
  }
  CHECK(world.transport().sent().empty());
  CHECK(world.process->dispatcher.idle());
}

TEST_CASE("dispatcher: what it has done and has at hand is counted") {
  DispatchWorld world({.in_flight_per_endpoint_max = 4}, Unlimited());
  world.AddEndpoint("a");
  world.EarnSlots("a");
  for (int i = 0; i < 10; ++i) world.AddDelivery("a");
  const dispatch::Dispatcher& dispatcher = world.process->dispatcher;
  const auto attempts_of = [&](Outcome outcome) {
    return dispatcher.status().attempts[static_cast<size_t>(outcome)];
  };
  // Nothing comes back from one of the two.
  world.transport().set_rule([](const OutgoingRequest& request) -> std::optional<TransportResult> {
    if (request.url == DispatchWorld::UrlOf("a")) return std::nullopt;
    return TransportResult{.outcome = TransportOutcome::kResponse, .http_status = 200};
  });
  world.Settle();
  CHECK(dispatcher.status().in_flight == 4);
  CHECK(attempts_of(Outcome::kDelivered) == 8);
  world.AddEndpoint("b");
  world.AddDelivery("b");
  world.Settle();
  CHECK(attempts_of(Outcome::kDelivered) == 9);
  world.process->dispatcher.Abandon();
  world.process->commits.Drain();
  CHECK(dispatcher.status().in_flight == 0);
  CHECK(dispatcher.status().waiting == 0);
  CHECK(attempts_of(Outcome::kCancelled) == 0);  // they were given back
  const auto attempts = dispatcher.status().attempts;
  CHECK(std::accumulate(attempts.begin(), attempts.end(), uint64_t{0}) == 9);
}

TEST_CASE("dispatcher: claims that failed are counted") {
  DispatchWorld world;
  CHECK(world.process->dispatcher.status().failed_claims == 0);
  world.process->storage.claim_status = absl::UnavailableError("gone");
  world.Settle();
  CHECK(world.process->dispatcher.status().failed_claims == 1);
}

TEST_CASE("dispatcher: news wake the driver") {
  DispatchWorld world;
  int wakes_count = 0;
  world.process->dispatcher.set_wake([&] { ++wakes_count; });
  world.AddEndpoint("a");
  world.AddDelivery("a");
  CHECK(wakes_count == 1);
  world.Settle();
  CHECK(wakes_count >= 3);  // also the answers of the store: to the claim, and to the outcome
  wakes_count = 0;
  world.Settle();
  CHECK(wakes_count == 0);
}
TEST_CASE("dispatcher: the last claim on a shared store asks for nothing") {
  const bool is_shared = GENERATE(false, true);
  DispatchWorld world;
  world.AddEndpoint("e");
  world.process->storage.is_shared = is_shared;
  world.AddDelivery("e");
  world.Settle();
  CHECK(world.process->storage.empty_claims_count == 0);
  world.process->dispatcher.Drain();
  for (int i = 0; i < 3; ++i) {
    world.AddDelivery("e");
    world.Settle();
  }
  CHECK(world.process->storage.empty_claims_count == (is_shared ? 1 : 0));
}

}  // namespace
}  // namespace convoy::dispatch
