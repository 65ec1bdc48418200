// Access tokens: one fetch for all that wait, renewed in time, dropped at a 401.
#include "lib/fetch/access_tokens.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/dispatch/scripted_transport.h"

namespace convoy::fetch {
namespace {

using testing::ScriptedTransport;

constexpr const char* kTokenUrl = "https://login.test/token?tenant=t";
constexpr const char* kEndpointUrl = "https://endpoint.test/";

// A server of tokens ("token 1", "token 2", …) and an endpoint that take what they are given.
class World {
 public:
  World() { transport.set_rule(Rule()); }

  static OAuth2Auth Auth(std::string secret = "s3cret") {
    return {.url = kTokenUrl, .client_id = "id", .client_secret = std::move(secret)};
  }

  void Send(const OAuth2Auth& auth = Auth(), absl::Duration timeout = absl::Seconds(20)) {
    OutgoingRequest request{.url = kEndpointUrl,
                            .headers = {{"authorization", "of the sender"}, {"X-A", "1"}},
                            .timeout = timeout};
    tokens.Send("endpoint", auth, std::move(request),
                [this](TransportResult result) { results.push_back(std::move(result)); });
  }
  // Until nothing ends any more.
  void Settle() {
    while (transport.is_ready()) transport.Step();
  }
  void SendAndSettle() {
    Send();
    Settle();
  }

  size_t fetches_count() const { return transport.sent_count_to(kTokenUrl); }
  // With which each request to the endpoint went out.
  std::vector<std::string> authorizations() const {
    std::vector<std::string> all;
    for (const OutgoingRequest& request : transport.sent()) {
      if (request.url != kEndpointUrl) continue;
      size_t count = 0;
      for (const Header& header : request.headers) {
        if (!base::EqualsIgnoreCase(header.name, "Authorization")) continue;
        all.push_back(header.value);
        ++count;
      }
      CHECK(count == 1);
    }
    return all;
  }

  ScriptedTransport::Rule Rule() {
    return [this](const OutgoingRequest& request) -> std::optional<TransportResult> {
      if (request.url != kTokenUrl) {
        return endpoint_status == 0 ? std::nullopt
                                    : std::optional(ScriptedTransport::Status(endpoint_status));
      }
      if (is_fetch_hanging) return std::nullopt;
      if (fetch_failure.has_value()) return fetch_failure;
      TransportResult result = ScriptedTransport::Status(200);
      result.body =
          absl::StrCat(R"({"access_token":"token-)", ++given_count, R"(","expires_in":600})");
      return result;
    };
  }

