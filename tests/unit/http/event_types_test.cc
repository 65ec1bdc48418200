// Event types and the filters of subscriptions for them.
#include <catch2/catch.hpp>

#include "lib/json/writer.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

// The body of an import of a document.
std::string Import(std::string_view spec) {
  return json::Writer().BeginObject().Field("spec", spec).EndObject().TakeText();
}

struct Typed : ProjectHarness {
  std::string Names() {
    const std::string answer = Do(200, "GET", "/event-types");
    std::string names;
    const std::string data = Field(answer, "data");
    const auto types = json::ScanArray(data, {}).value();
    for (const json::RawValue& type : types) {
      names += *json::FindPath(type.text, "name", {})->AsString() + " ";
    }
    return names;
  }
};

struct Filtered : Typed {
  Filtered() {
    const std::string made =
        Do(201, "POST", "/subscriptions",
           R"({"name":"s","endpoint_id":")" + AddEndpoint(project) +
               R"(","filter_config":{"event_types":["a"],"filter":{"body":{"x":1}}}})");
    subscription = Field(made, "data.uid");
    path = "/subscriptions/" + subscription;
  }
  bool Passes(const std::string& type, const std::string& body) {
    return Field(Do(200, "POST", path + "/filters/test/" + type,
                    R"({"request":{"body":)" + body + "}}"),
                 "data.is_match") == "true";
  }
  std::string subscription;
  std::string path;
};

TEST_CASE("event_types: a project has the one of all events, and those that subscriptions name") {
  Filtered api;
  CHECK(api.Names() == "a * ");
  api.Do(202, "PUT", api.path, R"({"filter_config":{"event_types":["a","b.*"]}})");
  CHECK(api.Names() == "b.* a * ");
}

TEST_CASE("event_types: a name is given once in a project, and cannot be changed") {
  Typed api;
  const std::string made = api.Do(201, "POST", "/event-types", R"({"name":"t"})");
  CHECK(ProjectHarness::Field(made, "data.json_schema") == "null");
  CHECK(api.MessageOf("POST", "/event-types", R"({"name":"t"})") ==
        "an event type with this name already exists");
  const std::string path = "/event-types/" + ProjectHarness::Field(made, "data.uid");
  CHECK(api.MessageOf("PUT", path, R"({"name":"u"})").starts_with("name:"));
  CHECK(api.MessageOf("POST", "/event-types", "{}").starts_with("name:"));
  CHECK(api.MessageOf("POST", "/event-types", R"({"name":"s","json_schema":[]})")
            .find("json_schema") != std::string::npos);
  const std::string other = "/api/v1/projects/" + api.AddProject("outgoing", "other");
  api.Expect(201, "POST", other + "/event-types", R"({"name":"t"})", api.instance_key);
  api.Expect(404, "PUT", other + path, "{}", api.instance_key);
}

TEST_CASE("event_types: an update keeps what it does not name, and a type is deprecated once") {
  Typed api;
  const std::string made = api.Do(
      201, "POST", "/event-types",
      R"({"name":"t","category":"c","description":"d","json_schema":{"type":"object","n":1.50}})");
  const std::string path = "/event-types/" + ProjectHarness::Field(made, "data.uid");
  const std::string updated = api.Do(201, "PUT", path, R"({"description":"e"})");
  CHECK(ProjectHarness::Field(updated, "data.category") == "c");
  CHECK(ProjectHarness::Field(updated, "data.description") == "e");
  CHECK(ProjectHarness::Field(updated, "data.json_schema") == R"({"type":"object","n":1.50})");
  const std::string first = api.Do(201, "POST", path + "/deprecate");
  api.clock.Advance(absl::Seconds(5));
  const std::string again = api.Do(201, "POST", path + "/deprecate");
  CHECK(ProjectHarness::Field(first, "data.deprecated_at") ==
        ProjectHarness::Field(again, "data.deprecated_at"));
  api.Do(404, "POST", "/event-types/none/deprecate");
}

