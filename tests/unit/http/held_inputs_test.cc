// Quarantine through the API: what is kept, who may see and release it, and that it is once.
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string Sign(std::string_view secret, std::string_view body) {
  const crypto::HmacKey key(crypto::HashAlgorithm::kSha256, secret);
  crypto::Hmac hmac(key);
  hmac.Update(body);
  return "sha256=" + base::HexEncode(hmac.Finish().view());
}

// A GitHub source whose secret is wrong, in front of an endpoint.
struct Quarantined : ProjectHarness {
  explicit Quarantined(const std::string& extra = "") : ProjectHarness("incoming") {
    const std::string made = Do(201, "POST", "/sources", Body("wrong", extra));
    source = Field(made, "data.uid");
    mask = Field(made, "data.mask_id");
    const std::string endpoint = AddEndpoint(project);
    Do(201, "POST", "/subscriptions",
       absl::StrCat(R"({"name":"s","endpoint_id":")", endpoint, R"(","source_id":")", source,
                    "\"}"));
  }

  static std::string Body(const std::string& secret, const std::string& extra = "") {
    return absl::StrCat(R"({"name":"s","type":"http","provider":"github",)",
                        R"("verify_mode":"quarantine","verifier":{"hmac":{"secret":")", secret,
                        "\"}}", extra, "}");
  }

  HttpResponse Post(std::string_view body, std::string_view secret = "right",
                    std::vector<HeaderView> headers = {}) {
    const std::string signature = Sign(secret, body);
    headers.push_back({"X-Hub-Signature-256", signature});
    return Send("POST", "/ingest/" + mask, body, "", headers);
  }

  void Correct() { Do(202, "PUT", "/sources/" + source, Body("right")); }

  std::string Release(const std::string& body = "{}") {
    return Field(Do(200, "POST", "/held-inputs/release", body), "data");
  }

  size_t CountHeld() {
    const HeldQuery query{.project_id = project, .now = clock.Now()};
    size_t count = 0;
    Page<HeldInput> page{.has_next = true};
    while (page.has_next) {
      page = storage->ListHeld(query, {.cursor = page.next_cursor, .items_max = 1000}).value();
      count += page.items.size();
    }
    return count;
  }
  size_t CountEvents() {
    return storage->ListEvents({.project_id = project}, {.items_max = 100}).value().items.size();
  }

  std::string source;
  std::string mask;
};

std::string Outcome(int accepted, int duplicates, int not_found, const std::string& refused = "") {
  return absl::StrCat(R"({"accepted":)", accepted, R"(,"duplicates":)", duplicates,
                      R"(,"not_found":)", not_found, R"(,"still_refused":{)", refused,
                      R"(},"remaining":0,"next_page_cursor":""})");
}

TEST_CASE("held_inputs: a refused request is answered as ever, and kept") {
  Quarantined api;
  const HttpResponse refused = api.Post("{\"a\":1}", "right", {{"Authorization", "Basic c2Vj"}});
  CHECK(refused.status == 400);
  CHECK(Quarantined::Field(refused.body, "message") == "Request verification failed");
  CHECK(api.CountEvents() == 0);

  const std::string list = api.Do(200, "GET", "/held-inputs");
  const auto item = [&](const char* field) {
    return Quarantined::Field(list, absl::StrCat("data.content.0.", field));
  };
  CHECK(item("kind") == "quarantine");
  CHECK(item("reason") == "signature_mismatch");
  CHECK(item("source_id") == api.source);
  CHECK(item("method") == "POST");
  CHECK(item("url_path") == "/ingest/" + api.mask);
  CHECK(item("size") == "7");
  CHECK(item("expires_at") == "2026-05-08T10:00:00Z");
  CHECK(list.find("\"raw\"") == std::string::npos);
  CHECK(list.find("c2Vj") == std::string::npos);  // the sender's password
  CHECK(list.find("[redacted]") != std::string::npos);
  CHECK(list.find(Sign("wrong", "{\"a\":1}").substr(7)) == std::string::npos);  // the expected one

  const std::string one = api.Do(200, "GET", "/held-inputs/" + item("uid"));
  CHECK(Quarantined::Field(one, "data.raw") == "{\"a\":1}");
  CHECK(one.find("raw_encoding") == std::string::npos);
}

