// Endpoints: their fields, their secrets, their states.
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/http/shape/endpoint_fields.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string Body(const std::string& extra) {
  return R"({"name":"e","url":"https://x.test/")" + extra + "}";
}

TEST_CASE("endpoints: a field that cannot be honoured is refused by its name") {
  ProjectHarness api;
  const std::string path = "/endpoints/" + api.AddEndpoint(api.project, R"(,"secret":"s1")");
  const std::string before = api.Do(200, "GET", path);
  const auto auth = [](const std::string& fields) {
    return R"(,"authentication":{)" + fields + "}";
  };
  const std::pair<std::string, std::string> cases[] = {
      {R"(,"is_disabled":true)", "is_disabled:"},
      {R"(,"mtls_client_cert":{"client_cert":5,"client_key":"k"})",
       "body contains incorrect JSON type for field \"mtls_client_cert.client_cert\""},
      {R"(,"http_timeout":61)", "http_timeout:"},
      {R"(,"content_type":"text/plain")", "content_type:"},
      {R"(,"support_email":"nobody")", "support_email:"},
      {R"(,"slack_webhook_url":"hooks.test")", "slack_webhook_url:"},
      {R"(,"teams_webhook_url":"local:me")", "teams_webhook_url:"},
      {R"(,"owner_id":")" + std::string(513, 'o') + "\"", "owner_id:"},
      {R"(,"description":")" + std::string(1025, 'd') + "\"", "description:"},
      {auth(R"("type":"api_key","api_key":{"header_name":"Host","header_value":"v"})"),
       "authentication.api_key.header_name:"},
      {auth(R"("type":"api_key","api_key":{"header_name":"a b","header_value":"v"})"),
       "authentication.api_key.header_name:"},
      {auth(R"("type":"api_key","api_key":{"header_name":"X","header_value":"a\nb"})"),
       "authentication.api_key.header_value:"},
      {auth(R"("api_key":{"header_name":"X","header_value":"v"})"), "authentication.type:"},
      {auth(R"("type":"basic_auth","basic_auth":{"username":"a:b","password":"p"})"),
       "authentication.basic_auth.username:"},
  };
  for (const auto& [extra, named] : cases) {
    INFO(extra.substr(0, 120));
    CHECK(api.MessageOf("POST", "/endpoints", Body(extra)).starts_with(named));
    CHECK(api.MessageOf("PUT", path, Body(extra)).starts_with(named));
  }
  CHECK(api.MessageOf("PUT", path, Body(R"(,"secret":"s2")")).starts_with("secret:"));
  CHECK(api.Do(200, "GET", path) == before);
  api.Do(202, "PUT", path, Body(R"(,"secret":"s1","is_disabled":false,"mtls_client_cert":null)"));
}

TEST_CASE("endpoints: URLs of chats are kept, shown to managers and to no viewer") {
  ProjectHarness api;
  const std::string made =
      api.Do(201, "POST", "/endpoints", Body(R"(,"slack_webhook_url":"https://s.test/T/secret1",
                                           "teams_webhook_url":"https://t.test/secret2")"));
  CHECK(ProjectHarness::Field(made, "data.slack_webhook_url") == "https://s.test/T/secret1");
  const std::string path = "/endpoints/" + ProjectHarness::Field(made, "data.uid");
  api.Do(202, "PUT", path, Body(R"(,"teams_webhook_url":"")"));
  const std::string kept = api.Do(200, "GET", path);
  CHECK(ProjectHarness::Field(kept, "data.slack_webhook_url") == "https://s.test/T/secret1");
  CHECK(kept.find("teams_webhook_url") == std::string::npos);
  const std::string viewer = api.AddKey(Role::kProjectViewer, api.project);
  for (const std::string& target : {api.base + path, api.base + "/endpoints"}) {
    CHECK(api.Expect(200, "GET", target, "", viewer).find("secret1") == std::string::npos);
  }
}

TEST_CASE("endpoints: a URL has a host that can be asked, and a port if it says so") {
  ProjectHarness api;
  for (const char* url :
       {"https://x", "https://x.test:8443/a?b=c", "http://127.0.0.1:1/", "https://[::1]/",
        "https://[2001:db8::1]:443/", "http://my_service:80", "https://x?y"}) {
    INFO(url);
    api.Do(201, "POST", "/endpoints", R"({"name":"e","url":")" + std::string(url) + "\"}");
  }
  for (const char* url : {"https://x:0/", "https://x:65536/", "https://x:http/", "https://x:+80/",
                          "https://x:", "https://[::1", "https://[]/", "https://[x]/",
                          "https://[::1]80/", "https://a%2eb/", "https://a\\\\b/", "https://a,b/",
                          "https://x:99999999999999999999/", "https://a:b:c/"}) {
    INFO(url);
    CHECK(api.MessageOf("POST", "/endpoints", R"({"name":"e","url":")" + std::string(url) + "\"}")
              .starts_with("url:"));
  }
}

