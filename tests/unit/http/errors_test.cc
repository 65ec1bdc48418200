// Refusals: one answer tells of every field that is wrong, names allowed values, and is bounded.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using Catch::Matchers::Contains;
using testing::ProjectHarness;

struct WrongRequest {
  const char* method;
  const char* path;  // below the project; "" is the project itself
  const char* body;
  std::vector<const char*> told;
};

const WrongRequest kWrong[] = {
    {"POST",
     "/endpoints",
     R"({"name":5,"url":"ftp://x","support_email":"x","content_type":"text/x","http_timeout":"soon",
         "rate_limit":-1,"is_disabled":true,"slack_webhook_url":"x.test",
         "standard_webhooks":"v9","authentication":{"type":"cookie"}})",
     {"body contains incorrect JSON type for field \"name\"",
      "url:invalid endpoint scheme, must be https or http",
      "support_email:please provide a valid email",
      "content_type:must be application/json or application/x-www-form-urlencoded",
      "http_timeout:must be a number of seconds, or a duration such as 10s",
      "body contains incorrect JSON type for field \"rate_limit\"",
      "is_disabled:cannot be set here", "slack_webhook_url:must be an http or https URL",
      "standard_webhooks:must be none, v1 or v1a", "authentication.type:must be api_key"}},
    {"POST", "/endpoints", "{}", {"url:please provide a url", "name:please provide your endpoint"}},
    {"POST",
     "/sources",
     R"({"type":"mail","provider":"gitlab","verify_mode":"maybe","is_disabled":1,
         "verifier":{"type":"rot13"},"custom_response":{"content_type":"a\nb","body":7},
         "idempotency_keys":["nowhere"],"forward_headers":["a b"],"body_function":"f"})",
     {"name:please provide a source name",
      "type:unsupported source type, must be http, rest_api or pub_sub",
      "provider:unsupported provider, must be github, shopify or twitter",
      "verify_mode:must be enforce, observe or quarantine",
      "incorrect JSON type for field \"is_disabled\"",
      "verifier.type:must be noop, hmac, basic_auth, api_key, preset or scheme",
      "custom_response.content_type:must be a header value",
      "incorrect JSON type for field \"custom_response.body\"", "value: nowhere",
      "forward_headers:must be header names", "body_function:payload functions are not built in"}},
    {"POST",
     "/sources",
     R"({"name":"s","type":"http","verifier":{"type":"hmac","hmac":{"hash":"MD5",
         "encoding":"octal","secret":9}}})",
     {"verifier.hmac.hash:must be SHA256 or SHA512", "verifier.hmac.encoding:must be hex or base64",
      "incorrect JSON type for field \"verifier.hmac.secret\""}},
    {"POST",
     "/subscriptions",
     R"({"delivery_mode":"twice","function":"f","retry_config":{"type":"random","duration":"x",
         "retry_count":5000},
         "filter_config":{"event_types":["a*b"],"filter":{"body":{"a":{"$x":1}}}},
         "alert_config":{"count":1,"threshold":"never"}})",
     {"name:please provide a valid subscription name",
      "endpoint_id:please provide a valid endpoint id",
      "delivery_mode:invalid delivery mode value, must be either",
      "function:payload functions are not built in",
      "retry_config.type:must be linear or exponential",
      "retry_config.duration:must be a number of seconds",
      "retry_config.retry_count:must be between 1 and 1000", "filter_config.event_types:",
      "filter_config.filter.body:", "alert_config.threshold:must be a number"}},
    {"PUT",
     "",
     R"({"name":"","logo_url":"x","config":{"max_payload_read_size":99999999999,
         "ratelimit":{"count":1,"duration":0},"strategy":{"type":"x","retry_count":5000},
         "signature":{"header":"a b"},"search_policy":"x","allow_unmatched_dynamic_urls":true,
         "circuit_breaker":{"failure_threshold":101},"disable_endpoint":"yes"}})",
     {"name:please provide a valid name", "logo_url:must be an http or https URL",
      "config.max_payload_read_size:must be at most",
      "config.ratelimit.duration:must be at least one second",
      "config.strategy.type:must be linear or exponential",
      "config.strategy.retry_count:must be between 1 and 1000",
      "config.signature.header:must be a valid HTTP header token",
      "config.search_policy:must be a duration",
      "config.allow_unmatched_dynamic_urls:is not supported",
      "config.circuit_breaker.failure_threshold:must be a percentage",
      "incorrect JSON type for field \"config.disable_endpoint\""}},
    {"POST",
     "/api-keys",
     R"({"role":"instance_admin","expires_at":"yesterday"})",
     {"name:please provide a valid name", "role:must be project_admin or project_viewer",
      "expires_at:must be an instant to come"}},
    {"POST",
     "/events",
     "{}",
     {"event_type:please provide an event type", "data:please provide your data",
      "please provide an endpoint ID"}},
    {"POST",
     "/events/fanout",
     R"({"event_type":1,"idempotency_key":2})",
     {"incorrect JSON type for field \"event_type\"",
      "incorrect JSON type for field \"idempotency_key\""}},
    {"POST", "/events/fanout", "{}", {"event_type:", "data:", "owner_id:please provide an owner"}},
    {"POST", "/events/broadcast", "{}", {"event_type:", "data:"}},
};

