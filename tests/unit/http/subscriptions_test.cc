// Subscriptions: their filters and what an update keeps.
#include <catch2/catch.hpp>

#include "lib/http/resource/handlers.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

struct Subscribed : ProjectHarness {
  Subscribed() : endpoint(AddEndpoint(project)) {}
  std::string Body(const std::string& extra) const {
    return R"({"name":"s","endpoint_id":")" + endpoint + "\"" + extra + "}";
  }
  const std::string endpoint;
};

TEST_CASE("subscriptions: a filter that is wrong is refused by its place") {
  Subscribed api;
  const std::pair<std::string, std::string> cases[] = {
      {R"("body":{"a":{"$near":1}})", "filter_config.filter.body:"},
      {R"("headers":{"a":{"$near":1}})", "filter_config.filter.headers:"},
      {R"("path":{"a":{"$near":1}})", "filter_config.filter.path:"},
      {R"("query":{"a":{"$near":1}})", "filter_config.filter.query:"},
      {R"("body":{"a":")" + std::string(1'000'000, 'x') + "\"}", "filter_config.filter.body:"},
      {R"("body":[])", "body contains incorrect JSON type"},
  };
  for (const auto& [filter, named] : cases) {
    INFO(filter.substr(0, 80));
    const std::string message = api.MessageOf(
        "POST", "/subscriptions", api.Body(R"(,"filter_config":{"filter":{)" + filter + "}}"));
    CHECK(message.starts_with(named));
    CHECK(message.size() < 2'000);
  }
  CHECK(api.MessageOf(
               "POST", "/subscriptions",
               api.Body(R"(,"filter_config":{"event_types":[")" + std::string(513, 't') + "\"]}"))
            .starts_with("filter_config.event_types:"));
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/subscriptions"), "data.content") == "[]");
}

TEST_CASE("subscriptions: rate limits and alerts are kept, shown, changed and taken away") {
  Subscribed api;
  const std::string made = api.Do(
      201, "POST", "/subscriptions",
      api.Body(
          R"(,"rate_limit_config":{"count":5,"duration":60},"alert_config":{"threshold":"30m"})"));
  CHECK(ProjectHarness::Field(made, "data.rate_limit_config") == R"({"count":5,"duration":60})");
  CHECK(ProjectHarness::Field(made, "data.alert_config") == R"({"count":4,"threshold":"30m0s"})");
  const std::string path = "/subscriptions/" + ProjectHarness::Field(made, "data.uid");
  api.Do(202, "PUT", path, R"({"rate_limit_config":{"count":7},"alert_config":{"count":2}})");
  const std::string changed = api.Do(200, "GET", path);
  CHECK(ProjectHarness::Field(changed, "data.rate_limit_config") == R"({"count":7,"duration":60})");
  CHECK(ProjectHarness::Field(changed, "data.alert_config") ==
        R"({"count":2,"threshold":"30m0s"})");
  api.Do(202, "PUT", path, R"({"name":"t"})");
  CHECK(api.Do(200, "GET", path).find("rate_limit_config") != std::string::npos);
  api.Do(202, "PUT", path, R"({"rate_limit_config":{"count":0},"alert_config":{"count":0}})");
  CHECK(api.Do(200, "GET", path).find("_config\":{\"count") == std::string::npos);
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"rate_limit_config":{"count":1}})", "rate_limit_config.duration:"},
      {R"({"rate_limit_config":{"count":"1"}})", "body contains incorrect JSON type"},
      {R"({"rate_limit_config":[]})", "body contains incorrect JSON type"},
      {R"({"alert_config":{"count":0,"threshold":"1h"}})", "alert_config.count:"},
      {R"({"alert_config":{"count":1001,"threshold":"1h"}})", "alert_config.count:"},
      {R"({"alert_config":{"count":1,"threshold":"soon"}})", "alert_config.threshold:"},
      {R"({"alert_config":{"count":1,"threshold":"0s"}})", "alert_config.threshold:"},
      {R"({"alert_config":{"count":1,"threshold":"721h"}})", "alert_config.threshold:"},
  };
  for (const auto& [body, named] : wrong) {
    INFO(body);
    CHECK(api.MessageOf("PUT", path, body).starts_with(named));
  }
}

