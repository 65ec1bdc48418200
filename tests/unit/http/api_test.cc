// The API by its resources: what succeeds and how it answers, and what is refused and changes
// nothing.
#include "lib/http/api.h"

#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/storage/forwarding_storage.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ApiHarness;

struct Outgoing : testing::ProjectHarness {};

TEST_CASE("api: paths and methods that are not served") {
  Outgoing api;
  CHECK_FALSE(api.api.Handle({.method = "GET", .path = "/"}).has_value());
  CHECK_FALSE(api.api.Handle({.method = "GET", .path = "/apix"}).has_value());
  api.Do(404, "GET", "/nothing");
  api.Do(405, "PATCH", "/events");
  api.Do(200, "GET", "/endpoints/");
  CHECK(api.Send("GET", "/healthz", "", "").status == 200);
  CHECK(api.Send("GET", "/readyz", "", "").status == 200);
  CHECK(api.Send("POST", "/healthz", "", "").status == 405);
  CHECK(api.Send("GET", api.base, "", api.instance_key, {{"Content-Type", "text/xml"}}).status ==
        415);
  CHECK(api.Send("GET", api.base, "", api.instance_key,
                 {{"Content-Type", "application/json;charset=utf-8"}})
            .status == 200);
}

TEST_CASE("api: health is red when only opening the store anew helps, readiness while it refuses") {
  class Storage : public storage::ForwardingStorage {
   public:
    using ForwardingStorage::ForwardingStorage;
    absl::Status CheckWritable() override { return writable; }
    absl::Status CheckAlive() override { return alive; }
    absl::Status writable, alive;
  };
  const auto memory = NewMemoryStorage();
  Storage storage(memory.get());
  const GatewayOptions options;
  testing::SimClock clock;
  testing::SeededRandom random;
  base::UlidGenerator ulids(&clock, &random);
  Observer observer;
  const Api api(options, {.storage = &storage,
                          .clock = &clock,
                          .random = &random,
                          .ulids = &ulids,
                          .observer = &observer});
  const auto status_of = [&](const char* path) {
    const auto reply = api.Handle({.method = "GET", .path = path});
    return std::get<HttpResponse>(*reply).status;
  };
  CHECK(status_of("/healthz") == 200);
  CHECK(status_of("/readyz") == 200);
  storage.writable = absl::ResourceExhaustedError("full");
  CHECK(status_of("/healthz") == 200);
  CHECK(status_of("/readyz") == 503);
  storage.writable = storage.alive = absl::DataLossError("a sync failed");
  CHECK(status_of("/healthz") == 503);
  CHECK(status_of("/readyz") == 503);
}

TEST_CASE("api: projects are created with a key, changed and removed") {
  Outgoing api;
  const std::string made = api.Expect(201, "POST", "/api/v1/projects",
                                      R"({"name":"q","type":"incoming"})", api.instance_key);
  const std::string key = ApiHarness::Field(made, "data.api_key.key");
  const std::string path = "/api/v1/projects/" + ApiHarness::Field(made, "data.project.uid");
  CHECK(ApiHarness::Field(made, "data.project.config.strategy.retry_count") == "10");
  CHECK(ApiHarness::Field(made, "data.project.config.signature.versions.0.hash") == "SHA256");
  api.Expect(400, "POST", "/api/v1/projects", R"({"name":"q","type":"incoming"})",
             api.instance_key);
  const std::string updated = api.Expect(
      202, "PUT", path,
      R"({"name":"r","config":{"strategy":{"type":"exponential","duration":5,"retry_count":3}}})",
      key);
  CHECK(ApiHarness::Field(updated, "data.config.strategy.type") == "exponential");
  CHECK(ApiHarness::Field(updated, "data.config.max_payload_read_size") == "51200");
  CHECK(ApiHarness::Field(api.Expect(200, "GET", path, "", key), "data.name") == "r");
  api.Expect(200, "DELETE", path, "", key);
  api.Expect(404, "GET", path, "", api.instance_key);
}