TEST_CASE("held_inputs: headers are shown by their name, whatever its case, also very many") {
  Quarantined api;
  api.Post("{}", "right", {{"X-B", "1"}, {"X-A", "2"}, {"x-b", "3"}});
  const std::string list = api.Do(200, "GET", "/held-inputs");
  CHECK(list.find(R"("X-B":["1","3"],"X-A":["2"])") != std::string::npos);

  HeldInput input{
      .id = testing::FlowId('H', 1), .project_id = api.project, .source_id = api.source};
  for (int i = 0; i < 200'000; ++i) input.headers.push_back({absl::StrCat("n", i), ""});
  WriteBatch batch;
  batch.holds.push_back({.input = input});
  REQUIRE(api.Commit(batch).status.ok());
  const HttpResponse one =
      api.Send("GET", api.base + "/held-inputs/" + input.id, "", api.instance_key);
  CHECK(one.status == 200);
  CHECK(one.body.find(R"("n199999":[""])") != std::string::npos);
}

TEST_CASE("held_inputs: a body that is not text is shown as base64") {
  Quarantined api;
  api.Post(std::string("\0\xff", 2));
  const std::string id =
      Quarantined::Field(api.Do(200, "GET", "/held-inputs"), "data.content.0.uid");
  const std::string one = api.Do(200, "GET", "/held-inputs/" + id);
  CHECK(Quarantined::Field(one, "data.raw") == "AP8=");
  CHECK(Quarantined::Field(one, "data.raw_encoding") == "base64");
}

TEST_CASE("held_inputs: one call accepts all once the secret is right, and each once") {
  Quarantined api;
  for (int i = 0; i < 40; ++i) api.Post(absl::StrCat("{\"n\":", i, "}"));
  api.Post("{\"n\":-1}", "forged");
  CHECK(api.Release() == Outcome(0, 0, 0, R"("signature_mismatch":41)"));
  api.Correct();
  api.clock.Advance(absl::Hours(30));
  CHECK(api.Release() == Outcome(40, 0, 0, R"("signature_mismatch":1)"));
  CHECK(api.CountEvents() == 40);
  CHECK(api.storage->ListDeliveries({.project_id = api.project}, {.items_max = 100})
            .value()
            .items.size() == 40);
  CHECK(api.Release() == Outcome(0, 0, 0, R"("signature_mismatch":1)"));
  CHECK(api.CountEvents() == 40);
  CHECK(api.CountHeld() == 1);
}

TEST_CASE("held_inputs: what is released is deduplicated by the source's idempotency keys") {
  Quarantined api(R"(,"idempotency_keys":["request.body.id"])");
  for (int i = 0; i < 3; ++i) {  // a provider that comes again and again
    api.Post(R"({"id":1})");
    api.Post(R"({"id":2})");
  }
  api.Correct();
  CHECK(api.Post(R"({"id":2})").status == 200);
  CHECK(api.Release() == Outcome(1, 5, 0));
  CHECK(api.CountHeld() == 0);
  CHECK(api.Post(R"({"id":1})").body.find("Duplicate") != std::string::npos);
}

TEST_CASE("held_inputs: two calls at once accept each input once") {
  Quarantined api;
  for (int i = 0; i < 20; ++i) api.Post(absl::StrCat("{\"n\":", i, "}"));
  api.Correct();
  bool has_run = false;
  std::string quicker;
  const HttpResponse slower =
      api.Send("POST", api.base + "/held-inputs/release", "{}", api.instance_key, {}, [&] {
        if (std::exchange(has_run, true)) return;
        const std::string first = Quarantined::Field(
            api.Do(200, "GET", "/held-inputs?sort=ASC&perPage=1"), "data.content.0.uid");
        quicker = api.Release(absl::StrCat(R"({"ids":[")", first, "\"]}"));
      });
  CHECK(quicker == Outcome(1, 0, 0));
  CHECK(Quarantined::Field(slower.body, "data") == Outcome(19, 0, 1));
  CHECK(api.CountEvents() == 20);
  CHECK(api.CountHeld() == 0);
}

TEST_CASE("held_inputs: a source that goes in the middle takes its inputs with it") {
  Quarantined api;
  for (int i = 0; i < 3; ++i) api.Post(absl::StrCat("{\"n\":", i, "}"));
  api.Correct();
  bool has_run = false;
  const HttpResponse answer =
      api.Send("POST", api.base + "/held-inputs/release", "{}", api.instance_key, {}, [&] {
        if (!std::exchange(has_run, true)) api.Do(200, "DELETE", "/sources/" + api.source);
      });
  CHECK(Quarantined::Field(answer.body, "data") == Outcome(0, 0, 3));
  CHECK(api.CountEvents() == 0);
  CHECK(api.CountHeld() == 0);
}

