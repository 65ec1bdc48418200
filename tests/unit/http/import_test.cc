// Import of a configuration from Convoy: ids, links, secrets and keys go on working.
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/json/document.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using Catch::Matchers::Contains;
using testing::ApiHarness;

// In the shapes of the REST API, every field at the value that Convoy gives by default. The hash is
// PBKDF2-HMAC-SHA256 of the key below, computed with Python's hashlib.
constexpr const char* kDocument =
    R"({"projects":[{"uid":"01HPROJECT0000000000000001","name":"shop","type":"incoming",
      "logo_url":"","organisation_id":"o","retained_events":12,
      "created_at":"2023-05-01T12:00:00.123456Z",
      "updated_at":"2023-06-01T12:00:00Z","deleted_at":null,
      "config":{"max_payload_read_size":51200,"replay_attacks_prevention_enabled":false,
        "add_event_id_trace_headers":false,"disable_endpoint":false,"search_policy":"720h",
        "multiple_endpoint_subscriptions":false,"verify_dynamic_events":false,
        "retention_policy":{"policy":"720h"},"retention_policy_enabled":false,
        "ssl":{"enforce_secure_endpoints":false},"ratelimit":{"count":1000,"duration":60},
        "strategy":{"type":"linear","duration":100,"retry_count":10},
        "signature":{"header":"X-Convoy-Signature","versions":[{"uid":"v","hash":"SHA256",
          "encoding":"hex","created_at":"2023-05-01T12:00:00Z"}]},
        "request_id_header":"X-Convoy-Idempotency-Key",
        "meta_event":{"is_enabled":false,"type":"","event_type":null,"url":"","secret":"",
          "pub_sub":null},
        "circuit_breaker":{"sample_rate":30,"error_timeout":30,"failure_threshold":70,
          "success_threshold":5,"observability_window":5,"minimum_request_count":10,
          "consecutive_failure_threshold":10}}}],
    "sources":[{"uid":"01HSOURCE00000000000000001","project_id":"01HPROJECT0000000000000001",
      "mask_id":"MaskOfAnOldLink1","name":"github","type":"http","provider":"github",
      "is_disabled":false,"forward_headers":null,"idempotency_keys":[],
      "verifier":{"type":"hmac","hmac":{"header":"X-Hub-Signature-256","hash":"SHA256",
        "encoding":"hex","secret":"s3cret"},"basic_auth":null,"api_key":null},
      "custom_response":{"body":"","content_type":""},"provider_config":null,"body_function":null,
      "header_function":null,"event_type_location":"",
      "pub_sub":{"type":"","workers":0,"sqs":null,"google":null,"kafka":null,"amqp":null}}],
    "endpoints":[{"uid":"01HENDPOINT000000000000001","project_id":"01HPROJECT0000000000000001",
      "owner_id":"acme","url":"https://x.test/","name":"orders","description":"","status":"paused",
      "secrets":[{"uid":"a","value":"old","expires_at":"2020-01-01T00:00:00Z"},
        {"uid":"b","value":"gone","deleted_at":"2020-01-01T00:00:00Z"},
        {"uid":"c","value":"live","expires_at":null,"created_at":"2023-05-01T12:00:00Z"}],
      "advanced_signatures":true,"http_timeout":10,"rate_limit":0,"rate_limit_duration":0,
      "slack_webhook_url":"","teams_webhook_url":"","support_email":"","app_id":"x",
      "content_type":"application/json","authentication":{},"mtls_client_cert":null}],
    "subscriptions":[{"uid":"01HSUBSCRIPTION00000000001","project_id":"01HPROJECT0000000000000001",
      "name":"all","type":"api","source_id":"01HSOURCE00000000000000001",
      "endpoint_id":"01HENDPOINT000000000000001","function":null,
      "alert_config":{"count":4,"threshold":"1h"},"retry_config":{"type":"","duration":0,
      "retry_count":0},"rate_limit_config":{"count":0,"duration":0},
      "filter_config":{"event_types":["*"],"filter":{"is_flattened":true,"headers":{},"body":{},
        "query":{},"path":{}}},"delivery_mode":"at_least_once",
      "filters":[{"event_type":"*","headers":{},"body":{},"query":null,"path":null}]}],
    "api_keys":[{"uid":"01HKEY00000000000000000001","name":"shop's default key",
      "mask_id":"AbCdEfGhIjKlMnOp","salt":"0123456789abcdefghijklmno",
      "hash":"Plj30EZZCsrhfy3Qz38XHxoHCtb1oDpENoUnCVx9Qco=","key_type":"project",
      "role":{"type":"project_admin","project":"01HPROJECT0000000000000001","endpoint":""},
      "expires_at":"0001-01-01T00:00:00Z"},
      {"uid":"01HKEY00000000000000000002","name":"me","mask_id":"PersonalKeyMask1","salt":"s",
       "hash":"h","key_type":"personal_key","role":{"type":"","project":""},"user_id":"u"}]})";