  testing::SimClock clock;
  testing::SeededRandom random;
  base::UlidGenerator ulids{&clock, &random};
  ScriptedTransport transport;
  AccessTokens tokens{{}, &transport, &clock, &ulids};
  std::vector<TransportResult> results;
  int given_count = 0;
  int endpoint_status = 200;
  bool is_fetch_hanging = false;
  std::optional<TransportResult> fetch_failure;
};

TEST_CASE("access_tokens: fifty requests wait for one fetch and go out with its token") {
  World world;
  world.is_fetch_hanging = true;
  for (int i = 0; i < 50; ++i) world.Send();
  world.Settle();
  CHECK(world.results.empty());
  CHECK(world.transport.sent().size() == 1);
  world.clock.Advance(absl::Seconds(3));
  world.is_fetch_hanging = false;
  world.transport.set_rule(world.Rule());
  world.Settle();
  REQUIRE(world.results.size() == 50);
  CHECK(world.fetches_count() == 1);
  CHECK(world.authorizations() == std::vector<std::string>(50, "Bearer token-1"));
  for (const TransportResult& result : world.results) {
    CHECK(result.http_status == 200);
    CHECK(result.elapsed == absl::Seconds(3));  // what it waited is part of it
  }
  // Half of the time is the fetch's at most; the wait counts towards the request's own.
  CHECK(world.transport.sent()[0].timeout == absl::Seconds(10));
  CHECK(world.transport.sent()[1].timeout == absl::Seconds(17));
}

TEST_CASE("access_tokens: a token is kept, renewed once before its end, and used meanwhile") {
  World world;
  world.SendAndSettle();
  world.clock.Advance(absl::Seconds(539));
  world.SendAndSettle();
  CHECK(world.fetches_count() == 1);
  world.clock.Advance(absl::Seconds(2));
  world.is_fetch_hanging = true;
  for (int i = 0; i < 10; ++i) world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  CHECK(world.results.size() == 12);
  CHECK(world.authorizations().back() == "Bearer token-1");
  world.is_fetch_hanging = false;
  world.transport.set_rule(world.Rule());
  world.Settle();
  world.SendAndSettle();
  CHECK(world.authorizations().back() == "Bearer token-2");
  CHECK(world.fetches_count() == 2);
}

TEST_CASE("access_tokens: a renewal that fails is tried again later; the token serves to its end") {
  World world;
  world.SendAndSettle();
  world.clock.Advance(absl::Seconds(550));
  world.fetch_failure = ScriptedTransport::Status(500);
  for (int i = 0; i < 10; ++i) world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  world.clock.Advance(absl::Seconds(5));
  world.SendAndSettle();
  CHECK(world.fetches_count() == 3);
  for (const TransportResult& result : world.results) CHECK(result.http_status == 200);
  world.clock.Advance(absl::Seconds(46));  // the token's end
  world.SendAndSettle();
  CHECK(world.results.back().outcome == TransportOutcome::kNoAccessToken);
}

TEST_CASE("access_tokens: a failed fetch ends all that wait, and the next request fetches again") {
  World world;
  TransportResult refusal = ScriptedTransport::Status(401);
  refusal.body = R"({"error":"invalid_client","error_description":"not s3cret"})";
  world.fetch_failure = refusal;
  for (int i = 0; i < 5; ++i) world.Send();
  world.Settle();
  REQUIRE(world.results.size() == 5);
  for (const TransportResult& result : world.results) {
    CHECK(result.outcome == TransportOutcome::kNoAccessToken);
    CHECK(result.http_status == 0);
    CHECK(result.error ==
          "no access token from https://login.test/token: it answered 401 invalid_client");
  }
  CHECK(world.authorizations().empty());  // nothing was sent
  world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  world.fetch_failure.reset();
  world.SendAndSettle();
  CHECK(world.results.back().http_status == 200);
}

TEST_CASE("access_tokens: a request that comes while others fail waits for a fetch of its own") {
  World world;
  world.fetch_failure = ScriptedTransport::Status(500);
  OutgoingRequest request{.url = kEndpointUrl};
  world.tokens.Send("endpoint", World::Auth(), std::move(request), [&](const TransportResult&) {
    world.fetch_failure.reset();
    world.Send();  // as the dispatcher does when a slot is free again
  });
  world.Settle();
  CHECK(world.fetches_count() == 2);
  CHECK(world.authorizations() == std::vector<std::string>{"Bearer token-1"});
}

TEST_CASE("access_tokens: what this process lacks, or ends, is not the server's fault") {
  World world;
  world.fetch_failure =
      TransportResult{.outcome = TransportOutcome::kLocalFailure, .error = "no socket"};
  world.SendAndSettle();
  CHECK(world.results.back().outcome == TransportOutcome::kLocalFailure);
  CHECK(world.results.back().error == "no socket");
  world.fetch_failure.reset();
  world.is_fetch_hanging = true;
  world.Send();
  world.transport.Cancel();
  REQUIRE(world.results.size() == 2);
  CHECK(world.results.back().outcome == TransportOutcome::kCancelled);
}

TEST_CASE("access_tokens: a 401 drops the token once, until the endpoint answers otherwise") {
  World world;
  world.endpoint_status = 401;
  for (int i = 0; i < 5; ++i) world.Send();
  world.Settle();
  CHECK(world.fetches_count() == 1);
  for (int i = 0; i < 5; ++i) world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  CHECK(world.results.back().http_status == 401);
  world.endpoint_status = 200;
  world.SendAndSettle();
  world.endpoint_status = 401;
  world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  world.endpoint_status = 500;
  world.SendAndSettle();
  CHECK(world.fetches_count() == 3);
  CHECK(world.authorizations().back() == "Bearer token-3");
}

TEST_CASE("access_tokens: where each token is refused, another is fetched once a minute") {
  World world;
  world.endpoint_status = 401;
  for (int i = 0; i < 5; ++i) world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  world.clock.Advance(absl::Seconds(61));
  for (int i = 0; i < 5; ++i) world.SendAndSettle();
  CHECK(world.fetches_count() == 3);
  CHECK(world.authorizations().back() == "Bearer token-3");
}

TEST_CASE("access_tokens: an answer to an old token does not drop the new one") {
  World world;
  world.SendAndSettle();
  world.clock.Advance(absl::Seconds(590));
  world.endpoint_status = 0;
  world.Send();  // with token-1, and renews it
  world.Settle();
  CHECK(world.fetches_count() == 2);
  world.endpoint_status = 401;
  world.transport.set_rule(world.Rule());
  world.Settle();
  world.endpoint_status = 200;
  world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  CHECK(world.authorizations().back() == "Bearer token-2");
}

TEST_CASE("access_tokens: changed settings and other endpoints have tokens of their own") {
  World world;
  world.SendAndSettle();
  world.Send(World::Auth("another"));
  world.Settle();
  CHECK(world.fetches_count() == 2);
  CHECK(absl::StrContains(*world.transport.sent()[2].body, "another"));
  OutgoingRequest request{.url = kEndpointUrl};
  world.tokens.Send("other endpoint", World::Auth("another"), std::move(request),
                    [](const TransportResult&) {});
  world.Settle();
  CHECK(world.fetches_count() == 3);
}

TEST_CASE("access_tokens: requests that wait while settings change are answered") {
  World world;
  world.is_fetch_hanging = true;
  world.Send();
  world.Send(World::Auth("another"));
  world.is_fetch_hanging = false;
  world.transport.set_rule(world.Rule());
  world.Settle();
  CHECK(world.results.size() == 2);
  CHECK(world.fetches_count() == 2);
}

TEST_CASE("access_tokens: a clock that is set back does not lengthen a token's life") {
  World world;
  world.SendAndSettle();
  world.clock.Advance(-absl::Hours(2));
  world.SendAndSettle();
  CHECK(world.fetches_count() == 2);
  world.clock.Advance(absl::Hours(4));
  world.SendAndSettle();
  CHECK(world.fetches_count() == 3);
}

TEST_CASE("access_tokens: a key that cannot sign ends in an error, not within Send") {
  World world;
  OAuth2Auth auth = World::Auth();
  auth.client = OAuth2Client::kClientAssertion;
  world.transport.set_rule([](const OutgoingRequest& request) -> std::optional<TransportResult> {
    REQUIRE(request.url.empty());
    return TransportResult{.outcome = TransportOutcome::kInvalidUrl, .error = "malformed"};
  });
  world.Send(auth);
  CHECK(world.results.empty());
  world.Settle();
  REQUIRE(world.results.size() == 1);
  CHECK(world.results[0].outcome == TransportOutcome::kNoAccessToken);
  CHECK(absl::StrContains(world.results[0].error, "base64url"));
}

}  // namespace
}  // namespace convoy::fetch