TEST_CASE("errors: one answer tells of every field that is wrong, and nothing changes") {
  ProjectHarness api;
  const std::string before = api.Do(200, "GET", "");
  for (const WrongRequest& wrong : kWrong) {
    INFO(wrong.method << " " << wrong.path << " " << wrong.body);
    const std::string message = api.MessageOf(wrong.method, wrong.path, wrong.body);
    for (const char* part : wrong.told) CHECK_THAT(message, Contains(part));
  }
  CHECK(api.Do(200, "GET", "") == before);
  for (const char* list : {"/endpoints", "/sources", "/subscriptions", "/events"}) {
    CHECK_THAT(api.Do(200, "GET", list), Contains("\"content\":[]"));
  }
  const std::string project =
      ProjectHarness::Field(api.Expect(400, "POST", "/api/v1/projects",
                                       R"({"type":"both","logo_url":"x"})", api.instance_key),
                            "message");
  CHECK_THAT(project, Contains("type:please provide a valid type, must be incoming or outgoing"));
  CHECK_THAT(project, Contains("name:please provide a valid name"));
  CHECK_THAT(project, Contains("logo_url:"));
}

TEST_CASE("errors: a field is told of once, and an answer is bounded") {
  ProjectHarness api;
  const std::string once =
      api.MessageOf("POST", "/endpoints", R"({"name":5,"url":"https://x.test/"})");
  CHECK(once == "body contains incorrect JSON type for field \"name\"");
  std::string parameters;
  for (int i = 0; i < 30; ++i) {
    absl::StrAppend(&parameters, i > 0 ? "," : "", "\"", std::string(300, 'a'), i, "\":1");
  }
  const std::string many = api.MessageOf(
      "POST", "/sources",
      R"({"name":"s","type":"http","verifier":{"type":"preset","preset":{"name":"github","config":{)" +
          parameters + "}}}}");
  CHECK(many.size() < 4200);
  CHECK_THAT(many, Catch::Matchers::EndsWith(", and more"));
}

TEST_CASE("errors: a preset that is not there is a wrong field, with those that sound like it") {
  ProjectHarness api;
  const auto message_of = [&](const std::string& name) {
    return api.MessageOf(
        "POST", "/sources",
        R"({"name":"s","type":"http","verifier":{"type":"preset","preset":{"name":")" + name +
            R"(","secrets":["x"]}}})");
  };
  CHECK_THAT(message_of("strip"), Contains("verifier.preset.name:") && Contains("stripe"));
  CHECK_THAT(message_of("Git-Hub"), Contains("similar: ") && Contains("github"));
  CHECK_THAT(message_of("zzzzzz"), !Contains("similar"));
}

TEST_CASE("errors: 404 and 415 say what is served") {
  ProjectHarness api;
  const HttpResponse unknown = api.Send("GET", "/api/v1/nothing", "", api.instance_key);
  CHECK(unknown.status == 404);
  CHECK_THAT(unknown.body, Contains("/api/v1/projects/{projectID}"));
  const HttpResponse form = api.Send("POST", api.base + "/events", "a=b", api.instance_key,
                                     {{"Content-Type", "application/x-www-form-urlencoded"}});
  CHECK(form.status == 415);
  CHECK_THAT(form.body, Contains("application/json"));
  CHECK_THAT(form.body, Contains("/ingest/{mask_id}"));
}

}  // namespace
}  // namespace convoy::http