constexpr const char* kOldKey =
    "CO.AbCdEfGhIjKlMnOp."
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
constexpr const char* kProject = "/api/v1/projects/01HPROJECT0000000000000001";

struct ImportHarness : ApiHarness {
  std::string Import(int status, const std::string& document, const std::string& query = "") {
    return Expect(status, "POST", "/api/v1/import" + query, document, instance_key);
  }
  // The document with one text replaced, which must be in it.
  static std::string With(std::string_view from, std::string_view to) {
    const std::string document = kDocument;
    REQUIRE(document.find(from) != std::string::npos);
    return absl::StrReplaceAll(document, {{from, to}});
  }
  std::string Reason(const std::string& document) {
    const std::string answer = Import(400, document);
    CHECK(Field(answer, "data.refused_count") == "1");
    return absl::StrCat(Field(answer, "data.refused.0.object"), " ",
                        Field(answer, "data.refused.0.reason"));
  }
};

TEST_CASE("import: ids, links, secrets and keys are those of before") {
  ImportHarness api;
  const std::string answer = api.Import(200, kDocument);
  for (const char* list : {"projects", "sources", "endpoints", "subscriptions", "api_keys"}) {
    CHECK(ApiHarness::Field(answer, absl::StrCat("data.created.", list)) == "1");
  }
  CHECK(ApiHarness::Field(answer, "data.skipped.0.object") ==
        "api_keys[1] (01HKEY00000000000000000002)");
  // The old key works, as often as it is used, and for its project only.
  for (int i = 0; i < 3; ++i) {
    const std::string source = api.Expect(
        200, "GET", absl::StrCat(kProject, "/sources/01HSOURCE00000000000000001"), "", kOldKey);
    CHECK(ApiHarness::Field(source, "data.mask_id") == "MaskOfAnOldLink1");
  }
  std::string wrong = kOldKey;
  wrong.back() = 'y';
  api.Expect(401, "GET", kProject, "", wrong);
  api.Expect(401, "GET", kProject, "", wrong);
  api.Expect(403, "GET", "/api/v1/projects/" + api.AddProject("outgoing", "other"), "", kOldKey);
  const std::string endpoint = api.Expect(
      200, "GET", absl::StrCat(kProject, "/endpoints/01HENDPOINT000000000000001"), "", kOldKey);
  CHECK(ApiHarness::Field(endpoint, "data.secrets.0.value") == "live");
  CHECK(endpoint.find("\"old\"") == std::string::npos);
  CHECK(ApiHarness::Field(endpoint, "data.status") == "paused");
  CHECK(ApiHarness::Field(endpoint, "data.owner_id") == "acme");
  const std::string project = api.Expect(200, "GET", kProject, "", kOldKey);
  CHECK(ApiHarness::Field(project, "data.created_at") == "2023-05-01T12:00:00.123456Z");
  // A webhook to the old link: signed wrongly it is refused, so the secret came along.
  const HttpResponse refused = api.Send("POST", "/ingest/MaskOfAnOldLink1", "{}", "");
  CHECK(refused.status == 400);
  // printf '{}' | openssl dgst -sha256 -hmac s3cret
  const HttpResponse accepted =
      api.Send("POST", "/ingest/MaskOfAnOldLink1", "{}", "",
               {{"X-Hub-Signature-256",
                 "sha256=adbde1ce40c89c14215687d5d762a47df6dfaefcfad61e2e86718ffc8498571b"}});
  CHECK(accepted.status == 200);
}

