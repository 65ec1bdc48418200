// Credentials of endpoints over the REST API: what is taken, what is refused and why, who sees it.
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/json/writer.h"
#include "tests/support/signing_jwk.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;
using testing::ReadJwkText;

std::string Quoted(const std::string& text) {
  json::Writer writer;
  writer.String(text);
  return writer.TakeText();
}

// Valid from 2020 to 2120, but for "client_expired".
std::string Pem(const std::string& name) {
  std::ifstream file(CONVOY_TEST_DIR "/unit/transport/certificates/" + name);
  std::stringstream text;
  text << file.rdbuf();
  REQUIRE_FALSE(text.str().empty());
  return text.str();
}

std::string Body(const std::string& extra) {
  return R"({"name":"e","url":"https://x.test/")" + extra + "}";
}

std::string Tls(const std::string& certificate, const std::string& key) {
  return R"(,"mtls_client_cert":{"client_cert":)" + Quoted(certificate) + R"(,"client_key":)" +
         Quoted(key) + "}";
}

std::string OAuth2(const std::string& fields) {
  return R"(,"authentication":{"type":"oauth2","oauth2":{)" + fields + "}}";
}

const std::string kSharedSecret =
    R"("url":"https://login.test/token","client_id":"me","authentication_type":"shared_secret",)"
    R"("client_secret":"s3cret")";

std::string Assertion(const std::string& key, const std::string& extra = "") {
  return R"("url":"https://login.test/token","client_id":"me",)"
         R"("authentication_type":"client_assertion","issuer":"i","subject":"s","signing_key":)" +
         key + extra;
}

Endpoint Stored(ProjectHarness& api, const std::string& id) {
  return GetConfig<Endpoint>(*api.storage, api.project, id).value();
}

TEST_CASE("endpoint_credentials: a client certificate is kept, and its key shown to no reader") {
  ProjectHarness api;
  const std::string certificate = Pem("client_one.crt");
  const std::string key = Pem("client_one.key");
  const std::string made =
      api.Do(201, "POST", "/endpoints",
             Body(Tls(certificate, key) + R"(,"tls_ca_bundle":)" + Quoted(Pem("authority.crt"))));
  const std::string path = "/endpoints/" + api.Field(made, "data.uid");
  const Endpoint stored = Stored(api, api.Field(made, "data.uid"));
  CHECK(stored.tls == EndpointTls{.ca_bundle = Pem("authority.crt"),
                                  .client_certificate = certificate,
                                  .client_key = key});
  for (const std::string& text :
       {made, api.Do(200, "GET", path), api.Do(200, "GET", "/endpoints")}) {
    CHECK(absl::StrContains(text, R"("client_key":"[REDACTED]")"));
    CHECK(absl::StrContains(text, Quoted(certificate)));
    CHECK_FALSE(absl::StrContains(text, "PRIVATE KEY"));
  }
  // An update without them changes nothing; empty texts remove.
  api.Do(202, "PUT", path, Body(""));
  CHECK(Stored(api, stored.id).tls == stored.tls);
  api.Do(202, "PUT", path, Body(Tls("", "")));
  CHECK(Stored(api, stored.id).tls == EndpointTls{.ca_bundle = Pem("authority.crt")});
  api.Do(202, "PUT", path, Body(R"(,"tls_ca_bundle":"")"));
  CHECK(Stored(api, stored.id).tls.empty());
  CHECK_FALSE(absl::StrContains(api.Do(200, "GET", path), "mtls_client_cert"));
}