TEST_CASE("api: settings that are not enforced are refused by name, unknown ones ignored") {
  Outgoing api;
  for (const char* config :
       {R"({"allow_unmatched_dynamic_urls":true})", R"({"meta_event":{"is_enabled":true}})",
        R"({"strategy":{"type":"random"}})", R"({"strategy":{"retry_count":0}})",
        R"({"signature":{"versions":[]}})", R"({"signature":{"versions":[{"hash":"MD5"}]}})",
        R"({"signature":{"header":"a b"}})", R"({"ratelimit":{"count":"x"}})",
        R"({"max_payload_read_size":-1})"}) {
    INFO(config);
    api.Do(400, "PUT", "", std::string(R"({"name":"p","config":)") + config + "}");
  }
  api.Do(202, "PUT", "", R"({"name":"p","surprise":1,"config":{"meta_event":{"is_enabled":false},
                              "circuit_breaker":null,"surprise":{}}})");
  CHECK(api.MessageOf("POST", "/endpoints",
                      R"({"name":"e","url":"https://x","slack_webhook_url":"y"})")
            .starts_with("slack_webhook_url:"));
  CHECK(api.MessageOf("POST", "/endpoints",
                      R"({"name":"e","url":"https://x","authentication":{"type":"oauth2"}})") ==
        "oauth2 configuration is required");
  CHECK(api.MessageOf("POST", "/sources", R"({"name":"s","type":"db_change_stream"})")
            .starts_with("type:"));
}

TEST_CASE("api: endpoints live through create, update, pause, activate, secrets and removal") {
  Outgoing api;
  const std::string made =
      api.Do(201, "POST", "/endpoints",
             R"({"name":"e","url":"https://x.test/","secret":"s1","owner_id":"o","http_timeout":5,
          "authentication":{"type":"basic_auth","basic_auth":{"username":"u","password":"pw"}}})");
  CHECK(made.find("\"pw\"") == std::string::npos);
  CHECK(ApiHarness::Field(made, "data.secrets.0.value") == "s1");
  CHECK(ApiHarness::Field(made, "data.advanced_signatures") == "true");
  const std::string path = "/endpoints/" + ApiHarness::Field(made, "data.uid");
  CHECK(ApiHarness::Field(api.Do(202, "PUT", path + "/pause"), "data.status") == "paused");
  CHECK(ApiHarness::Field(api.Do(202, "POST", path + "/activate"), "data.status") == "active");
  api.Do(400, "POST", path + "/activate");
  const std::string rotated =
      api.Do(200, "PUT", path + "/expire_secret", R"({"secret":"s2","expiration":60})");
  CHECK(ApiHarness::Field(rotated, "data.secrets.0.expires_at") == "2026-05-01T10:01:00Z");
  CHECK(ApiHarness::Field(rotated, "data.secrets.1.value") == "s2");
  const std::string updated =
      api.Do(202, "PUT", path, R"({"name":"f","url":"https://y.test/","rate_limit":7})");
  CHECK(ApiHarness::Field(updated, "data.rate_limit") == "7");
  CHECK(ApiHarness::Field(updated, "data.authentication") == "null");
  CHECK(ApiHarness::Field(api.Do(200, "GET", "/endpoints?ownerId=o&q=F"), "data.content.0.name") ==
        "f");
  api.Do(200, "DELETE", path);
  api.Do(404, "GET", path);
  api.Do(400, "DELETE", path);
  for (const char* url : {"", "ftp://x", "https://", "https://u:p@x/", "https://x/ y",
                          "https://x/{id}", "https:///x", "javascript:alert(1)"}) {
    INFO(url);
    api.Do(400, "POST", "/endpoints", R"({"name":"e","url":")" + std::string(url) + "\"}");
  }
}

TEST_CASE("api: subscriptions refer to what exists, one to an endpoint") {
  Outgoing api;
  const std::string endpoint = api.AddEndpoint(api.project);
  const auto body = [&](const std::string& extra) {
    return R"({"name":"s","endpoint_id":")" + endpoint + "\"" + extra + "}";
  };
  const std::string made = api.Do(
      201, "POST", "/subscriptions",
      body(R"(,"filter_config":{"event_types":["a.*"],"filter":{"body":{"n":{"$gt":1.50}}}})"));
  CHECK(ApiHarness::Field(made, "data.filter_config.filter.body") == R"({"n":{"$gt":1.50}})");
  api.Do(400, "POST", "/subscriptions", body(""));
  api.Do(400, "POST", "/subscriptions", R"({"name":"s","endpoint_id":"x"})");
  api.Do(400, "POST", "/subscriptions", R"({"name":"s"})");
  api.Do(400, "POST", "/subscriptions",
         body(R"(,"filter_config":{"filter":{"body":{"n":{"$regex":"("}}}})"));
  const std::string path = "/subscriptions/" + ApiHarness::Field(made, "data.uid");
  const std::string updated = api.Do(
      202, "PUT", path, R"({"retry_config":{"type":"linear","duration":"30s","retry_count":2}})");
  CHECK(ApiHarness::Field(updated, "data.retry_config.duration") == "30");
  CHECK(ApiHarness::Field(updated, "data.filter_config.event_types") == R"(["a.*"])");
  CHECK(ApiHarness::Field(api.Do(200, "GET", path), "data.endpoint_metadata.uid") == endpoint);
  CHECK(
      ApiHarness::Field(api.Do(200, "POST", "/subscriptions/test_filter",
                               R"({"request":{"body":{"n":2}},"schema":{"body":{"n":{"$gt":1}}}})"),
                        "data") == "true");
  api.Do(200, "DELETE", path);
  api.Do(404, "GET", path);
}