TEST_CASE("import: the same document again changes nothing") {
  ImportHarness api;
  api.Import(200, kDocument);
  const std::string path = absl::StrCat(kProject, "/endpoints/01HENDPOINT000000000000001");
  api.Expect(202, "PUT", path, R"({"name":"renamed","url":"https://y.test/"})", api.instance_key);
  const std::string before = api.Expect(200, "GET", path, "", api.instance_key);
  const std::string answer = api.Import(200, kDocument);
  CHECK(ApiHarness::Field(answer, "data.created.endpoints") == "0");
  CHECK(ApiHarness::Field(answer, "data.existing.endpoints") == "1");
  CHECK(ApiHarness::Field(answer, "data.existing.api_keys") == "1");
  CHECK(api.Expect(200, "GET", path, "", api.instance_key) == before);
  // The rest is completed.
  api.Expect(200, "DELETE", path, "", api.instance_key);
  const std::string completed = api.Import(200, kDocument);
  CHECK(ApiHarness::Field(completed, "data.created.endpoints") == "1");
  CHECK(ApiHarness::Field(completed, "data.created.subscriptions") == "1");
  CHECK(ApiHarness::Field(completed, "data.existing.sources") == "1");
}

TEST_CASE("import: a dry run counts and changes nothing") {
  ImportHarness api;
  const std::string answer = api.Import(200, kDocument, "?dry_run=true");
  CHECK(ApiHarness::Field(answer, "data.dry_run") == "true");
  CHECK(ApiHarness::Field(answer, "data.created.subscriptions") == "1");
  api.Expect(404, "GET", kProject, "", api.instance_key);
  const std::string refused =
      api.Import(200, ImportHarness::With("https://x.test/", "ftp://x"), "?dry_run=true");
  CHECK(ApiHarness::Field(refused, "data.refused_count") == "1");
}

TEST_CASE("import: a refusal names the object and its fields, and nothing is stored") {
  ImportHarness api;
  const auto reason = [&](std::string_view from, std::string_view to) {
    return api.Reason(ImportHarness::With(from, to));
  };
  CHECK_THAT(reason(R"("https://x.test/","name":"orders")", R"("ftp://x","name":"")"),
             Contains("endpoints[0] (01HENDPOINT000000000000001) url:invalid endpoint scheme") &&
                 Contains("name:please provide"));
  CHECK_THAT(reason(R"("slack_webhook_url":"")", R"("slack_webhook_url":"slack:x")"),
             Contains("slack_webhook_url:must be an http or https URL"));
  CHECK_THAT(reason(R"("hash":"SHA256",
        "encoding":"hex","secret")",
                    R"("hash":"SHA256",
        "encoding":"hex","secrets")"),
             Contains("sources[0]"));
  CHECK_THAT(reason("MaskOfAnOldLink1", "a/b"), Contains("mask_id:is missing or malformed"));
  CHECK_THAT(reason(R"("status":"paused")", R"("status":"asleep")"),
             Contains("status:must be active, inactive or paused"));
  CHECK_THAT(reason(R"("expires_at":null,)", R"("expires_at":"2020-01-01T00:00:00Z",)"),
             Contains("secrets:must hold"));
  CHECK_THAT(reason(R"("search_policy":"720h")", R"("search_policy":"a month")"),
             Contains("projects[0]") && Contains("config.search_policy"));
  CHECK_THAT(reason(R"("body":{},"query":null)", R"("body":{"a":{"$no":1}},"query":null)"),
             Contains("subscriptions[0]") && Contains("filters[0].body:"));
  CHECK_THAT(reason(R"("filters":[{)", R"("filters":[{"event_type":"*"},{)"),
             Contains("filters[1].event_type:stands in the list twice"));
  CHECK_THAT(reason(R"("filters":[{)", R"("filters":[7,{)"), Contains("filters[0]:must be an"));
  CHECK_THAT(reason(R"("filters":[{"event_type":"*")", R"("filters":[{"event_type":"a*b")"),
             Contains("filters[0].event_type:"));
  CHECK_THAT(reason(R"("filters":[{)", R"("filters":[{"enabled_at":"soon",)"),
             Contains("filters[0].enabled_at:must be an instant"));
  CHECK_THAT(reason(R"("endpoint_id":"01HENDPOINT000000000000001")", R"("endpoint_id":"other")"),
             Contains("endpoint_id:names no endpoint of the project"));
  CHECK_THAT(reason(R"("rate_limit_config":{"count":0)", R"("rate_limit_config":{"count":5)"),
             Contains("rate_limit_config.duration:must be at least one second"));
  CHECK_THAT(reason("AbCdEfGhIjKlMnOp", "short"), Contains("api_keys[0]"));
}

// The answer of the subscription's filter for a type to a body, as the REST API tries it.
std::string Passes(ImportHarness& api, const std::string& type, const std::string& body) {
  return ApiHarness::Field(
      api.Expect(
          200, "POST",
          absl::StrCat(kProject, "/subscriptions/01HSUBSCRIPTION00000000001/filters/test/", type),
          absl::StrCat(R"({"payload":)", body, "}"), api.instance_key),
      "data.is_match");
}

TEST_CASE("import: filters of single event types are those of before") {
  ImportHarness api;
  const std::string document = absl::StrReplaceAll(
      std::string(kDocument),
      {{R"("event_types":["*"])", R"("event_types":["paid","sent","lost","kept"])"},
       {R"("filters":[{"event_type":"*","headers":{},"body":{},"query":null,"path":null}])",
        R"("filters":[{"uid":"f1","event_type":"paid","body":{"a":1}},
                      {"uid":"f2","event_type":"sent","body":{},"enabled_at":null},
                      {"uid":"f3","event_type":"kept","enabled_at":"2025-01-02T03:04:05Z"},
                      {"uid":"f4","event_type":"gone","body":{"c":3}},
                      {"uid":"f5","event_type":"*","body":{"b":2}}])"}});
  const std::string answer = api.Import(200, document);
  CHECK(ApiHarness::Field(answer, "data.created.subscriptions") == "1");
  CHECK_THAT(ApiHarness::Field(answer, "data.skipped.0.reason"), Contains("\"gone\""));
  const std::string filters = api.Expect(
      200, "GET", absl::StrCat(kProject, "/subscriptions/01HSUBSCRIPTION00000000001/filters"), "",
      api.instance_key);
  CHECK(ApiHarness::Field(filters, "data.0.uid") == "f1");
  CHECK(ApiHarness::Field(filters, "data.2.enabled_at") == "2025-01-02T03:04:05Z");
  CHECK(ApiHarness::Field(filters, "data.3.event_type") == "lost");
  CHECK(filters.find("gone") == std::string::npos);
  CHECK(Passes(api, "paid", R"({"a":1})") == "true");
  CHECK(Passes(api, "paid", R"({"a":2})") == "false");
  CHECK(Passes(api, "sent", R"({"a":1})") == "false");
  CHECK(Passes(api, "kept", R"({"x":1})") == "true");
  // It had no filter of its own, so that of all types was the one.
  CHECK(Passes(api, "lost", R"({"b":2})") == "true");
  CHECK(Passes(api, "lost", R"({"b":3})") == "false");
}

TEST_CASE("import: a filter that is the subscription's own one follows it") {
  ImportHarness api;
  api.Import(200, kDocument);
  const std::string path = absl::StrCat(kProject, "/subscriptions/01HSUBSCRIPTION00000000001");
  api.Expect(202, "PUT", path, R"({"filter_config":{"filter":{"body":{"a":1}}}})",
             api.instance_key);
  CHECK(Passes(api, "any", R"({"a":1})") == "true");
  CHECK(Passes(api, "any", R"({"a":2})") == "false");
}

TEST_CASE("import: one that another change overtakes stores nothing, and may be repeated") {
  ImportHarness api;
  int commits_count = 0;
  const HttpResponse answer =
      api.Send("POST", "/api/v1/import", kDocument, api.instance_key, {}, [&] {
        ++commits_count;
        api.AddKey(Role::kInstanceAdmin, "");
      });
  CHECK(commits_count == 1);
  CHECK(answer.status == 409);
  CHECK_THAT(answer.body, Contains("try again"));
  api.Expect(404, "GET", kProject, "", api.instance_key);
  api.Import(200, kDocument);
  api.Expect(200, "GET", kProject, "", api.instance_key);
}

TEST_CASE("import: what other objects have is not taken from them") {
  ImportHarness api;
  api.AddProject("outgoing", "shop");
  CHECK_THAT(api.Reason(kDocument), Contains("name:a project with this name already exists"));
  const std::string renamed = ImportHarness::With(R"("name":"shop",)", R"("name":"shop 2",)");
  api.Import(200, renamed);
  // The same ids in another project: found nowhere there, and still not overwritten.
  const std::string other =
      absl::StrReplaceAll(renamed, {{"01HPROJECT0000000000000001", "01HPROJECT0000000000000002"},
                                    {"shop 2", "shop 3"},
                                    {"MaskOfAnOldLink1", "MaskOfAnotherOne"},
                                    {"AbCdEfGhIjKlMnOp", "PpCdEfGhIjKlMnOp"}});
  CHECK_THAT(api.Import(400, other), Contains("uid:belongs to an object of another project"));
  // Nor the key that administers the instance.
  const std::string instance_key_id =
      ListAllConfig<ApiKey>(*api.storage, {.project_id = ""}).value().front().id;
  CHECK_THAT(
      api.Reason(absl::StrReplaceAll(renamed, {{"01HKEY00000000000000000001", instance_key_id}})),
      Contains("uid:belongs to an object of another project or of the instance"));
  api.Expect(200, "GET", "/api/v1/projects", "", api.instance_key);
  api.Expect(404, "GET", "/api/v1/projects/01HPROJECT0000000000000002", "", api.instance_key);
  const std::string same_link =
      absl::StrReplaceAll(renamed, {{"01HSOURCE00000000000000001", "01HSOURCE00000000000000002"}});
  CHECK_THAT(api.Reason(same_link), Contains("mask_id:another source has this link already"));
}

TEST_CASE("import: client certificates are judged at the time of the import") {
  ImportHarness api;
  api.clock.Advance(absl::Hours(24 * 365 * 120));
  std::ifstream certificate(CONVOY_TEST_DIR "/unit/transport/certificates/client_one.crt");
  std::ifstream key(CONVOY_TEST_DIR "/unit/transport/certificates/client_one.key");
  const auto text = [](std::ifstream& file) {
    std::stringstream all;
    all << file.rdbuf();
    return absl::StrReplaceAll(all.str(), {{"\n", "\\n"}});
  };
  const std::string reason = api.Reason(ImportHarness::With(
      R"("mtls_client_cert":null)",
      R"("updated_at":"2023-06-01T12:00:00Z","mtls_client_cert":{"client_cert":")" +
          text(certificate) + R"(","client_key":")" + text(key) + R"("})"));
  CHECK_THAT(reason, Contains("has expired"));
}

TEST_CASE("import: only the instance's key may, and a document is an object of lists") {
  ImportHarness api;
  const std::string project = api.AddProject("outgoing", "p");
  const std::string admin = api.AddKey(Role::kProjectAdmin, project);
  api.Expect(403, "POST", "/api/v1/import", kDocument, admin);
  api.Expect(401, "POST", "/api/v1/import", kDocument, "");
  CHECK_THAT(api.Import(400, "[]"), Contains("incorrect JSON type"));
  CHECK_THAT(api.Import(400, R"({"projects":{}})"), Contains("projects:must be a list"));
  CHECK_THAT(api.Import(400, R"({"projects":[1]})"), Contains("projects[0] must be an object"));
  CHECK_THAT(api.Import(400, R"({"sources":[{"uid":"a","project_id":"b"}]})"),
             Contains("project_id:names no project"));
  CHECK_THAT(api.Import(400, R"({"projects":[{"uid":"a\u0001"}]})"), Contains("uid:is missing"));
  api.Import(200, "{}");
}

}  // namespace
}  // namespace convoy::http
