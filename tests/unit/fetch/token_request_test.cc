// Requests for access tokens, and answers of every kind to them.
#include "lib/fetch/token_request.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/signing_jwk.h"

namespace convoy::fetch {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'777'629'600);

OAuth2Auth Auth() {
  return {.url = "https://login.test/token",
          .client_id = "me & you",
          .scope = "a b",
          .audience = "them",
          .client_secret = "s3cr=t"};
}

TransportResult Answer(std::string body, int status = 200) {
  return {.outcome = TransportOutcome::kResponse, .http_status = status, .body = std::move(body)};
}

std::string WhyNot(const TransportResult& result, const OAuth2Auth& auth = Auth()) {
  const auto token = ReadTokenAnswer(auth, result, kNow);
  REQUIRE_FALSE(token.ok());
  CHECK_FALSE(absl::StrContains(token.status().message(), auth.client_secret));
  return std::string(token.status().message());
}

TEST_CASE("token_request: a shared secret goes into the form") {
  const OutgoingRequest request = MakeTokenRequest(Auth(), "id", kNow).value();
  CHECK(request.method == "POST");
  CHECK(request.url == "https://login.test/token");
  CHECK(*request.body ==
        "grant_type=client_credentials&client_id=me%20%26%20you&client_secret=s3cr%3Dt&"
        "audience=them&scope=a%20b");
  CHECK(request.headers[0] == Header{"Content-Type", "application/x-www-form-urlencoded"});
  CHECK(request.response_bytes_max == kTokenAnswerBytesMax);
}

TEST_CASE("token_request: an assertion takes the place of the secret") {
  OAuth2Auth auth = Auth();
  auth.client = OAuth2Client::kClientAssertion;
  auth.signing_key = testing::ReadJwk("rsa");
  const OutgoingRequest request = MakeTokenRequest(auth, "id", kNow).value();
  CHECK(request.body->starts_with(
      "grant_type=client_credentials&client_id=me%20%26%20you&client_assertion_type="
      "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJ"));
  CHECK(request.body->ends_with("&scope=a%20b"));
  CHECK_FALSE(absl::StrContains(*request.body, "secret"));
  auth.signing_key.d.clear();
  CHECK_FALSE(MakeTokenRequest(auth, "id", kNow).ok());
}

TEST_CASE("token_request: a token, its type and its life are read") {
  const auto read = [](const char* body, OAuth2Auth auth = Auth()) {
    return ReadTokenAnswer(auth, Answer(body), kNow).value();
  };
  CHECK(
      read(R"({"access_token":"t.o-k","token_type":"bearer","expires_in":3600})").authorization() ==
      "Bearer t.o-k");
  CHECK(read(R"({"access_token":"t","expires_in":3600})").lifetime == absl::Hours(1));
  CHECK(read(R"({"access_token":"t","expires_in":"90"})").lifetime == absl::Seconds(90));
  CHECK(read(R"({"access_token":"t"})").lifetime == kTokenLifetime);
  CHECK(read(R"({"access_token":"t","expires_in":null})").lifetime == kTokenLifetime);
  CHECK(read(R"({"access_token":"t","token_type":"DPoP"})").authorization() == "DPoP t");
  // An instant: an hour from now.
  CHECK(read(R"({"access_token":"t","expires_in":1777633200})").lifetime == absl::Hours(1));
  OAuth2Auth named = Auth();
  named.token_field = "accessToken";
  named.type_field = "kind";
  named.expiry_field = "expiresAt";
  named.expiry_unit = ExpiryUnit::kMilliseconds;
  const AccessToken token =
      read(R"({"accessToken":"t","kind":"X","expiresAt":1777629660000})", named);
  CHECK(token.authorization() == "X t");
  CHECK(token.lifetime == absl::Minutes(1));
  const std::pair<ExpiryUnit, absl::Duration> units[] = {
      {ExpiryUnit::kSeconds, absl::Seconds(2)},
      {ExpiryUnit::kMilliseconds, absl::Milliseconds(2)},
      {ExpiryUnit::kMinutes, absl::Minutes(2)},
      {ExpiryUnit::kHours, absl::Hours(2)}};
  for (const auto& [unit, lifetime] : units) {
    OAuth2Auth auth = Auth();
    auth.expiry_unit = unit;
    CHECK(read(R"({"access_token":"t","expires_in":2})", auth).lifetime == lifetime);
  }
}

TEST_CASE("token_request: a refusal is told in the server's words, as far as they can be shown") {
  CHECK(WhyNot(Answer(R"({"error":"invalid_client","error_description":"unknown\nclient"})",
                      401)) == "it answered 401 invalid_client (unknown?client)");
  CHECK(WhyNot(Answer(R"({"error":"invalid_scope"})", 400)) == "it answered 400 invalid_scope");
  CHECK(WhyNot(Answer("<html>", 502)) == "it answered 502");
  CHECK(WhyNot(Answer("", 302)) == "it answered 302");
  CHECK(WhyNot(Answer(R"({"error":5,"error_description":["x"]})", 400)) == "it answered 400");
  // Echoes of what it was sent.
  CHECK(WhyNot(Answer(R"({"error":"e","error_description":"wrong secret s3cr=t"})", 400)) ==
        "it answered 400 e");
  CHECK(WhyNot(Answer(R"({"error":"e","error_description":"eyJhbGciOi"})", 400)) ==
        "it answered 400 e");
  for (const char* echo :
       {"client_secret=s3cr%3Dt&a=b", "s3cr%3dt", "100% s3cr%3Dt", "%65yJhbGciOi"}) {
    INFO(echo);
    CHECK(WhyNot(Answer(absl::StrCat(R"({"error":"e","error_description":")", echo, "\"}"), 400)) ==
          "it answered 400 e");
  }
  CHECK(WhyNot(Answer(R"({"error":"e","error_description":"50% off"})", 400)) ==
        "it answered 400 e (50% off)");
  const std::string long_text(1000, 'x');
  CHECK(WhyNot(Answer(absl::StrCat(R"({"error":")", long_text, "\"}"), 400)) ==
        absl::StrCat("it answered 400 ", long_text.substr(0, 200)));
}

