// Paths and methods: what is served, what is not, and that an id which is not there changes
// nothing.
#include "lib/http/router.h"

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <catch2/catch.hpp>

#include "tests/unit/http/harness.h"
#include "tests/unit/http/route_path.h"

namespace convoy::http {
namespace {

using testing::CountIds;
using testing::MethodOf;
using testing::PathOf;
using testing::ProjectHarness;

TEST_CASE("router: an unknown id is refused on every route") {
  ProjectHarness api;
  for (const Route& route : Routes()) {
    INFO(route.methods << " " << route.path);
    if (route.access == Access::kRead || route.access == Access::kWrite) {
      api.Expect(404, MethodOf(route), PathOf(route, testing::kNobody), "{}", api.instance_key);
    }
    if (CountIds(route) == 0) continue;
    // Bulk requests for filters are arrays.
    const bool is_list = route.path.find("/filters/bulk") != std::string_view::npos;
    const HttpResponse response =
        api.Send(MethodOf(route), PathOf(route, api.project),
                 is_list ? R"([{"uid":"x","event_type":"*"}])"
                         : R"({"name":"n","type":"http","url":"https://x.test/","ids":["x"]})",
                 api.instance_key);
    const bool is_refused = response.status == 400 || response.status == 404;
    CHECK(is_refused);
    const std::string message = ProjectHarness::Field(response.body, "message");
    INFO(message);
    const bool is_told = message.find("not found") != std::string::npos ||
                         message.find("failed to find") != std::string::npos;
    CHECK(is_told);
  }
}

TEST_CASE("router: docs/api.md says which role each operation asks for") {
  std::ifstream file(absl::StrCat(CONVOY_TEST_DIR, "/../docs/api.md"));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  REQUIRE_FALSE(text.empty());
  for (const Route& route : Routes()) {
    const char* role = route.access == Access::kInstance ? "instance"
                       : route.access == Access::kCaller ? "any"
                       : route.access == Access::kWrite  ? "admin"
                                                         : "viewer";
    const char* portal = route.portal == PortalAccess::kManage ? "manage "
                         : route.portal == PortalAccess::kUse  ? "use "
                                                               : "";
    const std::string line = absl::StrCat("| `", absl::StrReplaceAll(route.methods, {{" ", ", "}}),
                                          " ", route.path, "` | ", role, " | ", portal, "|\n");
    INFO(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("router: the path in which Convoy's Python client forgets a slash is understood") {
  ProjectHarness api;
  const std::string endpoint = api.AddEndpoint(api.project);
  const std::string found = api.Do(200, "GET", "/endpoints/" + endpoint);
  CHECK(api.Do(200, "GET", "endpoints/" + endpoint) == found);
  // Nothing else is taken for another path.
  CHECK(MatchRoute("GET", "/api/v1/projects/" + api.project + "events/y").route == nullptr);
  CHECK(MatchRoute("GET", "/api/v1/projects/xendpoints/y").route == nullptr);
}

TEST_CASE("router: ids of another project are unknown") {
  ProjectHarness mine;
  const std::string theirs = mine.AddProject("outgoing", "theirs");
  const std::string endpoint = mine.AddEndpoint(theirs);
  const std::string their_base = "/api/v1/projects/" + theirs;
  mine.Expect(201, "POST", their_base + "/events",
              R"({"endpoint_id":")" + endpoint + R"(","event_type":"t","data":{}})",
              mine.instance_key);
  const auto first_of = [&](const std::string& list) {
    return ProjectHarness::Field(mine.Expect(200, "GET", their_base + list, "", mine.instance_key),
                                 "data.content.0.uid");
  };
  const std::string source =
      ProjectHarness::Field(mine.Expect(201, "POST", their_base + "/sources",
                                        R"({"name":"s","type":"http"})", mine.instance_key),
                            "data.uid");
  const std::string key_id = ProjectHarness::Field(
      mine.Expect(201, "POST", their_base + "/api-keys", R"({"name":"k"})", mine.instance_key),
      "data.uid");
  const std::string before[] = {
      mine.Expect(200, "GET", their_base + "/endpoints", "", mine.instance_key),
      mine.Expect(200, "GET", their_base + "/sources", "", mine.instance_key),
      mine.Expect(200, "GET", their_base + "/subscriptions", "", mine.instance_key),
      mine.Expect(200, "GET", their_base + "/api-keys", "", mine.instance_key)};
  for (const std::string& id : {endpoint, source, key_id, first_of("/subscriptions"),
                                first_of("/events"), first_of("/eventdeliveries")}) {
    for (const Route& route : Routes()) {
      if (CountIds(route) == 0) continue;
      INFO(route.methods << " " << route.path);
      const int status =
          mine.Send(MethodOf(route), PathOf(route, mine.project, id),
                    R"({"name":"n","type":"http","url":"https://x.test/"})", mine.instance_key)
              .status;
      const bool is_refused = status == 400 || status == 404;
      CHECK(is_refused);
    }
  }
  CHECK(mine.Expect(200, "GET", their_base + "/endpoints", "", mine.instance_key) == before[0]);
  CHECK(mine.Expect(200, "GET", their_base + "/sources", "", mine.instance_key) == before[1]);
  CHECK(mine.Expect(200, "GET", their_base + "/subscriptions", "", mine.instance_key) == before[2]);
  CHECK(mine.Expect(200, "GET", their_base + "/api-keys", "", mine.instance_key) == before[3]);
  // References to objects of another project are refused as well.
  mine.Do(400, "POST", "/subscriptions", R"({"name":"s","endpoint_id":")" + endpoint + "\"}");
  mine.Do(400, "POST", "/events",
          R"({"endpoint_id":")" + endpoint + R"(","event_type":"t","data":{}})");
}

TEST_CASE("router: a method that a path does not serve is answered with those it does") {
  ProjectHarness api;
  const auto allow_of = [&](std::string_view method, const std::string& path) {
    const HttpResponse response = api.Send(method, path, "", api.instance_key);
    INFO(method << " " << path);
    CHECK(response.status == 405);
    return ProjectHarness::HeaderOf(response, "Allow");
  };
  CHECK(allow_of("PATCH", "/api/v1/projects") == "POST, GET");
  CHECK(allow_of("OPTIONS", api.base + "/events") == "POST, GET");
  CHECK(allow_of("TRACE", api.base) == "GET, PUT, POST, DELETE");
  CHECK(allow_of("get", api.base) == "GET, PUT, POST, DELETE");
  CHECK(allow_of("POST", api.base + "/endpoints/x/pause") == "PUT");
  CHECK(allow_of("POST", "/healthz") == "GET, HEAD");
  CHECK(allow_of("HEAD", api.base + "/events") == "POST, GET");
  CHECK(api.Send("PATCH", "/api/v1/projects", "", "").status == 401);

  const std::string mask = ProjectHarness::Field(
      api.Do(201, "POST", "/sources", R"({"name":"s","type":"http"})"), "data.mask_id");
  CHECK(allow_of("DELETE", "/ingest/" + mask) == "POST, PUT, PATCH");
  CHECK(allow_of("OPTIONS", "/ingest/" + mask) == "POST, PUT, PATCH");
}

TEST_CASE("router: an answer to HEAD has no body") {
  ProjectHarness api;
  const HttpResponse alive = api.Send("HEAD", "/healthz", "", "");
  CHECK(alive.status == 200);
  CHECK(alive.body.empty());
  CHECK(api.Send("HEAD", api.base, "", api.instance_key).body.empty());
}

TEST_CASE("router: a path is taken as it is spelt") {
  ProjectHarness api;
  const std::string endpoint = api.AddEndpoint(api.project);
  api.Do(200, "GET", "/endpoints/" + endpoint + "/");
  std::string encoded = endpoint;
  encoded.replace(0, 1, "%30");
  REQUIRE(endpoint[0] == '0');
  api.Do(200, "GET", "/endpoints/" + encoded);
  for (const std::string& path :
       {std::string("/endpoints//"), std::string("//endpoints"), "/endpoints/" + endpoint + "//",
        "/endpoints/" + endpoint + "%00", "/endpoints/" + endpoint + "/../" + endpoint,
        std::string("/endpoints/../endpoints"), std::string("/endpoints/%"),
        std::string("/endpoints/%zz"), std::string("/endpoints/%ff%fe"),
        std::string("/endpoints/%2e%2e"), "/endpoints%2f" + endpoint, std::string("/./endpoints"),
        std::string("/Endpoints"), "/endpoints/" + std::string(100'000, 'a'),
        "/endpoints/" + endpoint + " ", std::string("/endpoints/..%2f..%2f..%2f")}) {
    INFO(path.substr(0, 80));
    api.Do(404, "GET", path);
  }
  api.Expect(404, "GET", "/api/v1/", "", api.instance_key);
  for (const std::string& mask : {std::string("%00"), std::string("a/b"), std::string("a%2fb"),
                                  std::string("%"), std::string(100'000, 'a'), std::string("..")}) {
    CHECK(api.Send("POST", "/ingest/" + mask, "{}", "").status == 404);
  }
}

TEST_CASE("router: only JSON is read") {
  ProjectHarness api;
  const auto status_of = [&](std::string_view type) {
    return api.Send("GET", api.base, "", api.instance_key, {{"Content-Type", type}}).status;
  };
  CHECK(status_of("") == 200);
  CHECK(status_of("application/json") == 200);
  CHECK(status_of("Application/JSON; charset=utf-8") == 200);
  CHECK(status_of("application/json ;charset=utf-8") == 200);
  for (const char* type : {"application/jsonx", "application/json-patch+json", "text/plain",
                           "application/x-www-form-urlencoded", "application", ";"}) {
    INFO(type);
    CHECK(status_of(type) == 415);
  }
}

}  // namespace
}  // namespace convoy::http