TEST_CASE("api: events are taken byte for byte, deduplicated, listed and replayed") {
  Outgoing api;
  const std::string endpoint = api.AddEndpoint(api.project, R"(,"owner_id":"o")");
  const std::string data = R"({"b":1e400,  "a":0.10000000000000000000001})";
  const std::string event = R"({"endpoint_id":")" + endpoint +
                            R"(","event_type":"t","idempotency_key":"k","data":)" + data +
                            R"(,"custom_headers":{"X-A":"1"}})";
  CHECK(ApiHarness::Field(api.Do(201, "POST", "/events", event), "message") ==
        "Event queued successfully");
  api.Do(201, "POST", "/events", event);
  const std::string list = api.Do(200, "GET", "/events?idempotencyKey=k&sort=ASC");
  const std::string id = ApiHarness::Field(list, "data.content.0.uid");
  CHECK(ApiHarness::Field(list, "data.content.0.data") == data);
  CHECK(ApiHarness::Field(list, "data.content.0.headers.X-A.0") == "1");
  CHECK(ApiHarness::Field(list, "data.content.1.is_duplicate_event") == "true");
  CHECK(api.storage->GetEvent(api.project, id).value().body == data);
  api.Do(201, "POST", "/events/fanout", R"({"owner_id":"o","event_type":"t","data":[1]})");
  api.Do(201, "POST", "/events/broadcast", R"({"event_type":"t","data":null})");
  api.Do(200, "PUT", "/events/" + id + "/replay");
  const std::string deliveries = api.Do(200, "GET", "/eventdeliveries?eventId=" + id);
  CHECK(ApiHarness::Field(deliveries, "data.content.1.metadata.data") == data);
  const std::string delivery = ApiHarness::Field(deliveries, "data.content.0.uid");
  api.Do(200, "GET", "/eventdeliveries/" + delivery);
  CHECK(ApiHarness::Field(api.Do(200, "GET", "/eventdeliveries/" + delivery + "/deliveryattempts"),
                          "data") == "[]");
  api.Do(400, "PUT", "/eventdeliveries/" + delivery + "/resend");
  api.Do(400, "POST", "/eventdeliveries/forceresend", R"({"ids":[]})");
  api.Do(400, "GET", "/eventdeliveries?status=Nonsense");
  api.Do(400, "GET", "/events?startDate=nonsense");
  api.Do(404, "GET", "/events/x");
}

TEST_CASE("api: a delivery whose event was pruned while it was listed is left out") {
  Outgoing api;
  const auto delivery = [&](const std::string& id, const std::string& event_id) {
    return Delivery{.id = id, .project_id = api.project, .event_id = event_id};
  };
  WriteBatch batch;
  batch.submissions.push_back(
      {.event = {.id = testing::FlowId('V', 1), .project_id = api.project, .body = "1"},
       .deliveries = {delivery(testing::FlowId('D', 1), testing::FlowId('V', 1)),
                      delivery(testing::FlowId('D', 2), "gone")}});
  REQUIRE(api.Commit(batch).status.ok());
  const std::string list = api.Do(200, "GET", "/eventdeliveries");
  CHECK(ApiHarness::Field(list, "data.content.0.uid") == testing::FlowId('D', 1));
  CHECK(list.find("\"uid\":\"" + testing::FlowId('D', 2)) == std::string::npos);
}

