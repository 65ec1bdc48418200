#include "lib/route/snapshot.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "lib/route/content.h"
#include "tests/support/sim_clock.h"

namespace convoy::route {
namespace {

Subscription MakeSubscription(std::string id, std::vector<std::string> event_types,
                              std::string source_id = "", std::string endpoint_id = "E1") {
  return {.id = std::move(id),
          .project_id = "P",
          .source_id = std::move(source_id),
          .endpoint_id = std::move(endpoint_id),
          .event_types = std::move(event_types)};
}

std::shared_ptr<const ProjectSnapshot> MustBuild(std::vector<Subscription> subscriptions) {
  ProjectConfiguration config{.revision = 7};
  config.project.id = "P";
  config.endpoints = {{.id = "E1", .owner_id = "ann"},
                      {.id = "E2", .owner_id = "bob"},
                      {.id = "E3", .owner_id = "ann"},
                      {.id = "E4"}};
  config.subscriptions = std::move(subscriptions);
  auto snapshot = ProjectSnapshot::Build(std::move(config));
  REQUIRE(snapshot.status().ToString() == "OK");
  return *snapshot;
}

std::string MatchIds(const ProjectSnapshot& snapshot, std::string_view event_type,
                     std::string_view source_id = "", const EventContent& content = {}) {
  std::string ids;
  for (const Subscription* match : snapshot.Match(event_type, source_id, content)) {
    absl::StrAppend(&ids, match->id, " ");
    CHECK(snapshot.Wants(*match, event_type, content));
  }
  return ids;
}

TEST_CASE("snapshot: event types match exactly, by prefix and by star") {
  const auto snapshot =
      MustBuild({MakeSubscription("4", {"invoice.paid", "invoice.*", "*"}),
                 MakeSubscription("1", {"invoice.paid"}), MakeSubscription("2", {"invoice.*"}),
                 MakeSubscription("3", {"*"}), MakeSubscription("5", {"invoice.paid.*"}),
                 MakeSubscription("6", {"other"}), MakeSubscription("7", {})});
  CHECK(MatchIds(*snapshot, "invoice.paid") == "1 2 3 4 ");
  CHECK(MatchIds(*snapshot, "invoice.paid.late") == "2 3 4 5 ");
  CHECK(MatchIds(*snapshot, "invoice") == "3 4 ");
  CHECK(MatchIds(*snapshot, "invoicexpaid") == "3 4 ");
  CHECK(MatchIds(*snapshot, "") == "3 4 ");
  CHECK_FALSE(snapshot->Wants(*snapshot->FindSubscription("1"), "invoice", {}));
  CHECK_FALSE(snapshot->Wants(MakeSubscription("unknown", {"*"}), "invoice", {}));
}

TEST_CASE("snapshot: with a source only its subscriptions match") {
  const auto snapshot =
      MustBuild({MakeSubscription("1", {"*"}, "S1"), MakeSubscription("2", {"a"}, "S2"),
                 MakeSubscription("3", {"a"})});
  CHECK(MatchIds(*snapshot, "a", "S1") == "1 ");
  CHECK(MatchIds(*snapshot, "a", "S2") == "2 ");
  CHECK(MatchIds(*snapshot, "a", "S3") == "");
  CHECK(MatchIds(*snapshot, "a") == "1 2 3 ");
}

TEST_CASE("snapshot: endpoints and subscriptions are found by what names them") {
  const auto snapshot =
      MustBuild({MakeSubscription("1", {"*"}, "", "E1"), MakeSubscription("2", {"*"}, "", "E2"),
                 MakeSubscription("3", {"*"}, "", "E1")});
  CHECK(snapshot->revision() == 7);
  CHECK(snapshot->FindEndpoint("E2")->id == "E2");
  CHECK(snapshot->FindEndpoint("E9") == nullptr);
  CHECK(snapshot->FindSubscription("3")->endpoint_id == "E1");
  CHECK(snapshot->FindSubscription("9") == nullptr);
  CHECK(snapshot->EndpointsOfOwner("ann").size() == 2);
  CHECK(snapshot->EndpointsOfOwner("nobody").empty());
  // Endpoints without an owner have no owner, not the empty name.
  CHECK(snapshot->EndpointsOfOwner("").empty());
  CHECK(snapshot->SubscriptionsOfEndpoint("E1").size() == 2);
  CHECK(snapshot->SubscriptionsOfEndpoint("E4").empty());
}

TEST_CASE("snapshot: a match looks at what wants the type, not at what exists") {
  std::vector<Subscription> subscriptions;
  for (int i = 0; i < 100'000; ++i) {
    subscriptions.push_back(MakeSubscription(absl::StrCat(1'000'000 + i),
                                             {absl::StrCat("type", i, i % 2 == 0 ? ".*" : "")},
                                             i % 2 == 0 ? "" : absl::StrCat("S", i)));
  }
  const auto snapshot = MustBuild(std::move(subscriptions));
  CHECK(snapshot->CountCandidates("type4242.created", "") == 1);
  CHECK(snapshot->CountCandidates("type4243", "") == 1);
  CHECK(snapshot->CountCandidates("type4243", "S4243") == 1);
  CHECK(snapshot->CountCandidates("type4243", "S4245") == 0);
  CHECK(MatchIds(*snapshot, "type4242.created") == "1004242 ");
}

// A snapshot that took changes in answers like one that was built of what they lead to.
TEST_CASE("snapshot: taking changes in comes to the same as building anew") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    testing::SeededRandom random(seed);
    const auto text = [&](char kind, uint64_t bound) {
      return absl::StrCat(std::string(1, kind), random.Below(bound));
    };
    std::map<std::string, Endpoint> endpoints;
    std::map<std::string, Subscription> subscriptions;
    auto snapshot = *ProjectSnapshot::Build({.revision = 1});
    for (uint64_t revision = 2; revision < 120; ++revision) {
      ConfigChanges changes{.revision = revision, .is_complete = true};
      for (uint64_t i = random.Below(4); i > 0; --i) {
        const Endpoint endpoint{.id = text('E', 8), .owner_id = text('o', 3).substr(0, 1 + i % 2)};
        const Subscription subscription = MakeSubscription(
            text('S', 12), {text('a', 3) + ".*", random.Chance(30) ? "*" : text('b', 3)},
            random.Chance(50) ? text('Q', 2) : "", text('E', 8));
        if (random.Chance(60)) {
          endpoints[endpoint.id] = endpoint;
          subscriptions[subscription.id] = subscription;
          changes.puts.emplace_back(endpoint);
          changes.puts.emplace_back(subscription);
        } else {
          changes.removes.push_back({ConfigKind::kSubscription, subscription.id});
          subscriptions.erase(subscription.id);
          std::erase_if(changes.puts, [&](const auto& put) { return put.id == subscription.id; });
        }
      }
      const auto before = snapshot;
      snapshot = *before->WithChanges(changes);
      CHECK(before->revision() == revision - 1);
      ProjectConfiguration whole{.revision = revision};
      for (const auto& [id, endpoint] : endpoints) whole.endpoints.push_back(endpoint);
      for (const auto& [id, each] : subscriptions) whole.subscriptions.push_back(each);
      const auto built = *ProjectSnapshot::Build(std::move(whole));
      REQUIRE(snapshot->revision() == revision);
      REQUIRE(snapshot->endpoints_count() == built->endpoints_count());
      REQUIRE(snapshot->subscriptions_count() == built->subscriptions_count());
      for (const char* type : {"a0.x", "a1.y.z", "b0", "b2", "c"}) {
        for (const char* source : {"", "Q0", "Q1"}) {
          REQUIRE(MatchIds(*snapshot, type, source) == MatchIds(*built, type, source));
        }
      }
      for (int i = 0; i < 8; ++i) {
        const std::string id = absl::StrCat("E", i);
        REQUIRE((snapshot->FindEndpoint(id) != nullptr) == endpoints.contains(id));
        REQUIRE(snapshot->SubscriptionsOfEndpoint(id).size() ==
                built->SubscriptionsOfEndpoint(id).size());
        const std::string owner = text('o', 3);
        REQUIRE(snapshot->EndpointsOfOwner(owner).size() == built->EndpointsOfOwner(owner).size());
      }
    }
  }
}