TEST_CASE("held_inputs: a list is the same however long its pages are, there and back") {
  Quarantined api;
  for (int i = 0; i < 50; ++i) api.Post(absl::StrCat("{\"n\":", i, "}"));
  std::string page;
  const auto field = [&](const char* name) {
    return Quarantined::Field(page, absl::StrCat("data.pagination.", name));
  };
  const auto read = [&](int per_page, const std::string& where) {
    page = api.Do(200, "GET", absl::StrCat("/held-inputs?perPage=", per_page, where));
    std::vector<std::string> ids;
    const std::string content = Quarantined::Field(page, "data.content");
    const std::vector<json::RawValue> items = json::ScanArray(content, {}).value();
    for (const json::RawValue& item : items) {
      ids.push_back(Quarantined::Field(std::string(item.text), "uid"));
    }
    CHECK(field("per_page") == absl::StrCat(per_page));
    return ids;
  };
  const std::vector<std::string> all = read(1000, "");
  REQUIRE(all.size() == 50);
  CHECK(field("has_next_page") == "false");
  CHECK(field("has_prev_page") == "false");
  for (const int per_page : {7, 16, 17, 40}) {
    INFO(per_page);
    std::vector<std::string> there = read(per_page, "");
    std::vector<std::string> last = there;
    while (field("has_next_page") == "true") {
      last = read(per_page, "&next_page_cursor=" + field("next_page_cursor"));
      there.insert(there.end(), last.begin(), last.end());
    }
    CHECK(there == all);
    std::vector<std::string> back = last;
    while (field("has_prev_page") == "true") {
      const auto before =
          read(per_page, "&direction=prev&prev_page_cursor=" + field("prev_page_cursor"));
      CHECK(before.size() == static_cast<size_t>(per_page));
      CHECK(field("next_page_cursor") == back.front());
      back.insert(back.begin(), before.begin(), before.end());
    }
    CHECK(back == all);
  }
}

TEST_CASE("held_inputs: lists and releases select what they are told to") {
  Quarantined api;
  for (int i = 0; i < 4; ++i) {
    api.Post(absl::StrCat("{\"n\":", i, "}"));
    api.clock.Advance(absl::Seconds(1));
  }
  api.Send("POST", "/ingest/" + api.mask, "{}", "", {});  // without a signature
  const auto count = [&](const std::string& query) {
    const std::string list = api.Do(200, "GET", "/held-inputs?" + query);
    return json::ScanArray(Quarantined::Field(list, "data.content"), {}).value().size();
  };
  CHECK(count("") == 5);
  CHECK(count("perPage=2") == 2);
  CHECK(count("reason=missing_header") == 1);
  CHECK(count("kind=quarantine") == 5);
  CHECK(count("kind=dead_letter") == 0);
  CHECK(count("sourceId=" + api.source + "&sourceId=x") == 5);
  CHECK(count("sourceId=x") == 0);
  CHECK(api.MessageOf("GET", "/held-inputs?kind=other", "").starts_with("kind:"));

  CHECK(api.Release(R"({"reason":"missing_header"})") == Outcome(0, 0, 0, R"("missing_header":1)"));
  CHECK(api.Release(R"({"kind":"dead_letter"})") == Outcome(0, 0, 0));
  CHECK(api.Release(absl::StrCat(R"({"source_id":")", api.source, R"(","reason":"too_old"})")) ==
        Outcome(0, 0, 0));
  api.Correct();
  const std::string ids = absl::StrCat(
      R"(["x",")", Quarantined::Field(api.Do(200, "GET", "/held-inputs"), "data.content.0.uid"),
      R"(",")", Quarantined::Field(api.Do(200, "GET", "/held-inputs"), "data.content.1.uid"),
      "\"]");
  CHECK(api.Release(R"({"reason":"signature_mismatch","ids":)" + ids + "}") == Outcome(1, 0, 2));
  CHECK(api.Release(R"({"ids":)" + ids + "}") == Outcome(0, 0, 2, R"("missing_header":1)"));
  CHECK(api.Release(R"({"ids":null,"reason":"signature_mismatch"})") == Outcome(3, 0, 0));
}

TEST_CASE("held_inputs: a release that is wrong names the field and changes nothing") {
  Quarantined api;
  api.Post("{}");
  api.Correct();
  const std::string path = "/held-inputs/release";
  CHECK(api.MessageOf("POST", path, R"({"kind":"other"})").starts_with("kind:"));
  CHECK(api.MessageOf("POST", path, R"({"ids":[]})").starts_with("ids:"));
  CHECK(api.MessageOf("POST", path, R"({"ids":"x"})").find("\"ids\"") != std::string::npos);
  CHECK(api.MessageOf("POST", path, R"({"source_id":7})").find("\"source_id\"") !=
        std::string::npos);
  CHECK(api.MessageOf("POST", path, R"({"source_id":"x"})", 404) == "source not found");
  CHECK(api.MessageOf("POST", path, "[]").find("incorrect JSON type") != std::string::npos);
  CHECK(api.CountHeld() == 1);
  CHECK(api.CountEvents() == 0);
}