TEST_CASE("endpoint_credentials: a certificate that cannot be used is refused, and why") {
  ProjectHarness api;
  const std::string certificate = Pem("client_one.crt");
  const std::string key = Pem("client_one.key");
  const std::string both = "mtls_client_cert requires both client_cert and client_key";
  const std::string invalid = "invalid mTLS client certificate: mtls_client_cert:";
  const std::pair<std::string, std::string> cases[] = {
      {Tls(certificate, ""), both},
      {Tls("", key), both},
      {Tls(certificate, Pem("client_two.key")),
       invalid + "the key is not that of the first certificate"},
      {Tls(Pem("client_expired.crt"), Pem("client_expired.key")),
       invalid + "the certificate has expired"},
      {Tls("c", "k"), invalid + "there is no CERTIFICATE block"},
      {Tls(std::string(70'000, 'c'), key), "mtls_client_cert.client_cert:"},
      {Tls(certificate, std::string(20'000, 'k')), "mtls_client_cert.client_key:"},
      {R"(,"tls_ca_bundle":"x")", "tls_ca_bundle:there is no CERTIFICATE block"},
      {R"(,"tls_ca_bundle":)" + Quoted(std::string(70'000, 'x')), "tls_ca_bundle:"}};
  for (const auto& [extra, refusal] : cases) {
    INFO(extra.substr(0, 100));
    const std::string message = api.MessageOf("POST", "/endpoints", Body(extra));
    CHECK(message.substr(0, refusal.size()) == refusal);
    CHECK_FALSE(absl::StrContains(message, "PRIVATE"));
  }
}

TEST_CASE("endpoint_credentials: OAuth 2.0 with a shared secret is kept and shown") {
  ProjectHarness api;
  const std::string made = api.Do(
      201, "POST", "/endpoints",
      Body(OAuth2(
          kSharedSecret +
          R"(,"scope":"a b","audience":"them","grant_type":"client_credentials",)"
          R"("expiry_time_unit":"minutes","field_mapping":{"access_token":"accessToken"})")));
  const Endpoint stored = Stored(api, api.Field(made, "data.uid"));
  CHECK(stored.auth == EndpointAuth(OAuth2Auth{.url = "https://login.test/token",
                                               .client_id = "me",
                                               .scope = "a b",
                                               .audience = "them",
                                               .client_secret = "s3cret",
                                               .expiry_unit = ExpiryUnit::kMinutes,
                                               .token_field = "accessToken"}));
  CHECK(absl::StrContains(
      made, R"("authentication":{"type":"oauth2","oauth2":{"url":"https://login.test/token",)"
            R"("client_id":"me","grant_type":"client_credentials","scope":"a b","audience":"them",)"
            R"("authentication_type":"shared_secret","client_secret":"s3cret",)"
            R"("expiry_time_unit":"minutes","field_mapping":{"access_token":"accessToken"}}})"));
  const std::string viewer = api.AddKey(Role::kProjectViewer, api.project);
  const std::string seen = api.Expect(200, "GET", api.base + "/endpoints/" + stored.id, "", viewer);
  CHECK_FALSE(absl::StrContains(seen, "s3cret"));
  CHECK(absl::StrContains(seen, R"("client_secret":"[REDACTED]")"));
}

TEST_CASE("endpoint_credentials: OAuth 2.0 with an assertion keeps the key from viewers") {
  ProjectHarness api;
  const std::string viewer = api.AddKey(Role::kProjectViewer, api.project);
  for (const char* name : {"rsa", "p256"}) {
    const std::string made =
        api.Do(201, "POST", "/endpoints", Body(OAuth2(Assertion(ReadJwkText(name)))));
    const Endpoint stored = Stored(api, api.Field(made, "data.uid"));
    const auto& auth = std::get<OAuth2Auth>(stored.auth);
    CHECK(auth.signing_key == testing::ReadJwk(name));
    CHECK(auth.algorithm == (name[0] == 'r' ? OAuth2Algorithm::kRs256 : OAuth2Algorithm::kEs256));
    const std::string seen =
        api.Expect(200, "GET", api.base + "/endpoints/" + stored.id, "", viewer);
    for (const model::JwkMember& member : model::JwkMembers()) {
      const std::string& text = auth.signing_key.*member.text;
      if (text.size() < 5) continue;
      INFO(member.name);
      CHECK(absl::StrContains(made, text));
      CHECK(absl::StrContains(seen, text) == !member.is_secret);
    }
  }
}

// The endpoint as an answer shows it, with every secret hidden, is sent back.
TEST_CASE("endpoint_credentials: placeholders of an answer keep what is stored") {
  ProjectHarness api;
  const std::string cases[] = {
      R"(,"authentication":{"type":"basic_auth","basic_auth":{"username":"u","password":"%"}})",
      R"(,"authentication":{"type":"api_key","api_key":{"header_name":"X","header_value":"%"}})",
      OAuth2(absl::StrReplaceAll(kSharedSecret, {{"s3cret", "%"}})),
  };
  for (const std::string& extra : cases) {
    INFO(extra);
    const std::string made =
        api.Do(201, "POST", "/endpoints", Body(absl::StrReplaceAll(extra, {{"%", "s3cret"}})));
    const std::string id = api.Field(made, "data.uid");
    const Endpoint stored = Stored(api, id);
    const std::string hidden = absl::StrReplaceAll(extra, {{"%", "[REDACTED]"}});
    api.Do(202, "PUT", "/endpoints/" + id, Body(hidden));
    CHECK(Stored(api, id).auth == stored.auth);
    // A new endpoint has none, and neither has one without authentication.
    CHECK(absl::StrContains(api.MessageOf("POST", "/endpoints", Body(hidden)), "[REDACTED]"));
    api.Do(202, "PUT", "/endpoints/" + id, Body(""));
    CHECK(absl::StrContains(api.MessageOf("PUT", "/endpoints/" + id, Body(hidden)),
                            "must be given: [REDACTED]"));
  }
}

TEST_CASE("endpoint_credentials: a placeholder does not send what is stored elsewhere") {
  ProjectHarness api;
  const std::string basic =
      R"(,"authentication":{"type":"basic_auth","basic_auth":{"username":"u","password":"%"}})";
  const std::string made =
      api.Do(201, "POST", "/endpoints", Body(absl::StrReplaceAll(basic, {{"%", "s3cret"}})));
  const std::string path = "/endpoints/" + api.Field(made, "data.uid");
  const std::string moved = absl::StrReplaceAll(
      Body(basic), {{"%", "[REDACTED]"}, {"https://x.test/", "https://x.test:8443/"}});
  CHECK(api.MessageOf("PUT", path, moved) ==
        "authentication.basic_auth.password:must be given anew, because it would go elsewhere");
  const std::string beside = absl::StrReplaceAll(
      Body(basic), {{"%", "[REDACTED]"}, {"https://x.test/", "https://x.test/other"}});
  api.Do(202, "PUT", path, beside);
  CHECK(std::get<BasicAuth>(Stored(api, api.Field(made, "data.uid")).auth).password == "s3cret");
  // Nor does a token request.
  const std::string oauth2 = api.Do(201, "POST", "/endpoints", Body(OAuth2(kSharedSecret)));
  const std::string other = absl::StrReplaceAll(
      Body(OAuth2(kSharedSecret)), {{"s3cret", "[REDACTED]"}, {"login.test", "evil.test"}});
  CHECK(
      absl::StrContains(api.MessageOf("PUT", "/endpoints/" + api.Field(oauth2, "data.uid"), other),
                        "authentication.oauth2.client_secret:must be given anew"));
}

TEST_CASE("endpoint_credentials: placeholders of keys keep what is stored") {
  ProjectHarness api;
  const std::string tls = Tls(Pem("client_one.crt"), "[REDACTED]");
  CHECK(absl::StrContains(api.MessageOf("POST", "/endpoints", Body(tls)),
                          "mtls_client_cert.client_key:must be given"));
  const std::string made =
      api.Do(201, "POST", "/endpoints", Body(Tls(Pem("client_one.crt"), Pem("client_one.key"))));
  const std::string id = api.Field(made, "data.uid");
  api.Do(202, "PUT", "/endpoints/" + id, Body(tls));
  CHECK(Stored(api, id).tls.client_key == Pem("client_one.key"));
  CHECK(Stored(api, id).tls.client_certificate == Pem("client_one.crt"));
  // The key of another certificate is refused as ever.
  api.MessageOf("PUT", "/endpoints/" + id, Body(Tls(Pem("client_two.crt"), "[REDACTED]")));
}

TEST_CASE("endpoint_credentials: settings of OAuth 2.0 that lack something are refused") {
  ProjectHarness api;
  const auto without = [](const std::string& field) {
    return absl::StrReplaceAll(kSharedSecret, {{"\"" + field + "\"", "\"unknown\""}});
  };
  const std::string rsa = ReadJwkText("rsa");
  const std::pair<std::string, std::string> cases[] = {
      {R"(,"authentication":{"type":"oauth2"})", "oauth2 configuration is required"},
      {OAuth2(without("url")), "oauth2 url is required"},
      {OAuth2(without("client_id")), "oauth2 client_id is required"},
      {OAuth2(without("authentication_type")), "oauth2 authentication_type is required"},
      {OAuth2(without("client_secret")),
       "oauth2 client_secret is required for shared_secret authentication"},
      {OAuth2(
           R"("url":"https://l.test","client_id":"me","authentication_type":"client_assertion")"),
       "oauth2 signing_key is required for client_assertion authentication"},
      {OAuth2(absl::StrReplaceAll(Assertion(rsa), {{"issuer", "unknown"}})),
       "oauth2 issuer is required for client_assertion authentication"},
      {OAuth2(absl::StrReplaceAll(Assertion(rsa), {{"subject", "unknown"}})),
       "oauth2 subject is required for client_assertion authentication"},
      {OAuth2(absl::StrReplaceAll(kSharedSecret, {{"https://login.test", "ftp://login.test"}})),
       "authentication.oauth2.url:"},
      {OAuth2(kSharedSecret + R"(,"grant_type":"password")"), "authentication.oauth2.grant_type:"},
      {OAuth2(kSharedSecret + R"(,"expiry_time_unit":"days")"),
       "authentication.oauth2.expiry_time_unit:"},
      {OAuth2(absl::StrReplaceAll(kSharedSecret, {{"shared_secret", "private_key_jwt"}})),
       "authentication.oauth2.authentication_type:"},
      {OAuth2(Assertion(rsa, R"(,"signing_algorithm":"ES256")")),
       "authentication.oauth2.signing_key.kty:"},
      {OAuth2(Assertion(rsa, R"(,"signing_algorithm":"HS256")")),
       "authentication.oauth2.signing_algorithm:"},
      {OAuth2(Assertion(absl::StrReplaceAll(rsa, {{"\"qi\"", "\"xx\""}}))),
       "authentication.oauth2.signing_key.qi:"},
      {OAuth2(Assertion(R"({"kty":"oct"})")), "authentication.oauth2.signing_key.kty:"}};
  for (const auto& [extra, refusal] : cases) {
    INFO(extra.substr(0, 300));
    const std::string message = api.MessageOf("POST", "/endpoints", Body(extra));
    CHECK(message.substr(0, refusal.size()) == refusal);
    CHECK_FALSE(absl::StrContains(message, "s3cret"));
  }
}

TEST_CASE("endpoint_credentials: OAuth 2.0 settings are tried without keeping anything") {
  ProjectHarness api;
  const std::string path = "/endpoints/oauth2/test";
  const auto body = [](const std::string& fields) { return R"({"oauth2":{)" + fields + "}}"; };
  api.fetch_result = {.outcome = TransportOutcome::kResponse,
                      .http_status = 200,
                      .body = R"({"access_token":"t0k","token_type":"bearer","expires_in":60})"};
  const std::string good = api.Do(200, "POST", path, body(kSharedSecret));
  CHECK(ProjectHarness::Field(good, "data.success") == "true");
  CHECK(ProjectHarness::Field(good, "data.access_token") == "t0k");
  CHECK(ProjectHarness::Field(good, "data.token_type") == "Bearer");
  CHECK(ProjectHarness::Field(good, "message") == "OAuth2 connection test successful");
  REQUIRE(api.fetched.size() == 1);
  CHECK(api.fetched[0].url == "https://login.test/token");
  CHECK(absl::StrContains(*api.fetched[0].body, "client_secret=s3cret"));

  // A server that echoes the form gives away nothing.
  api.fetch_result = {.outcome = TransportOutcome::kResponse,
                      .http_status = 401,
                      .body = R"({"error":"invalid_client","error_description":"s3cret?"})"};
  const std::string refused = api.Do(200, "POST", path, body(kSharedSecret));
  CHECK(ProjectHarness::Field(refused, "data.success") == "false");
  CHECK(ProjectHarness::Field(refused, "data.error") == "it answered 401 invalid_client");
  CHECK(ProjectHarness::Field(refused, "message") == "OAuth2 connection test failed");
  CHECK_FALSE(absl::StrContains(refused, "s3cret"));

  api.fetch_result = {.outcome = TransportOutcome::kDeniedAddress,
                      .error = "the address is not allowed"};
  CHECK(
      absl::StrContains(api.Do(200, "POST", path, body(kSharedSecret)), "address is not allowed"));
  api.fetch_result = {.outcome = TransportOutcome::kCancelled, .error = "x"};
  api.Do(503, "POST", path, body(kSharedSecret));

  const size_t fetched_count = api.fetched.size();
  CHECK(absl::StrContains(api.Do(400, "POST", path, "{}"), "oauth2 configuration is required"));
  CHECK(absl::StrContains(api.Do(400, "POST", path, body(R"("url":"https://x.test/")")),
                          "oauth2 client_id is required"));
  api.Do(400, "POST", path,
         body(absl::StrReplaceAll(kSharedSecret, {{"\"s3cret", "\"[REDACTED]"}})));
  const std::string viewer = api.AddKey(Role::kProjectViewer, api.project);
  api.Expect(403, "POST", "/api/v1/projects/" + api.project + path, body(kSharedSecret), viewer);
  CHECK(api.fetched.size() == fetched_count);
}

}  // namespace
}  // namespace convoy::http
