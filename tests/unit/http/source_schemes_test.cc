// Sources that verify by a preset or by a scheme of one's own: what is kept and shown, what is
// refused by name, and that the ingest link goes by it.
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string Body(const std::string& verifier) {
  return R"({"name":"s","type":"http","verifier":)" + verifier + "}";
}

std::string Preset(const std::string& fields) {
  return Body(R"({"type":"preset","preset":{)" + fields + "}}");
}

std::string HexMac(std::string_view message) {
  const crypto::HmacKey key(crypto::HashAlgorithm::kSha256, "new");
  return base::HexEncode(crypto::HmacOf(key, message).view());
}

// Status of a POST to the link of the source that `made` describes.
int Post(ProjectHarness& api, const std::string& made, std::vector<HeaderView> headers,
         std::string_view body, const std::string& query = "") {
  const std::string link = "/ingest/" + ProjectHarness::Field(made, "data.mask_id") + query;
  return api.Send("POST", link, body, "", std::move(headers)).status;
}

TEST_CASE("source schemes: a preset is kept as it was given, and verifies with all its secrets") {
  ProjectHarness api("incoming");
  const std::string made =
      api.Do(201, "POST", "/sources", Preset(R"("name":"stripe","secrets":["old","new"])"));
  const std::string read =
      api.Do(200, "GET", "/sources/" + ProjectHarness::Field(made, "data.uid"));
  for (const std::string& shown : {made, read}) {
    CHECK(ProjectHarness::Field(shown, "data.verifier.type") == "preset");
    CHECK(ProjectHarness::Field(shown, "data.verifier.preset.name") == "stripe");
    CHECK(ProjectHarness::Field(shown, "data.verifier.preset.secrets") == R"(["old","new"])");
  }
  const std::string ts = std::to_string(absl::ToUnixSeconds(api.clock.Now()));
  const std::string signature = "t=" + ts + ",v1=" + HexMac(ts + ".{}");
  CHECK(Post(api, made, {{"Stripe-Signature", signature}}, "{}") == 200);
  CHECK(Post(api, made, {{"Stripe-Signature", signature}}, "{ }") == 400);
  CHECK(Post(api, made, {}, "{}") == 400);
}

TEST_CASE("source schemes: one of several schemes is selected by name") {
  ProjectHarness api("incoming");
  const std::string legacy = R"("name":"zero_hash","secrets":["new"])";
  const std::string strict = api.Do(201, "POST", "/sources", Preset(legacy));
  const std::string lax = api.Do(201, "POST", "/sources", Preset(legacy + R"(,"scheme":"legacy")"));
  const std::string signature = HexMac("{}");
  CHECK(Post(api, strict, {{"x-zh-hook-signature-256", signature}}, "{}") == 400);
  CHECK(Post(api, lax, {{"x-zh-hook-signature-256", signature}}, "{}") == 200);
  CHECK(api.MessageOf("POST", "/sources", Preset(legacy + R"(,"scheme":"v9")"), 404).find("v9") !=
        std::string::npos);
}

TEST_CASE("source schemes: a scheme of one's own sees the public URL, headers and settings") {
  ProjectHarness api("incoming");
  const std::string definition = R"({"name":"mine","type":"hmac",
      "signature":{"in":"header","name":"X-Mine","prefix":"v1="},
      "message":"{config:tenant}|{method}|{url}|{header:X-Id}|{body}"})";
  const std::string made = api.Do(
      201, "POST", "/sources",
      Body(
          R"({"type":"scheme","scheme":{"secrets":["new"],"config":{"tenant":"t-1"},"definition":)" +
          definition + "}}"));
  CHECK(ProjectHarness::Field(made, "data.verifier.type") == "scheme");
  CHECK(ProjectHarness::Field(made, "data.verifier.scheme.definition.name") == "mine");
  CHECK(ProjectHarness::Field(made, "data.verifier.scheme.config.tenant") == "t-1");
  const std::string url = ProjectHarness::Field(made, "data.url") + "?a=%20b";
  const std::string signature = "v1=" + HexMac("t-1|POST|" + url + "|id-1|{}");
  CHECK(Post(api, made, {{"X-Mine", signature}, {"X-Id", "id-1"}}, "{}", "?a=%20b") == 200);
  CHECK(Post(api, made, {{"X-Mine", signature}, {"X-Id", "id-1"}}, "{}", "?a=+b") == 400);
  CHECK(Post(api, made, {{"X-Mine", signature}, {"X-Id", "id-2"}}, "{}", "?a=%20b") == 400);
}