TEST_CASE(
    "event_types: an OpenAPI document makes types of its webhooks, and describes known ones") {
  Typed api;
  api.Do(201, "POST", "/event-types", R"({"name":"known","category":"kept"})");
  const std::string answer = api.Do(200, "POST", "/event-types/import", Import(R"({
      "openapi":"3.1.0","webhooks":{
        "known":{"post":{"summary":"s","requestBody":{"content":{"application/json":
          {"schema":{"$ref":"#/components/schemas/K"}}}}}},
        "new":{"post":{"description":"d","requestBody":{"content":{"application/json":
          {"schema":{"type":"object"}}}}}}},
      "components":{"schemas":{"K":{"type":"array"}}}})"));
  CHECK(ProjectHarness::Field(answer, "data.0.category") == "kept");
  CHECK(ProjectHarness::Field(answer, "data.0.description") == "s");
  CHECK(ProjectHarness::Field(answer, "data.0.json_schema") == R"({"type":"array"})");
  CHECK(ProjectHarness::Field(answer, "data.1.name") == "new");
  CHECK(api.Names() == "new known * ");
}

TEST_CASE("event_types: what is no OpenAPI document is refused, and nothing is imported") {
  Typed api;
  for (const char* spec :
       {"", "openapi: 3.1.0", "[]", R"({"openapi":"2.0"})",
        R"({"openapi":"3.1.0","webhooks":{"a":1}})", R"({"openapi":"3.1.0","webhooks":{"":{}}})",
        R"({"openapi":"3.1.0","webhooks":{"a":{},"":{}}})"}) {
    INFO(spec);
    CHECK(api.MessageOf("POST", "/event-types/import", Import(spec)).starts_with("spec"));
  }
  CHECK(ProjectHarness::Field(
            api.Do(200, "POST", "/event-types/import", Import(R"({"openapi":"3.1.0"})")), "data") ==
        "[]");
  CHECK(api.Names() == "* ");
}

