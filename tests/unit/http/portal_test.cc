// Portal links: tokens, and what they show and change.
#include <catch2/catch.hpp>

#include "lib/http/router.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

// Two owners with an endpoint each, an event for each of them and one for both, and a link of
// ann's.
struct Portal : ProjectHarness {
  Portal()
      : ann(AddEndpoint(project, R"(,"owner_id":"ann","secret":"secret-of-ann")")),
        bob(AddEndpoint(project, R"(,"owner_id":"bob")")) {
    for (const std::string& endpoint : {ann, bob}) {
      Do(201, "POST", "/events",
         R"({"endpoint_id":")" + endpoint + R"(","event_type":"t","data":{"to":")" + endpoint +
             "\"}}");
    }
    Do(201, "POST", "/events/broadcast", R"({"event_type":"t","data":{"to":"all"}})");
    Make(R"("can_manage_endpoint":true)");
  }

  void Make(const std::string& extra) {
    const std::string made =
        Do(201, "POST", "/portal-links", R"({"name":"l","owner_id":"ann",)" + extra + "}");
    link = Field(made, "data.uid");
    token = Field(made, "data.token");
  }

  int Status(std::string_view method, const std::string& path, std::string_view body = "",
             const std::string* with = nullptr) {
    return Send(method, base + path, body, with == nullptr ? token : *with).status;
  }
  std::string Read(const std::string& path) { return Expect(200, "GET", base + path, "", token); }

  const std::string ann;
  const std::string bob;
  std::string link;
  std::string token;
};

TEST_CASE("portal: a token is shown once, and its text is not stored") {
  Portal api;
  CHECK(api.token.starts_with("PRT."));
  for (const char* path : {"/portal-links", "/portal-links/"}) {
    const std::string answer =
        api.Do(200, "GET", path + (std::string(path).ends_with('/') ? api.link : ""));
    CHECK(answer.find("PRT.") == std::string::npos);
  }
  const std::string secret = api.token.substr(api.token.rfind('.') + 1);
  const auto record =
      api.storage->GetConfig(ConfigKind::kPortalLink, api.project, api.link).value();
  CHECK(record.document.find(secret) == std::string::npos);
}

TEST_CASE("portal: lists and reads hold what belongs to the owner, and nothing else") {
  Portal api;
  CHECK(api.Read("/endpoints").find(api.bob) == std::string::npos);
  CHECK(api.Read("/endpoints").find(api.ann) != std::string::npos);
  for (const char* list : {"/endpoints", "/events", "/eventdeliveries", "/subscriptions"}) {
    INFO(list);
    const std::string mine = api.Read(list);
    CHECK(mine.find(api.ann) != std::string::npos);
    CHECK(mine.find(api.bob) == std::string::npos);
    const std::string asked = api.Read(std::string(list) + "?endpointId=" + api.bob + "&ownerId=" +
                                       (list[1] == 'e' && list[3] == 'd' ? "bob" : ""));
    CHECK(asked.find(api.bob) == std::string::npos);
    const std::string everything = api.Do(200, "GET", std::string(list) + "?perPage=100");
    const std::string content = ProjectHarness::Field(everything, "data.content");
    const std::vector<json::RawValue> items = json::ScanArray(content, {}).value();
    for (const json::RawValue& item : items) {
      const std::string id = *json::FindPath(item.text, "uid", {})->AsString();
      const bool is_mine = mine.find("\"uid\":\"" + id) != std::string::npos;
      CHECK(api.Status("GET", std::string(list) + "/" + id) == (is_mine ? 200 : 404));
    }
  }
  CHECK(api.Read("/endpoints/period-failure-rates?endpointId=" + api.bob).find("success_count") ==
        std::string::npos);
}

TEST_CASE("portal: only routes that are made for it let a token in") {
  Portal api;
  size_t let_in = 0;
  for (const Route& route : Routes()) {
    const std::string_view method = route.methods.substr(0, route.methods.find(' '));
    std::string path(route.path);
    for (size_t at = path.find('{'); at != path.npos; at = path.find('{')) {
      path.replace(at, path.find('}') - at + 1, at < 20 ? api.project : "none");
    }
    INFO(method << " " << path);
    const int status = api.Send(method, path, "{}", api.token).status;
    if (route.portal == PortalAccess::kNone) {
      CHECK(status == 403);
    } else {
      CHECK(status != 403);
      CHECK(status != 401);
      ++let_in;
    }
  }
  CHECK(let_in == 22);
}

