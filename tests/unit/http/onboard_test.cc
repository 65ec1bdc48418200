// Bulk onboarding, from JSON and from CSV.
#include <catch2/catch.hpp>

#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string Count(const std::string& list) {
  return std::to_string(
      json::ScanArray(ProjectHarness::Field(list, "data.content"), {}).value().size());
}

std::string Form(const std::string& csv, const std::string& field = "file") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + field +
         "\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n" + csv + "\r\n--b--\r\n";
}

struct Onboard : ProjectHarness {
  HttpResponse Upload(const std::string& body, const std::string& query = "") {
    return Send("POST", base + "/onboard" + query, body, instance_key,
                {{"Content-Type", "multipart/form-data; boundary=b"}});
  }
};

TEST_CASE("onboard: rows become endpoints with subscriptions, in one request") {
  Onboard api;
  const std::string answer = api.Do(202, "POST", "/onboard", R"({"items":[
      {"name":"a","url":"https://a.test/"},
      {"name":"b","url":"https://b.test/","event_type":"paid","auth_username":"u",
       "auth_password":"p"},
      {"name":"again","url":"https://b.test/","event_type":"sent"}]})");
  CHECK(ProjectHarness::Field(answer, "data.total_items") == "3");
  CHECK(ProjectHarness::Field(answer, "data.batch_count") == "1");
  const std::string endpoints = api.Do(200, "GET", "/endpoints?q=b");
  CHECK(Count(endpoints) == "1");
  CHECK(ProjectHarness::Field(endpoints, "data.content.0.authentication.type") == "basic_auth");
  const std::string id = ProjectHarness::Field(endpoints, "data.content.0.uid");
  const std::string subscriptions = api.Do(200, "GET", "/subscriptions?endpointId=" + id);
  CHECK(Count(subscriptions) == "1");
  CHECK(ProjectHarness::Field(subscriptions, "data.content.0.filter_config.event_types") ==
        R"(["paid","sent"])");
  // An endpoint that is there already is taken.
  api.Do(202, "POST", "/onboard", R"({"items":[{"name":"b","url":"https://b.test/"}]})");
  CHECK(Count(api.Do(200, "GET", "/endpoints")) == "2");
}

TEST_CASE("onboard: a dry run tells all faults and changes nothing; a real one with faults too") {
  Onboard api;
  const std::string body = R"({"items":[{"name":"a","url":"https://a.test/"},{"name":"","url":"x"},
      {"name":"c","url":"https://c.test/","auth_username":"u"},
      {"name":"d","url":"https://d.test/","event_type":"a*"},
      {"name":"e","url":"https://e.test/","auth_username":"u:v","auth_password":"p"}]})";
  const std::string dry = api.Do(200, "POST", "/onboard?dry_run=true", body);
  const std::string real = api.Do(400, "POST", "/onboard", body);
  CHECK(ProjectHarness::Field(dry, "data") == ProjectHarness::Field(real, "data"));
  CHECK(ProjectHarness::Field(dry, "data.total_rows") == "5");
  CHECK(ProjectHarness::Field(dry, "data.valid_count") == "1");
  CHECK(ProjectHarness::Field(dry, "data.errors.0.row") == "2");
  CHECK(ProjectHarness::Field(dry, "data.errors.0.field") == "name");
  CHECK(ProjectHarness::Field(dry, "data.errors.2.field") == "auth_password");
  CHECK(ProjectHarness::Field(dry, "data.errors.3.field") == "event_type");
  CHECK(ProjectHarness::Field(dry, "data.errors.4.field") == "auth_username");
  CHECK(Count(api.Do(200, "GET", "/endpoints")) == "0");
}

TEST_CASE("onboard: a CSV file is read by the names of its columns") {
  Onboard api;
  const HttpResponse response = api.Upload(
      Form("url,other,Name\r\nhttps://a.test/,x,\"one, and \"\"two\"\"\"\r\nhttps://b.test/,,b\n"));
  CHECK(response.status == 202);
  const std::string list = api.Do(200, "GET", "/endpoints");
  CHECK(Count(list) == "2");
  CHECK(ProjectHarness::Field(list, "data.content.1.name") == R"(one, and "two")");
  const std::pair<std::string, std::string> cases[] = {
      {Form("name\na"), "CSV missing required column: url"},
      {Form("name,url"), "CSV file is empty or contains only a header row"},
      {Form("name,url\n\"a,b"), "file:must be CSV"},
      {Form("name,url\n\xE9,https://a.test/"), "file:must be valid UTF-8"},
      {Form("name,url\na,b", "other"), "file:please provide a CSV file"},
      {"junk", "body is no multipart form"},
  };
  for (const auto& [body, message] : cases) {
    INFO(body);
    const HttpResponse refused = api.Upload(body);
    CHECK(refused.status == 400);
    CHECK(ProjectHarness::Field(refused.body, "message").starts_with(message));
  }
}

TEST_CASE("onboard: no rows, too many rows and incoming projects are refused") {
  Onboard api;
  CHECK(api.MessageOf("POST", "/onboard", R"({"items":[]})") == "items list cannot be empty");
  std::string items;
  for (int i = 0; i < 1001; ++i) items += std::string(i == 0 ? "" : ",") + "{}";
  CHECK(api.MessageOf("POST", "/onboard", R"({"items":[)" + items + "]}") ==
        "items list exceeds maximum size of 1000");
  ProjectHarness incoming("incoming");
  CHECK(incoming.MessageOf("POST", "/onboard", R"({"items":[{}]})") ==
        "bulk onboard is only supported for outgoing projects");
}

TEST_CASE("onboard: a thousand rows are one change") {
  Onboard api;
  std::string items;
  for (int i = 0; i < 1000; ++i) {
    items += std::string(i == 0 ? "" : ",") + R"({"name":"n","url":"https://x.test/)" +
             std::to_string(i) + "\"}";
  }
  api.Do(202, "POST", "/onboard", R"({"items":[)" + items + "]}");
  CHECK(Count(api.Do(200, "GET", "/endpoints?perPage=1000")) == "1000");
  const std::string answer =
      api.Do(201, "POST", "/events/broadcast", R"({"event_type":"t","data":1})");
  CHECK(ProjectHarness::Field(answer, "data.endpoint_count") == "1000");
}

}  // namespace
}  // namespace convoy::http