TEST_CASE("subscriptions: an event type that is no pattern is refused, made or updated") {
  Subscribed api;
  const auto with = [](std::string_view type) {
    return R"({"filter_config":{"event_types":[")" + std::string(type) + "\"]}}";
  };
  const std::string made = api.Do(201, "POST", "/subscriptions",
                                  api.Body(R"(,"filter_config":{"event_types":["invoice.*"]})"));
  const std::string path = "/subscriptions/" + ProjectHarness::Field(made, "data.uid");
  for (const char* type : {"*.created", "invoice*", "**", "invoice.**", "a,b", " a", "a ", ""}) {
    INFO(type);
    const std::string message = api.MessageOf("PUT", path, with(type));
    CHECK(message.starts_with("filter_config.event_types:"));
  }
  for (const char* type : {"*", "invoice.*", "invoice.created"}) {
    api.Do(202, "PUT", path, with(type));
  }
}

TEST_CASE("subscriptions: the answer to an event says how many endpoints it goes to") {
  Subscribed api;
  api.Do(201, "POST", "/subscriptions",
         api.Body(R"(,"filter_config":{"event_types":["invoice.*"]})"));
  const auto count = [&](const char* path, const std::string& fields) {
    const std::string answer = api.Do(201, "POST", path, R"({"data":{},)" + fields + "}");
    return ProjectHarness::Field(answer, "data.endpoint_count");
  };
  CHECK(count("/events/broadcast", R"("event_type":"invoice.paid")") == "1");
  CHECK(count("/events/broadcast", R"("event_type":"order.paid")") == "0");
  CHECK(count("/events/fanout", R"("event_type":"invoice.paid","owner_id":"stranger")") == "0");
  const std::string once = R"("event_type":"invoice.paid","idempotency_key":"k")";
  CHECK(count("/events/broadcast", once) == "1");
  CHECK(count("/events/broadcast", once) == "0");  // a duplicate
}

TEST_CASE("subscriptions: a retry policy is changed field by field") {
  Subscribed api;
  const std::string made = api.Do(
      201, "POST", "/subscriptions",
      api.Body(R"(,"retry_config":{"type":"exponential","duration":"30s","retry_count":4})"));
  const std::string path = "/subscriptions/" + ProjectHarness::Field(made, "data.uid");
  CHECK(ProjectHarness::Field(made, "data.project_id") == api.project);
  const std::string updated =
      api.Do(202, "PUT", path, R"({"retry_config":{"interval_seconds":5}})");
  CHECK(ProjectHarness::Field(updated, "data.retry_config.type") == "exponential");
  CHECK(ProjectHarness::Field(updated, "data.retry_config.duration") == "5");
  CHECK(ProjectHarness::Field(updated, "data.retry_config.retry_count") == "4");
  // As a client writes a policy that it does not set.
  const std::string same =
      api.Do(202, "PUT", path,
             R"({"retry_config":{"type":"","duration":"","interval_seconds":0,"retry_count":0},
                 "rate_limit_config":{"count":0,"duration":0},
                 "alert_config":{"count":0,"threshold":""}})");
  CHECK(ProjectHarness::Field(same, "data.retry_config.duration") == "5");
}

TEST_CASE("subscriptions: a trial of filters takes headers by either name and checks its types") {
  Subscribed api;
  const auto is_match = [&](std::string_view body) {
    return ProjectHarness::Field(api.Do(200, "POST", "/subscriptions/test_filter", body), "data");
  };
  for (const char* name : {"header", "headers"}) {
    const std::string key = "\"" + std::string(name) + "\"";
    CHECK(is_match(R"({"request":{)" + key + R"(:{"a":"1"}},"schema":{)" + key +
                   R"(:{"a":"1"}}})") == "true");
    CHECK(is_match(R"({"request":{)" + key + R"(:{"a":"2"}},"schema":{)" + key +
                   R"(:{"a":"1"}}})") == "false");
  }
  CHECK(is_match(R"({"schema":{"body":{"a":1}}})") == "false");
  CHECK(is_match(R"({})") == "true");
  CHECK(api.MessageOf("POST", "/subscriptions/test_filter", R"({"schema":{"body":"x"}})")
            .find("schema.body") != std::string::npos);
  CHECK(api.MessageOf("POST", "/subscriptions/test_filter",
                      R"({"schema":{"body":{"a":{"$near":1}}}})")
            .starts_with("schema.body:"));
}

}  // namespace
}  // namespace convoy::http
