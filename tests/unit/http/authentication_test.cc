// Permissions of API keys. The matrix is derived from the table of routes, so a new route is
// covered without further work.
#include "lib/http/request/authentication.h"

#include <catch2/catch.hpp>

#include "lib/http/router.h"
#include "tests/unit/http/harness.h"
#include "tests/unit/http/route_path.h"

namespace convoy::http {
namespace {

using testing::ApiHarness;
using testing::MethodOf;
using testing::PathOf;

TEST_CASE("authentication: no route answers without a key that is right") {
  ApiHarness harness;
  const std::string project = harness.AddProject("outgoing", "p");
  const std::string good = harness.AddKey(Role::kProjectAdmin, project);
  std::string wrong_secret = good;
  wrong_secret.back() = wrong_secret.back() == 'x' ? 'y' : 'x';
  std::string unknown_mask = good;
  unknown_mask[5] = unknown_mask[5] == 'x' ? 'y' : 'x';
  for (const Route& route : Routes()) {
    for (const std::string& key : {std::string(), std::string("nonsense"), std::string("CO.x.y"),
                                   wrong_secret, unknown_mask, good + "x", "co" + good.substr(2)}) {
      harness.Expect(401, MethodOf(route), PathOf(route, project), "{}", key);
    }
  }
}

TEST_CASE("authentication: a key of one project never sees another") {
  ApiHarness harness;
  const std::string mine = harness.AddProject("outgoing", "mine");
  const std::string theirs = harness.AddProject("outgoing", "theirs");
  const std::string key = harness.AddKey(Role::kProjectAdmin, mine);
  for (const Route& route : Routes()) {
    const int expected = route.access == Access::kCaller ? 200 : 403;
    harness.Expect(expected, MethodOf(route), PathOf(route, theirs), "{}", key);
  }
}

TEST_CASE("authentication: a viewer reads and does not write") {
  ApiHarness harness;
  const std::string project = harness.AddProject("outgoing", "p");
  const std::string viewer = harness.AddKey(Role::kProjectViewer, project);
  for (const Route& route : Routes()) {
    const int status = harness.Send(MethodOf(route), PathOf(route, project), "{}", viewer).status;
    INFO(route.methods << " " << route.path);
    const bool may_read = route.access == Access::kRead || route.access == Access::kCaller;
    CHECK((status == 403) == !may_read);
    CHECK(status != 401);
  }
}

TEST_CASE("authentication: an expired or revoked key is refused") {
  ApiHarness harness;
  const std::string project = harness.AddProject("outgoing", "p");
  const std::string keys = "/api/v1/projects/" + project + "/api-keys";
  const std::string made =
      harness.Expect(201, "POST", keys, R"({"name":"k","expires_at":"2026-05-01T11:00:00Z"})",
                     harness.instance_key);
  const std::string key = ApiHarness::Field(made, "data.key");
  harness.Expect(200, "GET", "/api/v1/projects/" + project, "", key);
  CHECK(harness.Expect(200, "GET", keys, "", key).find(key) == std::string::npos);
  harness.clock.Advance(absl::Hours(1));
  harness.Expect(401, "GET", "/api/v1/projects/" + project, "", key);
  const std::string lasting = ApiHarness::Field(
      harness.Expect(201, "POST", keys, R"({"name":"k2"})", harness.instance_key), "data.key");
  const std::string id = ApiHarness::Field(
      harness.Expect(201, "POST", keys, R"({"name":"k3"})", harness.instance_key), "data.uid");
  harness.Expect(200, "DELETE", keys + "/" + id, "", lasting);
  harness.Expect(404, "DELETE", keys + "/" + id, "", lasting);
  harness.Expect(400, "POST", keys, R"({"name":"k","role":"instance_admin"})", lasting);
  harness.Expect(400, "POST", keys, R"({"name":"k","expires_at":"yesterday"})", lasting);
}

TEST_CASE("authentication: two authorizations are one too many") {
  ApiHarness harness;
  const std::string value = "Bearer " + harness.instance_key;
  CHECK(
      harness.Send("GET", "/api/v1/projects", "", harness.instance_key, {{"authorization", value}})
          .status == 401);
}

}  // namespace
}  // namespace convoy::http