TEST_CASE("portal: a manager changes endpoints of the owner, which stay the owner's") {
  Portal api;
  const std::string body = R"({"name":"n","url":"https://n.test/","owner_id":"bob"})";
  const std::string made = api.Expect(201, "POST", api.base + "/endpoints", body, api.token);
  CHECK(ProjectHarness::Field(made, "data.owner_id") == "ann");
  const std::string updated =
      api.Expect(202, "PUT", api.base + "/endpoints/" + api.ann, body, api.token);
  CHECK(ProjectHarness::Field(updated, "data.owner_id") == "ann");
  CHECK(api.Read("/endpoints/" + api.ann).find("secret-of-ann") != std::string::npos);
  for (const auto& [method, path] :
       {std::pair("PUT", ""), std::pair("DELETE", ""), std::pair("PUT", "/pause"),
        std::pair("POST", "/activate"), std::pair("PUT", "/expire_secret")}) {
    INFO(method << path);
    CHECK(api.Status(method, "/endpoints/" + api.bob + path, body) == 400);
  }
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/endpoints/" + api.bob), "data.name") == "e");
}

TEST_CASE("portal: a manager cannot reach the host's own process, and learns no name of it") {
  Portal api;
  api.options.local_names = {"mailer"};
  const std::string local = ProjectHarness::Field(
      api.Do(201, "POST", "/endpoints", R"({"name":"l","url":"local:mailer","owner_id":"ann"})"),
      "data.uid");
  for (const char* url : {"local:mailer", "local:none", "LOCAL:mailer"}) {
    INFO(url);
    const std::string body = R"({"name":"n","url":")" + std::string(url) + "\"}";
    for (const auto& [method, path] :
         {std::pair("POST", std::string()), std::pair("PUT", "/" + api.ann)}) {
      const std::string answer =
          api.Expect(400, method, api.base + "/endpoints" + path, body, api.token);
      CHECK(ProjectHarness::Field(answer, "message").starts_with("url:"));
      CHECK(answer.find("mailer") == std::string::npos);
    }
  }
  const std::string kept = R"({"name":"renamed","url":"local:mailer"})";
  CHECK(api.Status("PUT", "/endpoints/" + local, kept) == 202);
  CHECK(api.Status("PUT", "/endpoints/" + local, R"({"name":"n","url":"local:other"})") == 400);
}

