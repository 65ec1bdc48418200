#include "lib/intake/audience.h"

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::intake {
namespace {

using route::EventContent;
using route::ProjectSnapshot;
using Ids = std::vector<std::string>;

// Endpoints of two owners with 0 to 5 subscriptions each, some of which want a type several times,
// some not at all.
ProjectConfiguration MakeProject(testing::SeededRandom& random) {
  const std::vector<std::vector<std::string>> types = {
      {"*"}, {"a.b", "*", "a.*"}, {"a.*"}, {"a.b"}, {"other"}, {"a.*", "a.b.*"}};
  ProjectConfiguration config;
  config.project.id = "P";
  const uint64_t endpoints_count = random.Below(30);
  for (uint64_t i = 0; i < endpoints_count; ++i) {
    const std::string id = absl::StrCat("E", 1000 + random.Below(1000));
    config.endpoints.push_back(
        {.id = id, .project_id = "P", .owner_id = absl::StrCat("o", random.Below(2))});
    const uint64_t count = random.Below(6);
    for (uint64_t j = 0; j < count; ++j) {
      config.subscriptions.push_back({.id = absl::StrCat("S", 10000 + random.Below(10000)),
                                      .project_id = "P",
                                      .endpoint_id = id,
                                      .event_types = types[random.Below(types.size())]});
    }
  }
  return config;
}

// The ids that the pieces of an audience find, one after the other.
template <typename Find>
Ids Walk(Find find) {
  Ids ids;
  AudiencePiece piece;
  for (int i = 0; i == 0 || piece.has_more; ++i) {
    REQUIRE(i < 1000);
    piece = find(piece.end);
    for (const Subscription* each : piece.wanting) ids.push_back(each->id);
  }
  return ids;
}

Ids IdsOf(const std::vector<const Subscription*>& subscriptions) {
  Ids ids;
  for (const Subscription* each : subscriptions) ids.push_back(each->id);
  return ids;
}

TEST_CASE("audience: pieces of any size find what all of it has, each once and in the same order") {
  testing::SeededRandom random(7);
  for (int round = 0; round < 200; ++round) {
    const auto project = ProjectSnapshot::Build(MakeProject(random)).value();
    const Event event{.id = "V", .project_id = "P", .event_type = "a.b", .body = "{}"};
    for (const size_t looks : {1, 2, 3, 5, 8, 1000}) {
      INFO("round " << round << ", pieces of " << looks);
      CHECK(Walk([&](const AudiencePlace& from) {
              return FindMatching(*project, event, "", from, looks, {});
            }) == IdsOf(project->Match("a.b", "", {})));
      std::vector<const Subscription*> of_owner;
      for (const Endpoint* endpoint : project->EndpointsOfOwner("o1")) {
        for (const Subscription* each : project->SubscriptionsOfEndpoint(endpoint->id)) {
          if (project->Wants(*each, "a.b", {})) of_owner.push_back(each);
        }
      }
      CHECK(Walk([&](const AudiencePlace& from) {
              return FindOfOwner(*project, event, "o1", from, looks, {});
            }) == IdsOf(of_owner));
    }
  }
}

TEST_CASE("audience: a piece looks at no more than it may") {
  ProjectConfiguration config;
  config.project.id = "P";
  for (int i = 1000; i < 6000; ++i) {
    const std::string id = absl::StrCat("E", i);
    config.endpoints.push_back({.id = id, .project_id = "P", .owner_id = "o"});
    config.subscriptions.push_back({.id = absl::StrCat("S", i),
                                    .project_id = "P",
                                    .endpoint_id = id,
                                    .event_types = {i % 2 == 0 ? "*" : "other"}});
  }
  const auto project = ProjectSnapshot::Build(std::move(config)).value();
  const Event event{.id = "V", .project_id = "P", .event_type = "t", .body = "{}"};
  CHECK(FindMatching(*project, event, "", {}, 100, {}).looks_count == 100);
  CHECK(FindOfOwner(*project, event, "o", {}, 100, {}).looks_count <= 102);
  CHECK(project->EstimateEndpoints("t", "") == 2500);
  CHECK(project->CountEndpointsOfOwner("o") == 5000);
  // A beginning that finds too little stops at its bound, and leaves the rest to a job.
  const AudiencePiece beginning = FindBeginning(
      {.deliveries_max = 256, .looks_max = 1000}, [&](const AudiencePlace& from, size_t looks_max) {
        return FindOfOwner(*project, event, "stranger", from, looks_max, {});
      });
  CHECK_FALSE(beginning.has_more);
}

}  // namespace
}  // namespace convoy::intake
