// Settings of projects: each is kept and shown, or refused by its name.
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/http/resource/handlers.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

TEST_CASE("projects: a setting that is not enforced is refused by its name") {
  ProjectHarness api;
  const std::pair<const char*, const char*> cases[] = {
      {R"({"circuit_breaker":{"failure_threshold":101}})",
       "config.circuit_breaker.failure_threshold:"},
      {R"({"circuit_breaker":{"error_timeout":86401}})", "config.circuit_breaker:"},
      {R"({"signature":{"standard_webhooks":"v2"}})", "config.signature.standard_webhooks:"},
      {R"({"meta_event":{"is_enabled":true}})", "config.meta_event.url:"},
      {R"({"allow_unmatched_dynamic_urls":true})", "config.allow_unmatched_dynamic_urls:"},
      {R"({"retention_policy":{"policy":"0s"}})", "config.retention_policy.policy:"},
      {R"({"retention_policy":{"policy":"x"}})", "config.retention_policy.policy:"},
      {R"({"retention_policy":{"policy":"1000000000h"}})", "config.retention_policy.policy:"},
      {R"({"retention_policy":{"policy":"1h","search_policy":"0s"}})",
       "config.retention_policy.search_policy:"},
      {R"({"sync_dynamic_event_ack":true})", "config.sync_dynamic_event_ack:"},
      {R"({"search_policy":"a month"})", "config.search_policy:"},
      {R"({"search_policy":"-1h"})", "config.search_policy:"},
      {R"({"signature":{"header":"Host"}})", "config.signature.header:"},
      {R"({"signature":{"header":"content-length"}})", "config.signature.header:"},
      {R"({"signature":{"header":"X-Convoy-Idempotency-Key"}})", "config.signature.header:"},
      {R"({"request_id_header":"Transfer-Encoding"})", "config.request_id_header:"},
      {R"({"request_id_header":"x-convoy-signature"})", "config.signature.header:"},
      {R"({"trace_header":"a b"})", "config.trace_header:"},
      {R"({"trace_header":"Authorization"})", "config.trace_header:"},
      {R"({"trace_header":"tracestate"})", "config.trace_header:"},
      {R"({"trace_header":7})",
       "body contains incorrect JSON type for field \"config.trace_header"},
      {R"({"trace_header":"x-convoy-signature"})", "config.trace_header:"},
      {R"({"trace_header":"X-Convoy-Idempotency-Key"})", "config.trace_header:"},
      {R"({"max_payload_read_size":33554433})", "config.max_payload_read_size:"},
      {R"({"strategy":{"duration":"1500ms"}})", "config.strategy.duration:"},
      {R"({"strategy":{"duration":"-1s"}})", "config.strategy.duration:"},
      {R"({"strategy":{"duration":"inf"}})", "config.strategy.duration:"},
      {R"({"ratelimit":{"count":1,"duration":0}})", "config.ratelimit.duration:"},
  };
  const std::string before = api.Do(200, "GET", "");
  for (const auto& [config, named] : cases) {
    INFO(config);
    CHECK(api.MessageOf("PUT", "", R"({"config":)" + std::string(config) + "}").starts_with(named));
  }
  CHECK(api.MessageOf("PUT", "", R"({"type":"incoming"})").starts_with("type:"));
  CHECK(api.MessageOf("PUT", "", R"({"logo_url":"javascript:alert"})").starts_with("logo_url:"));
  CHECK(api.MessageOf("PUT", "", R"({"name":"a\u0000b"})").starts_with("name:"));
  CHECK(api.MessageOf("PUT", "", R"({"name":")" + std::string(1025, 'n') + "\"}")
            .starts_with("name:"));
  CHECK(api.Do(200, "GET", "") == before);
}

TEST_CASE("projects: what asks for nothing is no setting") {
  ProjectHarness api;
  for (const char* config :
       {R"({"circuit_breaker":null})", R"({"circuit_breaker":{}})",
        R"({"circuit_breaker":{"sample_rate":0,"error_timeout":0.0,"nested":[{"a":""}]}})",
        R"({"meta_event":{"is_enabled":false,"type":"http","url":"https://x"}})",
        R"({"search_policy":""})", R"({"signature":{"header":""}})", R"({"ssl":null})"}) {
    INFO(config);
    api.Do(202, "PUT", "", R"({"config":)" + std::string(config) + "}");
  }
  CHECK(ProjectHarness::Field(api.Do(200, "GET", ""), "data.config.signature.header") ==
        "X-Convoy-Signature");
}