TEST_CASE("endpoints: the scheme of a URL is read without case") {
  ProjectHarness api;
  for (const char* url : {"HTTP://x.test/", "HTTPS://x.test/", "hTtP://x.test:8080/a"}) {
    api.Do(201, "POST", "/endpoints", R"({"name":"e","url":")" + std::string(url) + "\"}");
  }
  CHECK(api.MessageOf("POST", "/endpoints", R"({"name":"e","url":"FTP://x.test/"})")
            .starts_with("url:"));
}

TEST_CASE("endpoints: keys of Standard Webhooks are made, and their public part is shown") {
  ProjectHarness api;
  const std::string made =
      api.Do(201, "POST", "/endpoints",
             R"({"name":"e","url":"https://x.test/","standard_webhooks":"v1a"})");
  CHECK(ProjectHarness::Field(made, "data.secrets.0.value").starts_with("whsk_"));
  CHECK(ProjectHarness::Field(made, "data.secrets.0.public_key").starts_with("whpk_"));
  // One that had only a secret is given a key when it is to sign with one.
  const std::string path = "/endpoints/" + api.AddEndpoint(api.project, R"(,"secret":"plain")");
  const std::string changed =
      api.Do(202, "PUT", path, R"({"name":"e","url":"https://x.test/","standard_webhooks":"v1a"})");
  CHECK(ProjectHarness::Field(changed, "data.secrets.0.value") == "plain");
  CHECK(ProjectHarness::Field(changed, "data.secrets.1.public_key").starts_with("whpk_"));
}

TEST_CASE("endpoints: an update replaces limits and description, and keeps the rest") {
  ProjectHarness api;
  const std::string path =
      "/endpoints/" + api.AddEndpoint(api.project,
                                      R"(,"owner_id":"o","support_email":"a@b.test","secret":"s",
      "http_timeout":7,"rate_limit":3,"rate_limit_duration":60,"advanced_signatures":false,
      "fifo":true,"description":"d","content_type":"application/x-www-form-urlencoded")");
  api.Do(202, "PUT", path + "/pause");
  const std::string updated = api.Do(202, "PUT", path, R"({"name":"n","url":"https://y.test/"})");
  for (const auto& [field, value] : {std::pair("name", "n"),
                                     {"url", "https://y.test/"},
                                     {"owner_id", "o"},
                                     {"support_email", "a@b.test"},
                                     {"http_timeout", "7"},
                                     {"advanced_signatures", "false"},
                                     {"fifo", "true"},
                                     {"status", "paused"},
                                     {"secrets.0.value", "s"},
                                     {"rate_limit", "0"},
                                     {"rate_limit_duration", "0"},
                                     {"description", ""},
                                     {"content_type", "application/json"}}) {
    INFO(field);
    CHECK(ProjectHarness::Field(updated, std::string("data.") + field) == value);
  }
  api.Do(202, "PUT", path + "/pause");
  const std::string read = ProjectHarness::Field(api.Do(200, "GET", path), "data");
  CHECK(ProjectHarness::Field(api.Do(202, "PUT", path, read), "data.secrets") ==
        ProjectHarness::Field(read, "secrets"));
}

TEST_CASE("endpoints: fifo is a boolean, and shown only where it is on") {
  ProjectHarness api;
  const std::string path = "/endpoints/" + api.AddEndpoint(api.project, R"(,"fifo":true)");
  CHECK(ProjectHarness::Field(api.Do(200, "GET", path), "data.fifo") == "true");
  const std::string off =
      api.Do(202, "PUT", path, R"({"name":"n","url":"https://y.test/","fifo":false})");
  CHECK(off.find("fifo") == std::string::npos);
  CHECK(api.MessageOf("PUT", path, R"({"name":"n","url":"https://y.test/","fifo":"yes"})")
            .find("fifo") != std::string::npos);
}

TEST_CASE("endpoints: the number of secrets that sign is bounded") {
  ProjectHarness api;
  const std::string path = "/endpoints/" + api.AddEndpoint(api.project);
  const std::string rotate = path + "/expire_secret";
  for (int i = 1; i < 16; ++i) api.Do(200, "PUT", rotate, R"({"expiration":60})");
  CHECK(api.MessageOf("PUT", rotate, R"({"expiration":60})").find("wait") != std::string::npos);
  api.clock.Advance(absl::Seconds(61));
  const std::string rotated = api.Do(200, "PUT", rotate, R"({"secret":"new","expiration":0})");
  // The one that ended with this rotation is shown once more, the new one signs.
  CHECK(ProjectHarness::Field(rotated, "data.secrets.1.value") == "new");
  CHECK(ProjectHarness::Field(rotated, "data.secrets.1.expires_at") == "null");
  CHECK_FALSE(json::FindPath(rotated, "data.secrets.2", {}).has_value());
  CHECK(api.MessageOf("PUT", rotate, R"({"expiration":-1})").find("expiration") !=
        std::string::npos);
}

TEST_CASE("endpoints: an inactive one is activated, not paused, and bodies do not matter") {
  ProjectHarness api;
  const std::string id = api.AddEndpoint(api.project);
  const std::string path = "/endpoints/" + id;
  CHECK(ProjectHarness::Field(api.Do(202, "PUT", path + "/pause", "\"{}\""), "data.status") ==
        "paused");
  CHECK(ProjectHarness::Field(api.Do(202, "PUT", path + "/pause"), "data.status") == "active");
  ProjectConfiguration stored = LoadProject(*api.storage, api.project).value();
  stored.endpoints[0].status = EndpointStatus::kInactive;
  WriteBatch batch;
  batch.config.push_back(
      {.scope = api.project, .expected_revision = stored.revision, .puts = {stored.endpoints[0]}});
  REQUIRE(api.Commit(batch).status.ok());
  CHECK(api.MessageOf("PUT", path + "/pause", "").find("inactive") != std::string::npos);
  CHECK(ProjectHarness::Field(api.Do(202, "POST", path + "/activate", "null"), "data.status") ==
        "active");
}

TEST_CASE("endpoints: passwords are never shown") {
  ProjectHarness api;
  const std::string path =
      "/endpoints/" +
      api.AddEndpoint(api.project,
                      R"(,"authentication":{"type":"basic_auth","basic_auth":{"username":"u",
                          "password":"hunter2"}})");
  for (const std::string& text :
       {api.Do(200, "GET", path), api.Do(200, "GET", "/endpoints"),
        api.Do(202, "PUT", path + "/pause"),
        api.Do(400, "PUT", path, Body(R"(,"http_timeout":99,"authentication":{"type":"basic_auth",
                        "basic_auth":{"username":"","password":"hunter2"}})"))}) {
    CHECK(text.find("hunter2") == std::string::npos);
  }
}

}  // namespace
}  // namespace convoy::http