TEST_CASE("event_types: an import is bounded in all, and has no key twice") {
  Typed api;
  const auto webhook = [](const std::string& name, size_t bytes) {
    return "\"" + name +
           R"(":{"post":{"requestBody":{"content":{"application/json":{"schema":{"a":")" +
           std::string(bytes, 'x') + "\"}}}}}}";
  };
  std::string webhooks;
  for (int i = 0; i < 16; ++i) webhooks += webhook("t" + std::to_string(i), 250 * 1024) + ",";
  const auto spec = [](const std::string& of) {
    return Import(R"({"openapi":"3.1.0","webhooks":{)" + of + "}}");
  };
  CHECK(api.MessageOf("POST", "/event-types/import", spec(webhooks + webhook("u", 250 * 1024)))
            .starts_with("spec.webhooks:"));
  CHECK(api.MessageOf("POST", "/event-types/import", spec(R"("a":{},"a":{})")).find("\"a\"") !=
        std::string::npos);
  CHECK(api.MessageOf("POST", "/event-types/import", spec(R"("a\u0000":{})"))
            .starts_with("spec.webhooks:"));
  CHECK(api.Names() == "* ");
  api.Do(200, "POST", "/event-types/import", spec(webhooks + webhook("u", 1)));
}

TEST_CASE("event_types: a list leaves out the schemas that would make it too long") {
  Typed api;
  WriteBatch batch;
  batch.config.push_back({.scope = api.project,
                          .expected_revision = api.storage->ConfigRevision(api.project).value()});
  EventType type;
  type.project_id = api.project;
  type.json_schema = R"({"a":")" + std::string(250 * 1024, 'x') + "\"}";
  constexpr int kCount = 100;
  for (int i = 0; i < kCount; ++i) {
    type.id = type.name = "t" + std::to_string(i);
    batch.config.back().puts.push_back(type);
  }
  REQUIRE(api.Commit(batch).status.ok());
  const std::string answer = api.Do(200, "GET", "/event-types");
  CHECK(answer.size() < 17 * 1024 * 1024);
  CHECK(answer.size() > 15 * 1024 * 1024);
  const std::string data = ProjectHarness::Field(answer, "data");
  CHECK(json::ScanArray(data, {}).value().size() == kCount + 1);
}

TEST_CASE("event_types: a subscription may name one twice") {
  Typed api;
  api.Do(201, "POST", "/subscriptions",
         R"({"name":"s","endpoint_id":")" + api.AddEndpoint(api.project) +
             R"(","filter_config":{"event_types":["a","a"]}})");
  CHECK(api.Names() == "a * ");
}

TEST_CASE("filters: each part is bounded, and all of a subscription's are") {
  Typed api;
  const std::string endpoint = api.AddEndpoint(api.project);
  const auto body = [&](size_t types_count, size_t bytes) {
    std::string types;
    for (size_t i = 0; i < types_count; ++i) {
      types += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\"";
    }
    return R"({"name":"s","endpoint_id":")" + endpoint + R"(","filter_config":{"event_types":[)" +
           types + R"(],"filter":{"body":{"a":")" + std::string(bytes, 'x') + "\"}}}}";
  };
  CHECK(api.MessageOf("POST", "/subscriptions", body(1, 64 * 1024)) ==
        "filter_config.filter.body:must not be longer than 65536 bytes");
  CHECK(api.MessageOf("POST", "/subscriptions", body(17, 63 * 1024)).starts_with("filters:"));
  const std::string made = api.Do(201, "POST", "/subscriptions", body(16, 63 * 1024));
  const std::string path = "/subscriptions/" + ProjectHarness::Field(made, "data.uid");
  CHECK(api.MessageOf("PUT", path, body(17, 63 * 1024)).starts_with("filters:"));
  api.Do(201, "POST", "/event-types", R"({"name":"u"})");
  const std::string part =
      R"({"event_type":"u","body":{"a":")" + std::string(63 * 1024, 'x') + "\"}}";
  CHECK(api.MessageOf("POST", path + "/filters", part).starts_with("filters:"));
  CHECK(api.MessageOf("POST", path + "/filters/bulk", "[" + part + "]").starts_with("filters:"));
  const std::string filters = api.Do(200, "GET", path + "/filters");
  const std::string id = ProjectHarness::Field(filters, "data.0.uid");
  api.Do(200, "PUT", path + "/filters/" + id, R"({"body":{}})");
  api.Do(201, "POST", path + "/filters", part);
}

TEST_CASE("filters: a filter adds no type that is no pattern, and none beyond the bound") {
  Typed api;
  std::string types;
  for (int i = 0; i < 256; ++i) types += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\"";
  const std::string made = api.Do(201, "POST", "/subscriptions",
                                  R"({"name":"s","endpoint_id":")" + api.AddEndpoint(api.project) +
                                      R"(","filter_config":{"event_types":[)" + types + "]}}");
  const std::string filters =
      "/subscriptions/" + ProjectHarness::Field(made, "data.uid") + "/filters";
  for (const char* name : {"a*b", "u"}) {
    api.Do(201, "POST", "/event-types", R"({"name":")" + std::string(name) + "\"}");
  }
  const std::string list = api.Do(200, "GET", filters);
  api.Do(200, "DELETE", filters + "/" + ProjectHarness::Field(list, "data.0.uid"));
  const std::string id = ProjectHarness::Field(list, "data.1.uid");
  for (const std::string name : {"a*b", "u"}) {
    INFO(name);
    const std::string body = R"({"event_type":")" + name + "\"}";
    CHECK(api.MessageOf("POST", filters, body).starts_with("event_type:"));
    CHECK(api.MessageOf("PUT", filters + "/" + id, body).starts_with("event_type:"));
  }
}

TEST_CASE("filters: a subscription has one for each of its event types, which follows its own") {
  Filtered api;
  const std::string first = api.Do(200, "GET", api.path + "/filters");
  CHECK(ProjectHarness::Field(first, "data.0.event_type") == "a");
  CHECK(ProjectHarness::Field(first, "data.0.body") == R"({"x":1})");
  CHECK(api.Passes("a", R"({"x":1})"));
  api.Do(202, "PUT", api.path, R"({"filter_config":{"filter":{"body":{"x":2}}}})");
  CHECK_FALSE(api.Passes("a", R"({"x":1})"));
  CHECK(api.Passes("a", R"({"x":2})"));
  const std::string id = ProjectHarness::Field(first, "data.0.uid");
  api.Do(200, "PUT", api.path + "/filters/" + id, R"({"body":{"y":1}})");
  api.Do(202, "PUT", api.path, R"({"filter_config":{"filter":{"body":{"x":3}}}})");
  CHECK(api.Passes("a", R"({"y":1})"));
  // A type that is not wanted any more has none.
  api.Do(202, "PUT", api.path, R"({"filter_config":{"event_types":["b"]}})");
  const std::string last = api.Do(200, "GET", api.path + "/filters");
  CHECK(ProjectHarness::Field(last, "data.0.event_type") == "b");
  CHECK_FALSE(json::FindPath(last, "data.1", {}).has_value());
}