TEST_CASE("portal: the endpoints that a manager makes are bounded") {
  Portal api;
  Endpoint endpoint;
  endpoint.project_id = api.project;
  endpoint.owner_id = "ann";
  endpoint.url = "https://x.test/";
  WriteBatch batch;
  batch.config.push_back({.scope = api.project,
                          .expected_revision = api.storage->ConfigRevision(api.project).value()});
  for (int i = 0; i < 998; ++i) {
    endpoint.id = "e" + std::to_string(i);
    batch.config.back().puts.push_back(endpoint);
  }
  REQUIRE(api.Commit(batch).status.ok());
  const std::string body = R"({"name":"n","url":"https://n.test/"})";
  CHECK(api.Status("POST", "/endpoints", body) == 201);
  const std::string refused = api.Expect(400, "POST", api.base + "/endpoints", body, api.token);
  CHECK(ProjectHarness::Field(refused, "message") ==
        "owner_id:has 1000 endpoints, a portal cannot make more");
  api.Do(201, "POST", "/endpoints", R"({"name":"n","url":"https://n.test/","owner_id":"ann"})");
}

TEST_CASE("portal: another owner of a link ends its tokens") {
  Portal api;
  const std::string same =
      api.Do(202, "PUT", "/portal-links/" + api.link, R"({"name":"l","owner_id":"ann"})");
  CHECK(ProjectHarness::Field(same, "data.token").empty());
  CHECK(api.Status("GET", "/endpoints") == 200);
  const std::string changed =
      api.Do(202, "PUT", "/portal-links/" + api.link, R"({"name":"l","owner_id":"bob"})");
  CHECK(api.Status("GET", "/endpoints") == 401);
  const std::string token = ProjectHarness::Field(changed, "data.token");
  CHECK(api.Status("GET", "/endpoints/" + api.bob, "", &token) == 200);
  CHECK(api.Status("GET", "/endpoints/" + api.ann, "", &token) == 404);
}

TEST_CASE("portal: without the right to manage a token only looks, and sees no secret") {
  Portal api;
  api.Make(R"("can_manage_endpoint":false)");
  CHECK(api.Status("PUT", "/endpoints/" + api.ann + "/pause") == 403);
  CHECK(api.Status("POST", "/endpoints", "{}") == 403);
  CHECK(api.Read("/endpoints/" + api.ann).find("secret-of-ann") == std::string::npos);
}

TEST_CASE("portal: a revoked link, a passed token and one of another link are refused") {
  Portal api;
  const std::string first = api.token;
  api.Make(R"("auth_type":"refresh_token")");
  CHECK(api.token.empty());
  const std::string passing = ProjectHarness::Field(
      api.Do(200, "GET", "/portal-links/" + api.link + "/refresh_token"), "data");
  CHECK(api.Status("GET", "/endpoints", "", &passing) == 200);
  api.clock.Advance(absl::Minutes(61));
  CHECK(api.Status("GET", "/endpoints", "", &passing) == 401);
  CHECK(api.Status("GET", "/endpoints", "", &first) == 200);
  std::string forged = first;
  forged.back() = forged.back() == 'a' ? 'b' : 'a';
  CHECK(api.Status("GET", "/endpoints", "", &forged) == 401);

  const std::string other = api.AddProject("outgoing", "other");
  CHECK(api.Send("GET", "/api/v1/projects/" + other + "/endpoints", "", first).status == 403);

  const std::string links = api.Do(200, "GET", "/portal-links?q=l");
  const std::string id = ProjectHarness::Field(links, "data.content.1.uid");
  api.Do(200, "PUT", "/portal-links/" + id + "/revoke");
  CHECK(api.Status("GET", "/endpoints", "", &first) == 401);
  api.Do(404, "GET", "/portal-links/" + id);
  api.Do(404, "PUT", "/portal-links/" + id + "/revoke");
}

TEST_CASE("portal: a link claims endpoints without an owner, all or none") {
  Portal api;
  const std::string free = api.AddEndpoint(api.project);
  const auto body = [&](const std::string& ids) {
    return R"({"name":"l","owner_id":"eve","endpoints":[)" + ids + "]}";
  };
  CHECK(api.MessageOf("POST", "/portal-links", body("\"" + free + "\",\"" + api.bob + "\"")) ==
        "endpoint " + api.bob + " already has owner_id bob");
  CHECK(api.MessageOf("POST", "/portal-links", body("\"none\"")) == "failed to find endpoint none");
  CHECK(api.Do(200, "GET", "/endpoints/" + free).find("owner_id") == std::string::npos);
  const std::string made = api.Do(201, "POST", "/portal-links", body("\"" + free + "\""));
  CHECK(ProjectHarness::Field(made, "data.endpoint_count") == "1");
  CHECK(ProjectHarness::Field(made, "data.endpoints.0") == free);
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/endpoints/" + free), "data.owner_id") == "eve");
}

TEST_CASE("portal: an update takes rights away that it does not name, and keeps owner and token") {
  Portal api;
  const std::string answer =
      api.Do(202, "PUT", "/portal-links/" + api.link, R"({"name":"renamed"})");
  CHECK(ProjectHarness::Field(answer, "data.can_manage_endpoint") == "false");
  CHECK(ProjectHarness::Field(answer, "data.owner_id") == "ann");
  CHECK(api.Status("GET", "/endpoints") == 200);
  CHECK(api.Status("POST", "/endpoints", "{}") == 403);
  // Another kind of token ends those of the first.
  const std::string changed = api.Do(202, "PUT", "/portal-links/" + api.link,
                                     R"({"name":"r","auth_type":"refresh_token"})");
  CHECK(ProjectHarness::Field(changed, "data.auth_key").starts_with("PRT."));
  CHECK(api.Status("GET", "/endpoints") == 401);
  for (const char* body : {"{}", R"({"name":"x","auth_type":"none"})", R"({"owner_id":"x"})"}) {
    api.Do(400, "PUT", "/portal-links/" + api.link, body);
    api.Do(400, "POST", "/portal-links", body);
  }
}

}  // namespace
}  // namespace convoy::http
