// Sources: what is refused by name, and what an update keeps.
#include <catch2/catch.hpp>

#include "lib/http/resource/handlers.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string Body(const std::string& extra) { return R"({"name":"s","type":"http")" + extra + "}"; }

TEST_CASE("sources: a verifier without a type is not taken for none") {
  ProjectHarness api("incoming");
  CHECK(api.MessageOf("POST", "/sources", Body(R"(,"verifier":{"hmac":{"header":"X","hash":"SHA256",
                               "encoding":"hex","secret":"s"}})"))
            .starts_with("verifier.type:"));
  for (const char* verifier :
       {R"({})", R"({"type":""})", R"({"type":"noop"})",
        R"({"type":"","hmac":{"header":"","secret":""},"basic_auth":null})"}) {
    INFO(verifier);
    const std::string made =
        api.Do(201, "POST", "/sources", Body(R"(,"verifier":)" + std::string(verifier)));
    CHECK(ProjectHarness::Field(made, "data.verifier.type") == "noop");
  }
}

TEST_CASE("sources: an update keeps what it does not name") {
  ProjectHarness api("incoming");
  const std::string made =
      api.Do(201, "POST", "/sources",
             Body(R"(,"provider":"github","verifier":{"type":"hmac","hmac":{"secret":"k"}},
              "idempotency_keys":["request.header.X-Id"],"forward_headers":["X-A"],
              "custom_response":{"body":"b"},"event_type_location":"request.body.t",
              "is_disabled":true)"));
  const std::string path = "/sources/" + ProjectHarness::Field(made, "data.uid");
  const std::string updated = api.Do(202, "PUT", path, R"({"name":"n","type":"http"})");
  for (const char* field : {"data.provider", "data.verifier", "data.idempotency_keys",
                            "data.forward_headers", "data.custom_response", "data.mask_id",
                            "data.event_type_location", "data.is_disabled", "data.url"}) {
    INFO(field);
    CHECK(ProjectHarness::Field(updated, field) == ProjectHarness::Field(made, field));
  }
  CHECK(ProjectHarness::Field(updated, "data.name") == "n");
  CHECK(api.MessageOf("PUT", path, Body(R"(,"provider":"shopify")")).starts_with("provider:"));
  api.Do(202, "PUT", path, Body(R"(,"provider":"github")"));
}

TEST_CASE("sources: a list by an unknown type or provider is refused, not everything") {
  ProjectHarness api("incoming");
  api.Do(201, "POST", "/sources", Body(""));
  CHECK(api.MessageOf("GET", "/sources?type=carrier_pigeon", "").starts_with("type:"));
  CHECK(api.MessageOf("GET", "/sources?provider=unknown", "").starts_with("provider:"));
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/sources?provider=github"), "data.content") ==
        "[]");
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/sources?type=&provider="),
                              "data.content.0.name") == "s");
}

TEST_CASE("sources: texts that are kept are bounded") {
  ProjectHarness api("incoming");
  const std::string longer(2'000'000, 'x');
  const std::pair<std::string, std::string> cases[] = {
      {R"("name":"s","type":"http","forward_headers":[")" + longer + "\"]", "forward_headers:"},
      {R"("name":")" + longer + R"(","type":"http")", "name:"},
      {R"("name":"s","type":"http","custom_response":{"content_type":")" + longer + "\"}",
       "custom_response.content_type:"},
      {R"("name":"s","type":"http","verifier":{"type":"hmac","hmac":{"header":"X","hash":"SHA256",
          "encoding":"hex","secret":")" +
           longer + "\"}}",
       "verifier.hmac.secret:"},
      {R"("name":"s","type":"http","provider":"github","verifier":{"hmac":{"secret":")" + longer +
           "\"}}",
       "verifier.hmac.secret:"},
      {R"("name":"s","type":"http","verifier":{"type":"basic_auth","basic_auth":{"username":"u",
          "password":")" +
           longer + "\"}}",
       "verifier.basic_auth.password:"},
      {R"("name":"s","type":"http","body_function":")" + longer + "\"", "body_function:"},
  };
  for (const auto& [body, named] : cases) {
    const std::string message = api.MessageOf("POST", "/sources", "{" + body + "}");
    CHECK(message.starts_with(named));
    CHECK(message.size() < 200);
  }
}

}  // namespace
}  // namespace convoy::http