TEST_CASE("projects: retention, search policy and replay prevention are kept and shown") {
  ProjectHarness api;
  const auto shown = [&](const char* field) {
    return ProjectHarness::Field(api.Do(200, "GET", ""), std::string("data.config.") + field);
  };
  CHECK(shown("replay_attacks_prevention_enabled") == "false");
  CHECK(api.Do(200, "GET", "").find("retention_policy") == std::string::npos);
  api.Do(202, "PUT", "",
         R"({"config":{"search_policy":"24h","replay_attacks_prevention_enabled":true,
             "retention_policy":{"policy":"72h"}}})");
  CHECK(shown("search_policy") == "24h");
  CHECK(shown("replay_attacks_prevention_enabled") == "true");
  CHECK(shown("retention_policy.policy") == "72h0m0s");
  CHECK(shown("retention_policy_enabled") == "false");
  for (const char* field : {"is_retention_policy_enabled", "retention_policy_enabled"}) {
    api.Do(202, "PUT", "", std::string(R"({"config":{")") + field + R"(":true}})");
    CHECK(shown("retention_policy_enabled") == "true");
    api.Do(202, "PUT", "", std::string(R"({"config":{")") + field + R"(":false}})");
    CHECK(shown("retention_policy_enabled") == "false");
  }
  // Settings that are not named stay.
  CHECK(shown("search_policy") == "24h");
  CHECK(shown("retention_policy.policy") == "72h0m0s");
  const std::string other =
      api.AddProject("outgoing", "other", R"({"retention_policy_enabled":true})");
  CHECK(ProjectHarness::Field(
            api.Expect(200, "GET", "/api/v1/projects/" + other, "", api.instance_key),
            "data.config.retention_policy.policy") == "720h0m0s");
}

TEST_CASE("projects: the header of traces is the project's own until it is the host's again") {
  ProjectHarness api;
  const auto header = [&] {
    const std::string shown = api.Do(200, "GET", "");
    return shown.find("trace_header\"") == std::string::npos
               ? "<none>"
               : ProjectHarness::Field(shown, "data.config.trace_header");
  };
  CHECK(header() == "<none>");
  api.Do(202, "PUT", "", R"({"config":{"trace_header":"X-Trace"}})");
  CHECK(header() == "X-Trace");
  api.Do(202, "PUT", "", R"({"config":{"add_event_id_trace_headers":true}})");
  CHECK(header() == "X-Trace");
  api.Do(202, "PUT", "", R"({"config":{"trace_header":""}})");
  CHECK(header() == "<none>");
}

TEST_CASE("projects: a circuit breaker is kept and shown, with defaults for what is 0") {
  ProjectHarness api;
  api.Do(202, "PUT", "",
         R"({"config":{"circuit_breaker":{"sample_rate":7,"error_timeout":9,"failure_threshold":0,
             "observability_window":3,"consecutive_failure_threshold":2}}})");
  const std::string shown =
      ProjectHarness::Field(api.Do(200, "GET", ""), "data.config.circuit_breaker");
  CHECK(
      shown ==
      R"({"sample_rate":7,"error_timeout":9,"failure_threshold":70,"success_threshold":5,)"
      R"("observability_window":3,"minimum_request_count":10,"consecutive_failure_threshold":2})");
}

TEST_CASE("projects: what a client reads it may write back, and what it leaves out stays") {
  ProjectHarness api;
  api.Do(202, "PUT", "",
         R"({"logo_url":"https://x.test/l.png","config":{"request_id_header":"X-My-Id",
             "ratelimit":{"count":7,"duration":9},"SSL":{"enforce_secure_endpoints":true},
             "add_event_id_trace_headers":true,"disable_endpoint":true}})");
  api.clock.Advance(absl::Seconds(1));
  const std::string read = api.Do(200, "GET", "");
  const std::string data = ProjectHarness::Field(read, "data");
  const std::string written = api.Do(202, "PUT", "", data);
  CHECK(ProjectHarness::Field(written, "data.config") ==
        ProjectHarness::Field(read, "data.config"));
  const std::string renamed = api.Do(202, "PUT", "", R"({"name":"other"})");
  CHECK(ProjectHarness::Field(renamed, "data.config") ==
        ProjectHarness::Field(read, "data.config"));
  CHECK(ProjectHarness::Field(renamed, "data.logo_url") == "https://x.test/l.png");
  CHECK(ProjectHarness::Field(renamed, "data.config.ssl.enforce_secure_endpoints") == "true");
  CHECK(api.MessageOf("POST", "/endpoints", R"({"name":"e","url":"http://x.test/"})")
            .starts_with("url:"));
}

TEST_CASE("projects: a removed project takes its keys along, and a second removal finds nothing") {
  ProjectHarness api;
  const std::string key = api.AddKey(Role::kProjectAdmin, api.project);
  api.Expect(200, "DELETE", api.base, "", key);
  api.Expect(401, "GET", api.base, "", key);
  api.Do(404, "DELETE", "");
}

TEST_CASE("projects: a removed project takes along a meta project that was made meanwhile") {
  ProjectHarness api;
  bool is_first = true;
  std::string meta;
  const auto turn_on = [&] {
    if (!std::exchange(is_first, false)) return;
    const std::string body = R"({"name":"p","config":{"meta_event":{"is_enabled":true,"type":"http",
        "event_type":["endpoint.created"],"url":"https://m.test/","secret":"s"}}})";
    api.Do(202, "PUT", "", body);
    const auto stored = GetConfig<Project>(*api.storage, "", api.project);
    meta = stored.value().config.meta_events.value().project_id;
  };
  const HttpResponse removed = api.Send("DELETE", api.base, "", api.instance_key, {}, turn_on);
  CHECK(removed.status == 200);
  REQUIRE_FALSE(meta.empty());
  CHECK(absl::IsNotFound(GetConfig<Project>(*api.storage, "", meta).status()));
}

}  // namespace
}  // namespace convoy::http