TEST_CASE("api: bad input names the field and changes nothing") {
  Outgoing api;
  const std::string endpoint = api.AddEndpoint(api.project);
  const std::string before = api.Do(200, "GET", "/events");
  const std::pair<std::string, std::string> cases[] = {
      {"", "body must not be empty"},
      {"{", "badly-formed JSON"},
      {"[]", "incorrect JSON type"},
      {"{\"data\":" + std::string(10'000, '['), "nested deeper"},
      {"{\"event_type\":\"\xff\"}", "not UTF-8"},
      {R"({"endpoint_id":1,"event_type":"t","data":1})", "\"endpoint_id\""},
      {R"({"endpoint_id":"E","data":1})", "event_type:"},
      {R"({"endpoint_id":"E","event_type":"t"})", "data:"},
      {R"({"event_type":"t","data":1})", "endpoint ID"},
      {R"({"endpoint_id":"X","event_type":"t","data":1})", "endpoint not found"},
      {R"({"endpoint_id":"E","event_type":"t","data":1,"custom_headers":[]})",
       "\"custom_headers\""},
      {R"({"endpoint_id":"E","event_type":"t","data":1,"custom_headers":{"a":1}})",
       "\"custom_headers\""},
      {R"({"endpoint_id":"E","event_type":"t","data":1,"custom_headers":{"a":"x\r\ny: z"}})",
       "custom_headers"},
  };
  for (auto [body, named] : cases) {
    const size_t at = body.find("\"E\"");
    if (at != std::string::npos) body.replace(at, 3, "\"" + endpoint + "\"");
    INFO(body.substr(0, 100));
    CHECK(api.MessageOf("POST", "/events", body).find(named) != std::string::npos);
  }
  CHECK(api.Do(200, "GET", "/events") == before);
}

struct Incoming : ApiHarness {
  Incoming() : project(AddProject("incoming", "in")), base("/api/v1/projects/" + project) {}
  std::string AddSource(const std::string& fields) {
    return Field(Expect(201, "POST", base + "/sources",
                        R"({"name":"s","type":"http")" + fields + "}", instance_key),
                 "data.mask_id");
  }
  const std::string project;
  const std::string base;
};

TEST_CASE("api: the ingest link verifies, deduplicates and answers as the source says") {
  Incoming api;
  const std::string mask = api.AddSource(
      R"(,"provider":"github","verifier":{"type":"hmac","hmac":{"secret":"secret"}},
         "idempotency_keys":["request.header.X-Id"])");
  const auto post = [&](std::string_view body, const std::string& secret, const char* id) {
    const crypto::HmacKey key(crypto::HashAlgorithm::kSha256, secret);
    const std::string signature = "sha256=" + base::HexEncode(crypto::HmacOf(key, body).view());
    return api.Send("POST", "/ingest/" + mask, body, "",
                    {{"X-Hub-Signature-256", signature}, {"X-Id", id}});
  };
  const std::string_view body("\0\xff raw", 6);
  const HttpResponse accepted = post(body, "secret", "1");
  CHECK(accepted.status == 200);
  CHECK(ApiHarness::Field(accepted.body, "message") == "Event received");
  CHECK(ApiHarness::Field(accepted.body, "data") == "6");
  CHECK(ApiHarness::Field(post(body, "secret", "1").body, "message") ==
        "Duplicate event received, but will not be sent");
  const HttpResponse refused = post(body, "wrong", "2");
  CHECK(refused.status == 400);
  CHECK(ApiHarness::Field(refused.body, "message") == "Request verification failed");
  CHECK(api.Send("GET", "/ingest/" + mask, "", "").status == 405);
  CHECK(api.Send("POST", "/ingest/unknown", "", "").status == 404);
  CHECK(api.Send("POST", "/ingest/", "", "").status == 404);
  CHECK(api.Send("POST", "/ingest//", "", "").status == 404);
  CHECK(api.Send("POST", "/ingest/" + mask + "//", "", "").status == 404);
  const std::string list =
      api.Expect(200, "GET", api.base + "/events?sort=ASC", "", api.instance_key);
  CHECK(ApiHarness::Field(list, "data.content.0.raw_encoding") == "base64");
  CHECK(base::Base64Decode(ApiHarness::Field(list, "data.content.0.raw")) == body);

  const std::string custom =
      api.AddSource(R"(,"custom_response":{"body":"ok!","content_type":"text/x"})");
  const HttpResponse answer = api.Send("POST", "/ingest/" + custom, "{}", "");
  CHECK(answer.body == "ok!");
  const std::string x =
      api.AddSource(R"(,"provider":"twitter","verifier":{"type":"hmac","hmac":{"secret":"s"}})");
  CHECK(api.Send("GET", "/ingest/" + x + "?crc_token=a", "", "").body.find("response_token") !=
        std::string::npos);
}

TEST_CASE("api: sources are checked before they are kept") {
  Incoming api;
  for (
      const char* fields :
      {R"(,"verifier":{"type":"hmac"})",
       R"(,"verifier":{"type":"hmac","hmac":{"header":"X","hash":"MD5","encoding":"hex","secret":"s"}})",
       R"(,"verifier":{"type":"hmac","hmac":{"header":"X","hash":"SHA256","encoding":"hex","secret":""}})",
       R"(,"verifier":{"type":"magic"})", R"(,"verifier":{"type":"basic_auth","basic_auth":{}})",
       R"(,"provider":"github")", R"(,"provider":"nobody")", R"(,"idempotency_keys":["x"])",
       R"(,"body_function":"function transform(){}")", R"(,"forward_headers":["a b"])",
       R"(,"custom_response":{"content_type":"a\r\nb"})"}) {
    INFO(fields);
    const HttpResponse response =
        api.Send("POST", api.base + "/sources",
                 R"({"name":"s","type":"http")" + std::string(fields) + "}", api.instance_key);
    CHECK(response.status == 400);
  }
  CHECK(ApiHarness::Field(api.Expect(200, "GET", api.base + "/sources", "", api.instance_key),
                          "data.content") == "[]");
}

TEST_CASE("api: the head of a request is judged before its body") {
  Incoming api;
  const std::string mask = api.AddSource("");
  const std::string authorization = "Bearer " + api.instance_key;
  const auto inspect = [&](std::string_view path, std::vector<HeaderView> headers) {
    return api.api.InspectHead({.method = "POST", .path = path, .headers = headers});
  };
  const std::string ingest = "/ingest/" + mask;
  CHECK(inspect(ingest, {{"Content-Length", "33554432"}}).body_bytes_max == 33'554'432);
  CHECK(inspect(ingest, {}).body_bytes_max == 33'554'432);
  const auto refusal = inspect(ingest, {{"Content-Length", "33554433"}}).refusal;
  CHECK(refusal->status == 413);
  CHECK(refusal->body.find("33554432 bytes, see the gateway's body_bytes_max") !=
        std::string::npos);
  CHECK(api.api.RefuseTooLarge({.method = "POST", .path = ingest}).status == 413);
  CHECK(inspect(ingest, {{"Content-Length", "1"}, {"Content-Length", "2"}}).refusal->status == 400);
  CHECK(inspect(ingest, {{"Content-Length", "-1"}}).refusal->status == 400);
  CHECK(inspect(ingest, {{"Content-Length", "99999999999999999999999"}}).refusal->status == 400);
  CHECK(inspect("/ingest/unknown", {}).refusal->status == 404);
  CHECK(inspect("/api/v1/projects", {}).refusal->status == 401);
  CHECK(inspect("/api/v1/projects", {{"Authorization", authorization}}).body_bytes_max ==
        api.options.body_bytes_max);
  CHECK(inspect("/api/v1/projects",
                {{"Authorization", authorization}, {"Content-Length", "999999999"}})
            .refusal->status == 413);
}

TEST_CASE("api: pages are walked by their cursors") {
  Outgoing api;
  for (int i = 0; i < 5; ++i) {
    api.Do(201, "POST", "/endpoints",
           R"({"name":"e)" + std::to_string(i) + R"(","url":"https://x.test/"})");
  }
  std::string names;
  std::string target = "/endpoints?perPage=2";
  while (true) {
    const std::string page = api.Do(200, "GET", target);
    const auto content = json::FindPath(page, "data.content", {});
    const auto items = json::ScanArray(content->text, {});
    for (const json::RawValue& item : *items)
      names += *json::FindPath(item.text, "name", {})->AsString();
    if (ApiHarness::Field(page, "data.pagination.has_next_page") == "false") break;
    target = "/endpoints?perPage=2&next_page_cursor=" +
             ApiHarness::Field(page, "data.pagination.next_page_cursor");
  }
  CHECK(names == "e4e3e2e1e0");
  CHECK(ApiHarness::Field(api.Do(200, "GET", "/endpoints?perPage=x"), "data.pagination.per_page") ==
        "20");
}

}  // namespace
}  // namespace convoy::http