TEST_CASE("source schemes: what is wrong is named, and nothing is made") {
  ProjectHarness api("incoming");
  const std::pair<std::string, std::string> cases[] = {
      {Body(R"({"type":"preset"})"), "verifier.preset"},
      {Preset(R"("secrets":["x"])"), "verifier.preset.name"},
      {Preset(R"("name":"nobody","secrets":["x"])"), "verifier.preset.name"},
      {Preset(R"("name":"github")"), "secret"},
      {Preset(R"("name":"github","secrets":[""])"), "secret"},
      {Preset(R"("name":"github","secrets":"x")"), "verifier.preset.secrets"},
      {Preset(R"("name":"braintree","secrets":["x"])"), "public_key"},
      {Preset(R"("name":"github","secrets":["x"],"config":{"tenant":"t"})"), "tenant"},
      {Preset(R"("name":"github","secrets":["x"],"config":{"tenant":1})"),
       "verifier.preset.config.tenant"},
      {Preset(R"("name":"standard_webhooks","secrets":["whsec_!"])"), "encoding"},
      {Body(R"({"type":"scheme","scheme":{"secrets":["x"]}})"), "verifier.scheme.definition"},
      {Body(R"({"type":"scheme","scheme":{"definition":{"type":"hmac","sgnature":{}}}})"),
       "sgnature"},
      {Body(R"({"type":"scheme","scheme":{"name":"github","definition":{"type":"none"}}})"),
       "verifier.scheme.name"},
  };
  for (const auto& [body, named] : cases) {
    INFO(body);
    const std::string message = api.MessageOf("POST", "/sources", body);
    INFO(message);
    CHECK(message.find(named) != std::string::npos);
    CHECK(message.find("whsec_") == std::string::npos);
  }
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/sources"), "data.content") == "[]");
}

TEST_CASE("source_schemes: a source shows the worth of its verifier, with warnings") {
  ProjectHarness api("incoming");
  const auto shown = [&](const std::string& fields) {
    const std::string made =
        api.Do(201, "POST", "/sources", R"({"name":"s","type":"http",)" + fields + "}");
    // Also when it is read, and as it was when it was made.
    const std::string uid = ProjectHarness::Field(made, "data.uid");
    const std::string known = ProjectHarness::Field(made, "data.verifier.guarantees");
    CHECK(ProjectHarness::Field(api.Do(200, "GET", "/sources/" + uid),
                                "data.verifier.guarantees") == known);
    return known;
  };
  const auto preset = [](const std::string& name) {
    return R"("verifier":{"type":"preset","preset":{"name":")" + name +
           R"(","secrets":["abc-def-ghi-jkl-mno"]}})";
  };
  using Catch::Matchers::Contains;
  const std::string github = shown(preset("github"));
  CHECK_THAT(github, Contains(R"("integrity":"full","signs":["{body}"],"replay_window_s":null)"));
  CHECK_THAT(github, Contains(R"("handshake":")"));
  CHECK_THAT(github, Contains("give the source idempotency_keys"));
  CHECK_THAT(shown(preset("github") + R"(,"idempotency_keys":["request.header.X-Id"])"),
             Contains(R"("warnings":[])"));
  CHECK_THAT(shown(preset("stripe")), Contains(R"("replay_window_s":600)") &&
                                          Contains(R"("signs":["{ts}.{body}"])") &&
                                          Contains(R"("warnings":[])"));
  CHECK_THAT(shown(R"("verifier":{"type":"noop"})"),
             Contains(R"("integrity":"none")") && Contains("nothing is verified"));
  CHECK_THAT(
      shown(R"("verifier":{"type":"api_key","api_key":{"header_name":"X","header_value":"v"}})"),
      Contains(R"("integrity":"none")") && Contains("requests are not signed"));
  // Of two schemes the weaker one counts.
  CHECK_THAT(shown(R"("verifier":{"type":"hmac","hmac":{"header":"X","hash":"SHA256",
                      "encoding":"hex","secret":"k"}})"),
             Contains(R"("integrity":"full")") && Contains(R"("replay_window_s":null)") &&
                 Contains("a secret is shorter than 16 bytes"));
  // A message of one's own is not shown: it could hold a secret.
  const std::string own =
      shown(R"("verifier":{"type":"scheme","scheme":{"secrets":["k"],"definition":
      {"type":"hmac","message":"pepper{ts}","signature":{"in":"header","name":"S"},
       "timestamp":{"from":"header:T"}}}})");
  CHECK_THAT(own,
             Contains(R"("integrity":"partial")") && Contains("does not cover the whole body"));
  CHECK_THAT(own, !Contains("pepper"));
  // A time that is not signed is the sender's to choose.
  const auto window = [&](const std::string& message, const std::string& from) {
    return ProjectHarness::Field(
        R"({"g":)" +
            shown(R"("verifier":{"type":"scheme","scheme":{"secrets":["k"],"definition":
                {"type":"hmac","message":")" +
                  message + R"(","signature":{"in":"header","name":"S"},"timestamp":{"from":")" +
                  from + R"("}}}})") +
            "}",
        "g.replay_window_s");
  };
  CHECK(window("{body}", "header:X-Time") == "null");
  CHECK(window("{header:X-Other}{body}", "header:X-Time") == "null");
  CHECK(window("{json:id}", "json:time") == "null");
  CHECK(window("{body}", "query:t") == "null");
  CHECK(window("{ts}{body}", "header:X-Time") == "600");
  CHECK(window("{header:X-Time}{body}", "header:X-Time") == "600");
  CHECK(window("{body}", "json:time") == "600");
  CHECK(window("{sha256hex:body}", "json:time") == "600");
  CHECK(window("{url}{body}", "query:t") == "600");
}

}  // namespace
}  // namespace convoy::http
