// Keys that providers publish: fetched once, kept, renewed before they go stale, and never asked
// for in a loop, whatever a stranger sends.
#include "lib/fetch/fetcher.h"

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/dispatch/scripted_transport.h"

namespace convoy::fetch {
namespace {

using testing::ScriptedTransport;
using testing::SimClock;
using verify::KeyLocation;

constexpr const char* kUrl = "https://keys.example.com/jwks.json";

// The same point of the curve under other names.
std::string Jwks(const std::vector<std::string>& ids) {
  std::string keys;
  for (const std::string& id : ids) {
    absl::StrAppend(&keys, keys.empty() ? "" : ",", R"({"kty":"OKP","crv":"Ed25519","kid":")", id,
                    R"(","x":"1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4"})");
  }
  return absl::StrCat(R"({"keys":[)", keys, "]}");
}

struct Fixture {
  Fixture() {
    fetcher.set_wake([this] { ++wakes_count; });
    Publish({"a"});
  }

  void Answer(TransportResult result) {
    transport.set_rule([result](const OutgoingRequest&) { return result; });
  }
  void Publish(const std::vector<std::string>& ids) {
    TransportResult result = ScriptedTransport::Status(200);
    result.body = Jwks(ids);
    Answer(result);
  }

  std::shared_ptr<const verify::PublicKeySet> Find(std::string_view key_id,
                                                   const std::string& url = kUrl) {
    return fetcher.Find(location, url, key_id);
  }
  bool Has(std::string_view key_id, const std::string& url = kUrl) {
    const auto keys = Find(key_id, url);
    if (keys == nullptr) return false;
    for (const verify::NamedKey& key : *keys) {
      if (key.id == key_id) return true;
    }
    return false;
  }
  // Does what was asked for.
  void Drive() {
    fetcher.Step();
    transport.Step();
  }
  size_t sent_count() const { return transport.sent().size(); }

  SimClock clock;
  ScriptedTransport transport;
  KeyLocation location{.url = kUrl};
  FetcherOptions options;
  Fetcher fetcher{options, &transport, &clock, nullptr};
  int wakes_count = 0;
};

TEST_CASE("fetcher: a document is fetched once, and then is here") {
  Fixture fixture;
  CHECK(fixture.Find("a") == nullptr);
  CHECK(fixture.wakes_count == 1);
  for (int i = 0; i < 100; ++i) CHECK(fixture.Find("a") == nullptr);
  fixture.Drive();
  for (int i = 0; i < 100; ++i) CHECK(fixture.Has("a"));
  CHECK(fixture.sent_count() == 1);
  CHECK(fixture.wakes_count == 1);
  const OutgoingRequest& request = fixture.transport.sent().front();
  CHECK(request.method == "GET");
  CHECK(request.url == kUrl);
  CHECK(request.response_bytes_max == 256 * 1024);
}

TEST_CASE("fetcher: a document is renewed while it is used, and not used once it is stale") {
  Fixture fixture;
  fixture.Find("a");
  fixture.Drive();
  fixture.clock.Advance(absl::Minutes(61));
  fixture.Answer(ScriptedTransport::Status(500));
  CHECK(fixture.Has("a"));
  fixture.Drive();
  CHECK(fixture.sent_count() == 2);
  CHECK(fixture.Has("a"));  // what failed to come leaves what is here
  fixture.clock.Advance(absl::Hours(23));
  CHECK(fixture.Find("a") == nullptr);
  fixture.Drive();
  CHECK(fixture.Find("a") == nullptr);
  fixture.Publish({"a"});
  fixture.clock.Advance(absl::Minutes(1));
  fixture.Find("a");
  fixture.Drive();
  CHECK(fixture.Has("a"));
}

TEST_CASE("fetcher: a rotated key is looked for at once, an invented one not again and again") {
  Fixture fixture;
  fixture.Find("a");
  fixture.Drive();
  fixture.Publish({"a", "b"});
  fixture.clock.Advance(absl::Minutes(1));
  CHECK(fixture.Find("b") == nullptr);
  CHECK(fixture.Has("a"));  // the others go on meanwhile
  fixture.Drive();
  CHECK(fixture.Has("b"));
  CHECK(fixture.sent_count() == 2);

  // A stranger's ids, a thousand a second for a minute.
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 1000; ++i) fixture.Find(absl::StrCat("invented-", second, "-", i));
    fixture.Drive();
    CHECK(fixture.Has("b"));
    fixture.clock.Advance(absl::Seconds(1));
  }
  CHECK(fixture.sent_count() <= 2 + 7);
  // A key that a document just fetched does not hold is unknown, not late.
  fixture.Find("invented");
  fixture.Drive();
  const auto keys = fixture.Find("invented");
  REQUIRE(keys != nullptr);
  CHECK(keys->size() == 2);
}

TEST_CASE("fetcher: failures are remembered for a while") {
  for (TransportResult result :
       {ScriptedTransport::Status(404), ScriptedTransport::Status(302),
        TransportResult{.outcome = TransportOutcome::kDeniedAddress},
        TransportResult{.outcome = TransportOutcome::kResponse, .http_status = 200, .body = "{}"},
        TransportResult{.outcome = TransportOutcome::kResponse, .http_status = 200, .body = "\x01"},
        TransportResult{.outcome = TransportOutcome::kResponseTooLarge, .http_status = 200}}) {
    Fixture fixture;
    fixture.Answer(result);
    for (int second = 0; second < 120; ++second) {
      CHECK(fixture.Find("a") == nullptr);
      fixture.Drive();
      fixture.clock.Advance(absl::Seconds(1));
    }
    CHECK(fixture.sent_count() == 4);
    fixture.Publish({"a"});
    fixture.clock.Advance(absl::Seconds(30));
    fixture.Find("a");
    fixture.Drive();
    CHECK(fixture.Has("a"));
  }
}