TEST_CASE("snapshot: content filters look at body, headers, query and path") {
  const auto with_filter = [](std::string id, ContentFilter filter) {
    Subscription subscription = MakeSubscription(std::move(id), {"*"});
    subscription.filter = std::move(filter);
    return subscription;
  };
  const auto snapshot =
      MustBuild({with_filter("1", {.body = R"({"amount":{"$gt":10}})"}),
                 with_filter("2", {.headers = R"({"X-Kind":"big","x-tag":"b"})"}),
                 with_filter("3", {.query = R"({"a b":"c d"})"}),
                 with_filter("4", {.path = R"({"path":"/ingest/x"})"}), with_filter("5", {}),
                 with_filter("6", {.headers = R"({"x-kind":"big"})", .body = R"({"amount":1})"})});
  const Headers headers = {{"x-KIND", "big"}, {"X-Tag", "a"}, {"X-Tag", "b"}};
  const auto match = [&](std::string_view body, std::string_view query, std::string_view path) {
    return MatchIds(*snapshot, "t", "",
                    {.body = body, .headers = &headers, .query = query, .path = path});
  };
  CHECK(match(R"({"amount":11})", "a+b=c%20d", "/ingest/x") == "1 2 3 4 5 ");
  CHECK(match(R"({"amount":1})", "", "/") == "2 5 6 ");
  CHECK(match("not JSON", "a=%zz", "/") == "2 5 ");
  CHECK(MatchIds(*snapshot, "t") == "5 ");
}

TEST_CASE("snapshot: a filter that does not compile is an error that names its subscription") {
  ProjectConfiguration config;
  config.subscriptions = {MakeSubscription("01BAD", {"*"})};
  config.subscriptions[0].filter.query = "{";
  const auto snapshot = ProjectSnapshot::Build(std::move(config));
  CHECK(snapshot.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(snapshot.status().message() ==
        "subscription 01BAD: query filter: not JSON, or beyond 65536 bytes or 32 levels");
}

TEST_CASE("content: headers and query become objects of strings and lists") {
  CHECK(HeadersAsJson({{"B", "1"}, {"A", "x"}, {"b", "2"}}) == R"({"a":"x","b":["1","2"]})");
  CHECK(QueryAsJson("x=1&y=&x=2&z&&e=%41+%42") == R"({"e":"A B","x":["1","2"],"y":"","z":""})");
  CHECK(QueryAsJson("bad=%4") == R"({"bad":"%4"})");
  CHECK(QueryAsJson("") == "{}");
  CHECK(PathAsJson("/a\"b") == R"({"path":"/a\"b"})");
}

}  // namespace
}  // namespace convoy::route