TEST_CASE("filters: an event goes by the filter of its type") {
  Filtered api;
  const std::string all = api.Do(200, "GET", api.path + "/filters");
  const std::string filter = api.path + "/filters/" + ProjectHarness::Field(all, "data.0.uid");
  const auto is_delivered = [&](const std::string& type, const std::string& data) {
    const std::string answer = api.Do(201, "POST", "/events/broadcast",
                                      R"({"event_type":")" + type + R"(","data":)" + data + "}");
    return ProjectHarness::Field(answer, "data.endpoint_count") == "1";
  };
  CHECK(is_delivered("a", R"({"x":1})"));
  CHECK_FALSE(is_delivered("a", R"({"x":2})"));
  api.Do(200, "PUT", filter, R"({"body":{"x":2}})");
  CHECK_FALSE(is_delivered("a", R"({"x":1})"));
  CHECK(is_delivered("a", R"({"x":2})"));
  api.Do(200, "PUT", filter, R"({"enabled_at":null})");
  CHECK_FALSE(is_delivered("a", R"({"x":2})"));
  api.Do(200, "DELETE", filter);
  CHECK(is_delivered("a", R"({"x":1})"));
  // One for a type that the subscription does not name adds the type.
  api.Do(201, "POST", "/event-types", R"({"name":"b"})");
  CHECK_FALSE(is_delivered("b", R"({"z":1})"));
  api.Do(201, "POST", api.path + "/filters", R"({"event_type":"b","body":{"z":1}})");
  CHECK(is_delivered("b", R"({"z":1})"));
  CHECK_FALSE(is_delivered("b", R"({"z":2})"));
}

TEST_CASE("filters: bulk requests are all or nothing") {
  Filtered api;
  api.Do(201, "POST", "/event-types", R"({"name":"b"})");
  const std::string bulk = api.path + "/filters/bulk";
  CHECK(api.MessageOf("POST", bulk, R"([{"event_type":"b"},{"event_type":"none"}])", 404) ==
        "event type none does not exist");
  CHECK(api.MessageOf("POST", bulk, R"([{"event_type":"b"},{"event_type":"a"}])") ==
        "filter for event type a already exists");
  CHECK(api.MessageOf("POST", bulk, R"([{"event_type":"b"},{"event_type":"b"}])") ==
        "duplicate event type b in request");
  for (const char* body : {"[]", "{}", "[1]", R"([{"event_type":1}])", R"([{"a":1,"a":2}])"}) {
    INFO(body);
    api.Do(400, "POST", bulk, body);
  }
  const std::string made = api.Do(201, "POST", bulk, R"([{"event_type":"b"},{"event_type":"*"}])");
  const std::string id = ProjectHarness::Field(made, "data.0.uid");
  const std::string update = api.path + "/filters/bulk_update";
  CHECK(api.MessageOf("PUT", update, R"([{"uid":")" + id + R"(","body":{"q":1}},{"uid":"none"}])",
                      404) == "filter none not found");
  CHECK(api.Passes("b", "{}"));
  api.Do(200, "PUT", update, R"([{"uid":")" + id + R"(","body":{"q":1}}])");
  CHECK_FALSE(api.Passes("b", "{}"));
}

TEST_CASE("filters: refusals name what is wrong") {
  Filtered api;
  const std::string filters = api.path + "/filters";
  CHECK(api.MessageOf("POST", filters, "{}", 404) == "event type does not exist");
  CHECK(api.MessageOf("POST", filters, R"({"event_type":"a"})") ==
        "filter with this event type already exists");
  CHECK(api.MessageOf("POST", filters, R"({"event_type":"*","body":{"a":{"$near":1}}})")
            .starts_with("body:"));
  CHECK(api.MessageOf("POST", filters, R"({"event_type":"*","enabled_at":"soon"})")
            .starts_with("enabled_at:"));
  CHECK(api.MessageOf("GET", filters + "/none", "", 404) == "filter not found");
  CHECK(api.MessageOf("GET", "/subscriptions/none/filters", "", 404) == "subscription not found");
  for (const char* path : {"/sources/test_function", "/subscriptions/test_function"}) {
    CHECK(api.MessageOf("POST", path, R"({"function":"f"})") ==
          "function:payload functions are not built in");
  }
}

}  // namespace
}  // namespace convoy::http
