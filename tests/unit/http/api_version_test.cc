// Forms of the API by X-Convoy-Version: what the official clients for Go send and can read.
#include "lib/http/shape/api_version.h"

#include <catch2/catch.hpp>

#include "lib/json/document.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

struct VersionHarness : ProjectHarness {
  json::Document Ask(int status, std::string_view version, std::string_view method,
                     const std::string& path, std::string_view body = "") {
    const HttpResponse response =
        Send(method, base + path, body, instance_key, {{"X-Convoy-Version", version}});
    INFO(method << " " << path << " answered " << response.body);
    REQUIRE(response.status == status);
    json::Document answer = json::Parse(response.body, {}).value();
    json::Document data;
    if (answer.HasMember("data")) data.CopyFrom(answer["data"], data.GetAllocator());
    return data;
  }
};

TEST_CASE("api_version: a date that is none is refused, an absent one is the newest") {
  VersionHarness api;
  for (const char* wrong : {"x", "2024-1-1", "2024-02-30", "2024-01-01Z", "0000-01-01", "1.2"}) {
    INFO(wrong);
    const HttpResponse response =
        api.Send("GET", api.base, "", api.instance_key, {{"X-Convoy-Version", wrong}});
    CHECK(response.status == 400);
    CHECK_THAT(response.body, Catch::Matchers::Contains("Invalid API version"));
  }
  CHECK_FALSE(ApiVersionOf({}).value().has_text_durations);
  const HeaderView empty[] = {{"X-Convoy-Version", ""}};
  CHECK_FALSE(ApiVersionOf(empty).value().has_text_retry);
}

TEST_CASE("api_version: before 2024 the durations of endpoints are texts both ways") {
  VersionHarness api;
  // Go 2.1.7 to 2.1.15 send Go's zero time.
  for (const char* version : {"0001-01-01", "2023-12-31"}) {
    INFO(version);
    const json::Document made =
        api.Ask(201, version, "POST", "/endpoints",
                R"({"name":"e","url":"https://x.test/","http_timeout":"10s","rate_limit":5,
            "rate_limit_duration":"1m30s"})");
    CHECK(std::string(made["http_timeout"].GetString()) == "10s");
    CHECK(std::string(made["rate_limit_duration"].GetString()) == "1m30s");
    CHECK(std::string(made["target_url"].GetString()) == "https://x.test/");
    CHECK(std::string(made["title"].GetString()) == "e");
    CHECK(made["advanced_signatures"].IsFalse());
    const std::string path = std::string("/endpoints/") + made["uid"].GetString();
    CHECK(api.Ask(200, version, "GET", path)["http_timeout"].IsString());
    CHECK(api.Ask(200, version, "GET", "/endpoints")["content"][0]["http_timeout"].IsString());
    const json::Document changed =
        api.Ask(202, version, "PUT", path,
                R"({"title":"f","target_url":"https://y.test/","http_timeout":"2s"})");
    CHECK(std::string(changed["http_timeout"].GetString()) == "2s");
    CHECK(std::string(changed["rate_limit_duration"].GetString()) == "0s");
    CHECK(std::string(changed["url"].GetString()) == "https://y.test/");
    CHECK(api.Ask(202, version, "PUT", path + "/pause")["http_timeout"].IsString());
    CHECK(api.Ask(200, version, "PUT", path + "/expire_secret", "{}")["http_timeout"].IsString());
    // The same endpoint for a client of today.
    const json::Document today = api.Ask(200, "2024-04-01", "GET", path);
    CHECK(today["http_timeout"].GetInt() == 2);
    CHECK_FALSE(today.HasMember("title"));
  }
}

TEST_CASE("api_version: the forms change on their days") {
  VersionHarness api;
  const json::Document made = api.Ask(201, "2024-01-01", "POST", "/endpoints",
                                      R"({"name":"e","url":"https://x.test/","http_timeout":10})");
  CHECK(made["http_timeout"].GetInt() == 10);
  CHECK(made.HasMember("title"));
  CHECK(made["advanced_signatures"].IsTrue());
}

TEST_CASE("api_version: Go reads the duration of a retry as a text in each of its versions") {
  VersionHarness api;
  const std::string endpoint = api.AddEndpoint(api.project);
  const std::string body =
      R"({"name":"s","endpoint_id":")" + endpoint +
      R"(","retry_config":{"type":"linear","duration":"90s","retry_count":3}})";
  const json::Document made = api.Ask(201, "2025-11-24", "POST", "/subscriptions", body);
  CHECK(std::string(made["retry_config"]["duration"].GetString()) == "1m30s");
  const std::string path = std::string("/subscriptions/") + made["uid"].GetString();
  for (const char* version : {"0001-01-01", "2025-11-24"}) {
    const json::Document read = api.Ask(200, version, "GET", path);
    CHECK(std::string(read["retry_config"]["duration"].GetString()) == "1m30s");
  }
  // Clients that are generated from the contract send no version and read a number.
  const json::Document read = json::Parse(api.Do(200, "GET", path), {}).value();
  CHECK(read["data"]["retry_config"]["duration"].GetInt() == 90);
  const json::Document changed =
      api.Ask(202, "2025-11-24", "PUT", path, R"({"retry_config":{"duration":"2h"}})");
  CHECK(std::string(changed["retry_config"]["duration"].GetString()) == "2h0m0s");
}

TEST_CASE("api_version: a duration that is none names the field and its form") {
  VersionHarness api;
  const auto message = [&](std::string_view timeout) {
    return api.MessageOf(
        "POST", "/endpoints",
        R"({"name":"e","url":"https://x.test/","http_timeout":)" + std::string(timeout) + "}");
  };
  CHECK(message(R"("soon")") ==
        "http_timeout:must be a number of seconds, or a duration such as 10s");
  CHECK(message(R"("1500ms")") == "http_timeout:must be whole seconds, such as 10s");
  CHECK(message(R"("-1s")") == "http_timeout:must be between 0 and 30 days");
  CHECK(message(R"("inf")") == "http_timeout:must be between 0 and 30 days");
  CHECK(message(R"("61s")") == "http_timeout:must be at most 60 seconds");
}

}  // namespace
}  // namespace convoy::http