TEST_CASE("fetcher: URLs that a stranger makes up cost little and drive nothing out") {
  Fixture fixture;
  fixture.Find("a");
  fixture.Drive();
  fixture.Answer(ScriptedTransport::Status(403));
  for (int second = 0; second < 300; ++second) {
    for (int i = 0; i < 200; ++i) {
      fixture.Find("", absl::StrCat("https://keys.example.com/", second, "/", i, ".pem"));
    }
    fixture.Drive();
    CHECK(fixture.Has("a"));
    fixture.clock.Advance(absl::Seconds(1));
  }
  CHECK(fixture.sent_count() <= 1 + 64 * 11);
  // Once the stranger rests, or between two of his, a new URL has its turn.
  fixture.Publish({"n"});
  fixture.clock.Advance(absl::Seconds(30));
  fixture.Find("n", "https://keys.example.com/new.json");
  fixture.Drive();
  CHECK(fixture.Has("n", "https://keys.example.com/new.json"));
}

TEST_CASE("fetcher: invented URLs of one owner hold off no other, and not the scheme's own") {
  SimClock clock;
  ScriptedTransport transport;
  transport.set_rule(ScriptedTransport::AlwaysStatus(404));
  const auto fetcher = std::make_shared<Fetcher>(FetcherOptions(), &transport, &clock, nullptr);
  const KeyLocation named;
  const KeyLocation fixed{.url = kUrl};
  const auto theirs = fetcher->ForOwner("a");
  const auto mine = fetcher->ForOwner("b");
  const auto step = [&] {
    fetcher->Step();
    transport.Step();
  };
  for (int i = 0; i < 5000; ++i) {
    theirs->Find(named, absl::StrCat("https://keys.example.com/", i), "k");
    if (i % 100 == 0) step();
  }
  step();
  const size_t sent = transport.sent().size();
  CHECK(sent == FetcherOptions().unproven_per_owner_max);
  mine->Find(named, "https://keys.example.com/mine", "k");
  theirs->Find(fixed, kUrl, "k");
  step();
  CHECK(transport.sent().size() == sent + 2);

  // Many owners together fill what is kept; one more still finds room.
  for (int owner = 0; owner < 40; ++owner) {
    const auto keys = fetcher->ForOwner(absl::StrCat("owner ", owner));
    for (int i = 0; i < 64; ++i) {
      keys->Find(named, absl::StrCat("https://keys.example.com/", owner, "/", i), "k");
    }
    step();
  }
  const size_t before = transport.sent().size();
  fetcher->ForOwner("late")->Find(named, "https://keys.example.com/late", "k");
  step();
  CHECK(transport.sent().size() == before + 1);
}

TEST_CASE("fetcher: one URL may hold the keys of two locations") {
  Fixture fixture;
  TransportResult result = ScriptedTransport::Status(200);
  result.body = Jwks({"a"});
  fixture.Answer(result);
  const KeyLocation in_json{.kind = KeyLocation::Kind::kPemInJson, .url = kUrl, .path = "key"};
  fixture.Find("a");
  fixture.fetcher.Find(in_json, kUrl, "");
  fixture.Drive();
  CHECK(fixture.Has("a"));
  CHECK(fixture.fetcher.Find(in_json, kUrl, "") == nullptr);
  CHECK(fixture.sent_count() == 2);
}

TEST_CASE("fetcher: confirmations are bounded, and made once each") {
  Fixture fixture;
  for (size_t i = 0; i < fixture.options.visits_max; ++i) {
    CHECK(fixture.fetcher.Visit(absl::StrCat("https://sns.test/", i)));
  }
  CHECK_FALSE(fixture.fetcher.Visit("https://sns.test/more"));
  fixture.Drive();
  fixture.Drive();
  CHECK(fixture.sent_count() == fixture.options.visits_max);
  CHECK(fixture.transport.sent_count_to("https://sns.test/0") == 1);
  CHECK(fixture.fetcher.Visit("https://sns.test/more"));
}

TEST_CASE("fetcher: an exchange for a caller is made as it is, and so many at once") {
  Fixture fixture;
  int ended_count = 0;
  const auto ask = [&] {
    return fixture.fetcher.Exchange({.url = "https://login.test/token"},
                                    [&](const TransportResult& result) {
                                      CHECK(result.http_status == 200);
                                      ++ended_count;
                                    });
  };
  for (size_t i = 0; i < fixture.options.exchanges_max; ++i) REQUIRE(ask());
  CHECK_FALSE(ask());
  fixture.fetcher.Step();
  CHECK_FALSE(ask());  // on their way, but not ended
  fixture.transport.Step();
  CHECK(ended_count == static_cast<int>(fixture.options.exchanges_max));
  CHECK(fixture.sent_count() == fixture.options.exchanges_max);
  CHECK(fixture.transport.sent().front().method == "POST");
  CHECK(ask());
}

}  // namespace
}  // namespace convoy::fetch
