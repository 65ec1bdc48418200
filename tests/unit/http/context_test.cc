// Shared parts of handlers: bodies, optimistic commits that are overtaken, and common response
// headers.
#include "lib/http/request/context.h"

#include <catch2/catch.hpp>

#include "lib/storage/write_tries.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

TEST_CASE("context: a change that is overtaken is made anew from what they wrote") {
  ProjectHarness api("incoming");
  const std::string endpoint = "/endpoints/" + api.AddEndpoint(api.project);
  const std::string source =
      "/sources/" +
      ProjectHarness::Field(api.Do(201, "POST", "/sources", R"({"name":"s","type":"http"})"),
                            "data.uid");
  int rounds = 0;
  const auto pause_first = [&] {
    if (rounds++ == 0) api.Do(202, "PUT", endpoint + "/pause");
  };
  const HttpResponse renamed =
      api.Send("PUT", api.base + endpoint, R"({"name":"new","url":"https://x.test/"})",
               api.instance_key, {}, pause_first);
  CHECK(rounds == 2);
  CHECK(ProjectHarness::Field(renamed.body, "data.status") == "paused");
  CHECK(ProjectHarness::Field(renamed.body, "data.name") == "new");
  CHECK_FALSE(ProjectHarness::HeaderOf(renamed, "X-Request-ID").empty());

  rounds = 0;
  const auto disable_first = [&] {
    if (rounds++ == 0) {
      api.Do(202, "PUT", source, R"({"name":"s","type":"http","is_disabled":true})");
    }
  };
  const HttpResponse answer = api.Send("PUT", api.base + source, R"({"name":"new","type":"http"})",
                                       api.instance_key, {}, disable_first);
  CHECK(rounds == 2);
  CHECK(ProjectHarness::Field(answer.body, "data.is_disabled") == "true");
  const std::string kept = api.Do(200, "GET", source);
  CHECK(ProjectHarness::Field(kept, "data.is_disabled") == "true");
  CHECK(ProjectHarness::Field(kept, "data.name") == "new");
}

TEST_CASE("context: an update does not bring back what was deleted meanwhile") {
  ProjectHarness api;
  const std::string source =
      "/sources/" +
      ProjectHarness::Field(api.Do(201, "POST", "/sources", R"({"name":"s","type":"http"})"),
                            "data.uid");
  bool is_deleted = false;
  const HttpResponse answer = api.Send("PUT", api.base + source, R"({"name":"n","type":"http"})",
                                       api.instance_key, {}, [&] {
                                         if (!is_deleted) api.Do(200, "DELETE", source);
                                         is_deleted = true;
                                       });
  CHECK(answer.status == 404);
  api.Do(404, "GET", source);
}

TEST_CASE("context: a change that is always too late is told so, and nothing is changed") {
  ProjectHarness api;
  const std::string endpoint = "/endpoints/" + api.AddEndpoint(api.project);
  int rounds = 0;
  const HttpResponse answer =
      api.Send("PUT", api.base + endpoint, R"({"name":"late","url":"https://x.test/"})",
               api.instance_key, {}, [&] {
                 ++rounds;
                 api.AddEndpoint(api.project);
               });
  CHECK(answer.status == 409);
  CHECK(rounds == storage::WriteTries::kTriesMax);
  CHECK(ProjectHarness::Field(answer.body, "message").find("try again") != std::string::npos);
  CHECK_FALSE(ProjectHarness::HeaderOf(answer, "X-Request-ID").empty());
  CHECK(ProjectHarness::Field(api.Do(200, "GET", endpoint), "data.name") == "e");

  const std::string event = R"({"event_type":"t","data":{},"endpoint_id":")" +
                            endpoint.substr(std::string("/endpoints/").size()) + "\"}";
  CHECK(api.Send("POST", api.base + "/events", event, api.instance_key, {},
                 [&] { api.AddEndpoint(api.project); })
            .status == 409);
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/events"), "data.content") == "[]");
}

TEST_CASE("context: a key that stands twice is refused at any depth") {
  ProjectHarness api;
  const std::string endpoint = api.AddEndpoint(api.project);
  const std::pair<const char*, std::string> cases[] = {
      {"/endpoints", R"({"name":"a","url":"https://x.test/","name":"b"})"},
      {"/subscriptions", R"({"name":"s","endpoint_id":")" + endpoint +
                             R"(","filter_config":{"filter":{"body":{"a":1},"body":"x"}}})"},
      {"/subscriptions",
       R"({"name":"s","endpoint_id":")" + endpoint +
           R"(","filter_config":{"filter":{"body":{"$or":[{"a":1,"\u0061":2}]}}}})"},
      {"/events", R"({"event_type":"t","data":{},"data":{},"endpoint_id":")" + endpoint + "\"}"},
      {"/events", R"({"event_type":"t","data":{},"custom_headers":{"A":"1","A":"2"},)"
                  R"("endpoint_id":")" +
                      endpoint + "\"}"},
  };
  for (const auto& [path, body] : cases) {
    INFO(body);
    CHECK(api.MessageOf("POST", path, body).ends_with("twice"));
  }
  // The content of a payload is not checked.
  api.Do(201, "POST", "/events",
         R"({"event_type":"t","data":{"a":1,"a":2},"endpoint_id":")" + endpoint + "\"}");
}

TEST_CASE("context: refusals say who is asked for and stay short") {
  ProjectHarness api;
  const HttpResponse refused = api.Send("GET", api.base, "", "nonsense");
  CHECK(refused.status == 401);
  CHECK(ProjectHarness::HeaderOf(refused, "WWW-Authenticate") == "Bearer");
  const std::string name(1'000'000, 'k');
  const HttpResponse repeated = api.Send(
      "POST", api.base + "/sources", "{\"" + name + "\":1,\"" + name + "\":2}", api.instance_key);
  CHECK(repeated.status == 400);
  CHECK(repeated.body.size() < 2'000);
  const HttpRequest head = {.method = "GET", .path = "/api/v1/projects"};
  const HeadDecision decision = api.api.InspectHead(head);
  REQUIRE(decision.refusal.has_value());
  CHECK_FALSE(ProjectHarness::HeaderOf(*decision.refusal, "X-Request-ID").empty());
}

TEST_CASE("context: the head alone is enough to refuse a path, a method or a type") {
  ProjectHarness api;
  const std::string authorization = "Bearer " + api.instance_key;
  const auto status_of = [&](std::string_view method, const std::string& path,
                             std::string_view type) {
    const HeaderView headers[] = {{"Authorization", authorization}, {"Content-Type", type}};
    const HeadDecision decision =
        api.api.InspectHead({.method = method, .path = path, .headers = headers});
    return decision.refusal.has_value() ? decision.refusal->status : 0;
  };
  CHECK(status_of("POST", api.base + "/events", "application/json") == 0);
  CHECK(status_of("POST", api.base + "/events", "text/plain") == 415);
  CHECK(status_of("POST", api.base + "/nothing", "") == 404);
  CHECK(status_of("PATCH", api.base + "/events", "") == 405);
}

}  // namespace
}  // namespace convoy::http
