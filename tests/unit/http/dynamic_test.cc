// Dynamic events: the endpoint and the subscription that come with one.
#include <catch2/catch.hpp>

#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

struct Dynamic : ProjectHarness {
  std::string Post(const std::string& extra, int status = 201) {
    return Do(status, "POST", "/events/dynamic",
              R"({"url":"https://d.test/","event_type":"t","data":{"a":1})" + extra + "}");
  }
  size_t CountOf(const std::string& what) {
    return json::ScanArray(Field(Do(200, "GET", "/" + what), "data.content"), {}).value().size();
  }
};

TEST_CASE("dynamic: the first event makes endpoint and subscription, the next ones find them") {
  Dynamic api;
  for (int i = 0; i < 3; ++i) {
    const std::string answer = api.Post(R"(,"secret":"s","event_types":["t","u"])");
    CHECK(ProjectHarness::Field(answer, "message") == "Dynamic event created successfully");
    CHECK(ProjectHarness::Field(answer, "data.endpoint_count") == "1");
  }
  CHECK(api.CountOf("endpoints") == 1);
  CHECK(api.CountOf("subscriptions") == 1);
  CHECK(api.CountOf("eventdeliveries") == 3);
  const std::string list = api.Do(200, "GET", "/endpoints");
  CHECK(ProjectHarness::Field(list, "data.content.0.secrets.0.value") == "s");
  CHECK(ProjectHarness::Field(list, "data.content.0.name").starts_with("endpoint-"));
}

TEST_CASE("dynamic: an endpoint that is there is taken, with its subscription") {
  Dynamic api;
  api.Do(201, "POST", "/endpoints", R"({"name":"e","url":"https://d.test/"})");
  api.Post("");
  CHECK(api.CountOf("endpoints") == 1);
  const std::string list = api.Do(200, "GET", "/subscriptions");
  CHECK(ProjectHarness::Field(list, "data.content.0.filter_config.event_types") == R"(["*"])");
}

TEST_CASE("dynamic: event types are added to a subscription that does not want the event") {
  Dynamic api;
  api.Post(R"(,"event_types":["t"])");
  const std::string other =
      api.Do(201, "POST", "/events/dynamic",
             R"({"url":"https://d.test/","event_type":"v","data":1,"event_types":["v"]})");
  CHECK(ProjectHarness::Field(other, "data.endpoint_count") == "1");
  const std::string list = api.Do(200, "GET", "/subscriptions");
  CHECK(ProjectHarness::Field(list, "data.content.0.filter_config.event_types") == R"(["t","v"])");
}

TEST_CASE("dynamic: an event is delivered though no event type that is asked for is its own") {
  Dynamic api;
  const std::string first = api.Post(R"(,"event_types":["u"])");
  CHECK(ProjectHarness::Field(first, "data.endpoint_count") == "1");
  CHECK(api.CountOf("eventdeliveries") == 1);
  const std::string second = api.Do(201, "POST", "/events/dynamic",
                                    R"({"url":"https://d.test/","event_type":"v","data":1})");
  CHECK(ProjectHarness::Field(second, "data.endpoint_count") == "1");
  CHECK(api.CountOf("eventdeliveries") == 2);
  const std::string list = api.Do(200, "GET", "/subscriptions");
  CHECK(ProjectHarness::Field(list, "data.content.0.filter_config.event_types") ==
        R"(["u","t","v"])");
  CHECK(api.MessageOf("POST", "/events/dynamic",
                      R"({"url":"https://d.test/","event_type":"a*","data":1})")
            .starts_with("event_type:"));
}

TEST_CASE("dynamic: event types may be repeated") {
  Dynamic api;
  api.Post(R"(,"event_types":["t","t"])");
  CHECK(api.CountOf("eventdeliveries") == 1);
}

TEST_CASE("dynamic: a duplicate is told, and delivered once") {
  Dynamic api;
  api.Post(R"(,"idempotency_key":"k")");
  CHECK(ProjectHarness::Field(api.Post(R"(,"idempotency_key":"k")"), "message") ==
        "Duplicate event received, but will not be sent");
  CHECK(api.CountOf("eventdeliveries") == 1);
}

TEST_CASE("dynamic: a refused event makes nothing") {
  Dynamic api;
  api.Post("");
  const std::pair<std::string, std::string> cases[] = {
      {R"({"event_type":"t","data":1})", "url:please provide an endpoint url"},
      {R"({"url":"ftp://x/","event_type":"t","data":1})", "url:invalid endpoint scheme"},
      {R"({"url":"https://n.test/","data":1})", "event_type:"},
      {R"({"url":"https://n.test/","event_type":"t"})", "data:"},
      {R"({"url":1,"event_type":"t","data":1})", "body contains incorrect JSON type"},
      {R"({"url":"https://n.test/","event_type":"t","data":1,"event_types":["a*"]})",
       "event_types:"},
      {R"({"url":"https://d.test/","event_type":"t","data":1,"secret":"another"})", "secret:"},
  };
  for (const auto& [body, message] : cases) {
    INFO(body);
    CHECK(api.MessageOf("POST", "/events/dynamic", body).starts_with(message));
  }
  CHECK(api.CountOf("endpoints") == 1);
  CHECK(api.CountOf("events") == 1);
}

TEST_CASE("dynamic: two at once make one endpoint") {
  Dynamic api;
  bool is_first = true;
  const HttpResponse response =
      api.Send("POST", api.base + "/events/dynamic",
               R"({"url":"https://d.test/","event_type":"t","data":1})", api.instance_key, {}, [&] {
                 if (std::exchange(is_first, false)) api.Post("");
               });
  CHECK(response.status == 201);
  CHECK(api.CountOf("endpoints") == 1);
  CHECK(api.CountOf("eventdeliveries") == 2);
}

}  // namespace
}  // namespace convoy::http
