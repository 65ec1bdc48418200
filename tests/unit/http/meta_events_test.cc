// Meta events: which happenings make one, and that they stay apart from the project's own events.
#include <catch2/catch.hpp>

#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

struct Told : ProjectHarness {
  explicit Told(const std::string& extra = "") {
    Configure(R"("is_enabled":true,"url":"https://m.test/","secret":"meta-secret")" + extra);
  }
  void Configure(const std::string& settings) {
    Do(202, "PUT", "", R"({"name":"p","config":{"meta_event":{)" + settings + "}}}");
  }
  // Oldest first.
  std::string Types() {
    std::string types;
    const std::string list = Do(200, "GET", "/meta-events?sort=ASC&perPage=100");
    const std::string content = Field(list, "data.content");
    const auto items = json::ScanArray(content, {}).value();
    for (const json::RawValue& item : items) {
      types += *json::FindPath(item.text, "event_type", {})->AsString() + " ";
    }
    return types;
  }
};

TEST_CASE("meta_events: changes of endpoints and of the project are told") {
  Told api;
  CHECK(api.Types() == "project.updated ");
  const std::string endpoint = api.AddEndpoint(api.project, R"(,"secret":"hidden-secret")");
  api.Do(202, "PUT", "/endpoints/" + endpoint + "/pause");
  api.Do(400, "PUT", "/endpoints/none/pause");
  api.Do(200, "DELETE", "/endpoints/" + endpoint);
  CHECK(api.Types() == "project.updated endpoint.created endpoint.updated endpoint.deleted ");
  const std::string list = api.Do(200, "GET", "/meta-events");
  CHECK(list.find("hidden-secret") == std::string::npos);
  CHECK(list.find("meta-secret") == std::string::npos);
  CHECK(ProjectHarness::Field(list, "data.content.0.metadata.data.data.uid") == endpoint);
  CHECK(ProjectHarness::Field(list, "data.content.0.status") == "Scheduled");
}

TEST_CASE("meta_events: only the types that are asked for, and only while they are enabled") {
  Told api(R"(,"event_type":["endpoint.deleted"])");
  const std::string first = api.AddEndpoint(api.project);
  api.Do(200, "DELETE", "/endpoints/" + first);
  CHECK(api.Types() == "endpoint.deleted ");
  api.Configure(R"("is_enabled":false)");
  api.Do(200, "DELETE", "/endpoints/" + api.AddEndpoint(api.project));
  CHECK(api.Types() == "endpoint.deleted ");
}

TEST_CASE("meta_events: what carries them is no project that a request can name") {
  Told api;
  const std::string list = api.Expect(200, "GET", "/api/v1/projects", "", api.instance_key);
  CHECK(json::ScanArray(ProjectHarness::Field(list, "data"), {}).value().size() == 1);
  const auto stored = api.storage->GetConfig(ConfigKind::kProject, "", api.project).value();
  const std::string carrier = DecodeConfig<Project>(stored)->config.meta_events->project_id;
  REQUIRE_FALSE(carrier.empty());
  api.Expect(404, "GET", "/api/v1/projects/" + carrier, "", api.instance_key);
  api.Expect(404, "GET", "/api/v1/projects/" + carrier + "/endpoints", "", api.instance_key);
  for (const char* list_of : {"/events", "/eventdeliveries", "/endpoints", "/subscriptions"}) {
    CHECK(ProjectHarness::Field(api.Do(200, "GET", list_of), "data.content") == "[]");
  }
  api.Do(200, "DELETE", "");
  CHECK(absl::IsNotFound(api.storage->GetConfig(ConfigKind::kProject, "", carrier).status()));
}

TEST_CASE("meta_events: an imported project tells, too") {
  ProjectHarness api;
  const std::string id = "01HPROJECT0000000000000001";
  api.Expect(200, "POST", "/api/v1/import",
             R"({"projects":[{"uid":")" + id + R"(","name":"m","type":"outgoing","config":{
                 "meta_event":{"is_enabled":true,"url":"https://m.test/"}}}]})",
             api.instance_key);
  api.AddEndpoint(id);
  const std::string list =
      api.Expect(200, "GET", "/api/v1/projects/" + id + "/meta-events", "", api.instance_key);
  CHECK(ProjectHarness::Field(list, "data.content.0.event_type") == "endpoint.created");
}

TEST_CASE("meta_events: settings are checked by name, and a viewer does not see the secret") {
  ProjectHarness api;
  const auto message = [&](const std::string& settings) {
    return api.MessageOf("PUT", "", R"({"name":"p","config":{"meta_event":{)" + settings + "}}}");
  };
  CHECK(message(R"("is_enabled":true)").starts_with("config.meta_event.url:"));
  CHECK(message(R"("is_enabled":true,"url":"x")").starts_with("config.meta_event.url:"));
  CHECK(message(R"("is_enabled":true,"url":"https://m.test/","type":"pub_sub")")
            .starts_with("config.meta_event.type:"));
  CHECK(message(R"("is_enabled":true,"url":"https://m.test/","event_type":["x"])")
            .starts_with("config.meta_event.event_type:"));
  CHECK(message(R"("is_enabled":true,"url":"https://m.test/","pub_sub":{"type":"sqs"})")
            .starts_with("config.meta_event.pub_sub:"));
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/meta-events"), "data.content") == "[]");
  api.Do(404, "GET", "/meta-events/none");
  api.Do(404, "PUT", "/meta-events/none/resend");
  api.Do(202, "PUT", "",
         R"({"name":"p","config":{"meta_event":{"is_enabled":true,"url":"https://m.test/",
             "secret":"meta-secret"}}})");
  const std::string viewer = api.AddKey(Role::kProjectViewer, api.project);
  CHECK(api.Expect(200, "GET", api.base, "", viewer).find("meta-secret") == std::string::npos);
  CHECK(api.Do(200, "GET", "").find("meta-secret") != std::string::npos);
}

}  // namespace
}  // namespace convoy::http
