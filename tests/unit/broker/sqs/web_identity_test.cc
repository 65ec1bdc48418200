// The life of a session, on a clock that moves only when told.
#include "lib/broker/sqs/web_identity.h"

#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"
#include "tests/unit/broker/sqs/scripted_sts.h"

namespace convoy::broker {
namespace {

using testing::AssumedRole;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;
using testing::StsError;

constexpr absl::Duration kLifetime = absl::Hours(1);

// An STS that gives sessions of an hour, numbered, until it is told to fail.
struct Bench {
  testing::BrokerFixture fixture;
  testing::SimClock clock;
  testing::TokenFile file;
  int count = 0;
  std::optional<ScriptedAnswer> failure;
  testing::ScriptedService sts{[this](const ReceivedRequest&) {
    ++count;
    return failure.has_value() ? *failure : AssumedRole(count, clock.Now() + kLifetime);
  }};
  std::unique_ptr<HttpCaller> caller = HttpCaller::Open(fixture.env()).value();
  std::shared_ptr<Credentials> credentials = NewWebIdentity(testing::IdentityAt(sts, file)).value();

  absl::StatusOr<AwsKeys> Keys() { return credentials->Keys(*caller, clock); }
  std::string KeyId() { return Keys().value().access_key_id; }
  absl::StatusCode Code() { return Keys().status().code(); }
};

TEST_CASE("web_identity: a session is fetched once and kept until some minutes before its end") {
  Bench bench;
  const AwsKeys keys = bench.Keys().value();
  CHECK(keys.access_key_id == "ASIA1");
  CHECK(keys.secret_key == "secret1");
  CHECK(keys.session_token == "session1");
  bench.clock.Advance(absl::Minutes(54));
  CHECK(bench.KeyId() == "ASIA1");
  CHECK(bench.count == 1);
  bench.clock.Advance(absl::Minutes(1));
  CHECK(bench.KeyId() == "ASIA2");
  CHECK(bench.KeyId() == "ASIA2");
  CHECK(bench.count == 2);
}

TEST_CASE("web_identity: the token is read anew for each session") {
  Bench bench;
  bench.KeyId();
  CHECK(absl::EndsWith(bench.sts.requests().back().body, "&WebIdentityToken=token-1"));
  bench.file.Write("  token-2\n");
  bench.clock.Advance(kLifetime);
  bench.KeyId();
  CHECK(absl::EndsWith(bench.sts.requests().back().body, "&WebIdentityToken=token-2"));
}

TEST_CASE("web_identity: while fetching fails the old session is used until it has ended") {
  Bench bench;
  bench.KeyId();
  bench.failure = StsError("ExpiredTokenException");
  bench.clock.Advance(absl::Minutes(55));
  for (int i = 0; i < 10; ++i) CHECK(bench.KeyId() == "ASIA1");
  CHECK(bench.count == 2);  // asked again after a pause only
  bench.clock.Advance(absl::Seconds(30));
  CHECK(bench.KeyId() == "ASIA1");
  CHECK(bench.count == 3);
  bench.clock.Advance(absl::Minutes(5));
  CHECK(bench.Code() == absl::StatusCode::kUnauthenticated);
  CHECK(absl::StrContains(bench.Keys().status().message(), "has expired"));
  CHECK(bench.count == 4);
  bench.failure.reset();
  bench.clock.Advance(absl::Seconds(5));
  CHECK(bench.KeyId() == "ASIA5");
}

TEST_CASE("web_identity: what is refused is told by its kind, and is over when it is over") {
  Bench bench;
  const auto fails_with = [&](ScriptedAnswer answer, absl::StatusCode code) {
    bench.failure = std::move(answer);
    bench.clock.Advance(absl::Seconds(5));
    CHECK(bench.Code() == code);
  };
  fails_with(StsError("InvalidIdentityToken"), absl::StatusCode::kUnauthenticated);
  fails_with(StsError("AccessDenied", 403), absl::StatusCode::kPermissionDenied);
  fails_with({.status = 503, .body = "busy"}, absl::StatusCode::kUnavailable);
  fails_with({.body = "<html>"}, absl::StatusCode::kUnavailable);
  fails_with({.body = std::string(100'000, ' ')}, absl::StatusCode::kResourceExhausted);
  const int count = bench.count;
  bench.failure.reset();
  CHECK_FALSE(bench.Keys().ok());  // not asked in a tight loop
  CHECK(bench.count == count);
  bench.clock.Advance(absl::Seconds(5));
  CHECK(bench.Keys().ok());
}

TEST_CASE("web_identity: a token file that is missing, empty or no token's is not sent") {
  Bench bench;
  const auto check = [&] {
    bench.clock.Advance(absl::Seconds(5));
    const absl::Status status = bench.Keys().status();
    INFO(status);
    CHECK(status.code() == absl::StatusCode::kUnauthenticated);
    CHECK(absl::StrContains(status.message(), "file of the web identity token"));
    CHECK_FALSE(absl::StrContains(status.message(), bench.file.path()));
  };
  bench.file.Remove();
  check();
  bench.file.Write(" \n");
  check();
  bench.file.Write(std::string(20'001, 'x'));
  check();
  bench.file.Remove();
  std::filesystem::create_directory(bench.file.path());
  check();
  CHECK(bench.count == 0);
  bench.file.Remove();
  bench.file.Write(std::string(20'000, 'x'));
  bench.clock.Advance(absl::Seconds(5));
  CHECK(bench.Keys().ok());
}

TEST_CASE("web_identity: a session that the service does not accept is dropped, another is had") {
  Bench bench;
  const AwsKeys first = bench.Keys().value();
  bench.credentials->Discard({.access_key_id = "ASIA0"});  // of another session
  CHECK(bench.KeyId() == "ASIA1");
  bench.credentials->Discard(first);
  CHECK(bench.Code() == absl::StatusCode::kUnauthenticated);
  bench.clock.Advance(absl::Seconds(5));
  CHECK(bench.KeyId() == "ASIA2");
  bench.credentials->Discard(first);
  CHECK(bench.KeyId() == "ASIA2");
}

TEST_CASE("web_identity: clocks that are wrong or stepped back") {
  Bench bench;
  bench.failure = AssumedRole(7, bench.clock.Now());
  CHECK(bench.Code() == absl::StatusCode::kUnauthenticated);
  CHECK(absl::StrContains(bench.Keys().status().message(), "clock"));
  CHECK(bench.count == 1);
  bench.clock.Advance(-absl::Hours(2));
  CHECK(bench.KeyId() == "ASIA7");
  CHECK(bench.count == 2);
}

TEST_CASE("web_identity: many threads share one session and one fetch") {
  Bench bench;
  std::vector<std::thread> threads;
  std::vector<std::string> ids(8);
  for (std::string& id : ids) {
    threads.emplace_back([&bench, &id] {
      const auto caller = HttpCaller::Open(bench.fixture.env()).value();
      for (int i = 0; i < 50; ++i) {
        const auto keys = bench.credentials->Keys(*caller, bench.clock);
        id = keys.ok() ? keys->access_key_id : std::string(keys.status().message());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& id : ids) CHECK(id == "ASIA1");
  CHECK(bench.sts.requests().size() == 1);
}

}  // namespace
}  // namespace convoy::broker