TEST_CASE("token_request: an answer that is of no use is told") {
  CHECK(WhyNot(Answer("")) == "its answer is no JSON object");
  CHECK(WhyNot(Answer("[]")) == "its answer is no JSON object");
  CHECK(WhyNot(Answer(std::string(60'000, '['))) == "its answer is no JSON object");
  CHECK(WhyNot(Answer("{}")) == "its answer has no text 'access_token'");
  CHECK(WhyNot(Answer(R"({"access_token":7})")) == "its answer has no text 'access_token'");
  for (const std::string& token :
       std::vector<std::string>{"a b", "a\\r\\nX: y", "\\u00e9", std::string(20'000, 'a')}) {
    CHECK(WhyNot(Answer(absl::StrCat(R"({"access_token":")", token, "\"}"))) ==
          "its token is too long, or no header can carry it");
  }
  CHECK(WhyNot(Answer(R"({"access_token":"t","token_type":"a: b"})")) ==
        "its token_type is no name of a scheme");
  for (const char* expiry :
       {"0", "-5", "\"soon\"", "1577836800", "true", "{}", "\"nan\"", "\"inf\""}) {
    INFO(expiry);
    CHECK(WhyNot(Answer(absl::StrCat(R"({"access_token":"t","expires_in":)", expiry, "}"))) ==
          "its 'expires_in' is no time in the future");
  }
  CHECK(WhyNot({.outcome = TransportOutcome::kResponseTooLarge,
                .http_status = 200,
                .error = "the response body is too large"}) == "the response body is too large");
  CHECK(WhyNot({.outcome = TransportOutcome::kTimedOut, .error = "timed out"}) == "timed out");
}

}  // namespace
}  // namespace convoy::fetch