TEST_CASE("held_inputs: a large set is worked off in several calls") {
  Quarantined api;
  WriteBatch batch;
  for (int i = 0; i < 5040; ++i) {
    const std::string digits = absl::StrCat(100'000 + i);
    HeldInput input{.id = "01" + std::string(18, '0') + digits,
                    .project_id = api.project,
                    .source_id = api.source,
                    .method = "POST",
                    .path = "/ingest/" + api.mask,
                    .body = absl::StrCat(i),
                    .received_at = api.clock.Now()};
    input.headers = {{"X-Hub-Signature-256", Sign(i < 5030 ? "other" : "right", input.body)}};
    batch.holds.push_back({.input = std::move(input)});
  }
  REQUIRE(api.Commit(batch).status.ok());
  api.Correct();
  const std::string first = api.Do(200, "POST", "/held-inputs/release", "{}");
  CHECK(Quarantined::Field(first, "data.accepted") == "0");
  const int tried = std::stoi(Quarantined::Field(first, "data.still_refused.signature_mismatch"));
  CHECK(tried >= 5000);
  CHECK(Quarantined::Field(first, "data.remaining") == absl::StrCat(5040 - tried));
  const std::string cursor = Quarantined::Field(first, "data.next_page_cursor");
  CHECK(api.Release(R"({"next_page_cursor":")" + cursor + "\"}")
            .starts_with(R"({"accepted":10,"duplicates":0,)"));
  CHECK(api.CountHeld() == 5030);
}

TEST_CASE("held_inputs: a viewer sees, and neither releases nor deletes") {
  Quarantined api;
  api.Post("{}");
  api.Correct();
  const std::string viewer = api.AddKey(Role::kProjectViewer, api.project);
  const std::string stranger = api.AddKey(Role::kProjectAdmin, api.AddProject("incoming", "q"));
  const std::string list = api.Expect(200, "GET", api.base + "/held-inputs", "", viewer);
  const std::string one =
      api.base + "/held-inputs/" + Quarantined::Field(list, "data.content.0.uid");
  api.Expect(200, "GET", one, "", viewer);
  api.Expect(403, "DELETE", one, "", viewer);
  api.Expect(403, "POST", api.base + "/held-inputs/release", "{}", viewer);
  api.Expect(403, "GET", one, "", stranger);
  api.Expect(403, "DELETE", one, "", stranger);
  api.Expect(403, "POST", api.base + "/held-inputs/release", "{}", stranger);
  CHECK(api.CountHeld() == 1);
  const std::string admin = api.AddKey(Role::kProjectAdmin, api.project);
  api.Expect(200, "DELETE", one, "", admin);
  api.Expect(404, "DELETE", one, "", admin);
  api.Expect(404, "GET", one, "", admin);
  CHECK(api.CountHeld() == 0);
}

TEST_CASE("held_inputs: they are bounded in number and age, and go with their source") {
  Quarantined api;
  api.options.quarantine_inputs_max = 3;
  for (int i = 0; i < 5; ++i) {
    api.Post(absl::StrCat(i));
    api.clock.Advance(absl::Seconds(1));
  }
  CHECK(api.CountHeld() == 3);
  CHECK(Quarantined::Field(api.Do(200, "GET", "/held-inputs?sort=ASC&perPage=1"),
                           "data.content.0.received_at") == "2026-05-01T10:00:02Z");
  api.clock.Advance(absl::Hours(7 * 24) - absl::Seconds(2));
  CHECK(api.CountHeld() == 1);
  CHECK(Quarantined::Field(api.Do(200, "GET", "/held-inputs"), "data.content.0.received_at") ==
        "2026-05-01T10:00:04Z");
  api.Do(200, "DELETE", "/sources/" + api.source);
  CHECK(api.CountHeld() == 0);
}

TEST_CASE("held_inputs: a refusal that cannot be kept asks the provider to come again") {
  Quarantined api;
  const std::string signature = Sign("right", "{}");
  const std::vector<HeaderView> headers = {{"X-Hub-Signature-256", signature}};
  const auto reply = api.api.Handle(
      {.method = "POST", .path = "/ingest/" + api.mask, .headers = headers, .body = "{}"});
  REQUIRE(reply.has_value());
  const auto& write = std::get<PendingWrite>(*reply);
  CHECK(write.batch.submissions.empty());
  CHECK(write.batch.holds.size() == 1);
  CHECK_FALSE(write.has_deliveries);
  CommitResult failed{.status = absl::ResourceExhaustedError("disk full")};
  CHECK(std::get<HttpResponse>(write.finish(failed)).status == 503);
}

}  // namespace
}  // namespace convoy::http
