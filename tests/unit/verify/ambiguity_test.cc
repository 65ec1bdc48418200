// Ambiguous input is refused: duplicates, boundaries that move, forms that parsers disagree about.
// Also the parameters of presets, which have no effect unless they are used.
#include <catch2/catch.hpp>

#include "convoy/verifier.h"
#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/verify/evidence.h"
#include "lib/verify/key_lookup.h"

namespace convoy::verify {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'777'629'600);

std::string Mac(crypto::HashAlgorithm algorithm, std::string_view key, std::string_view message) {
  return std::string(crypto::HmacOf(crypto::HmacKey(algorithm, key), message).view());
}

std::string HexMac(std::string_view key, std::string_view message) {
  return base::HexEncode(Mac(crypto::HashAlgorithm::kSha256, key, message));
}

VerifyReason Judge(const Verifier& verifier, std::vector<HeaderView> headers,
                   std::string_view body) {
  return verifier.Verify({.method = "POST", .headers = headers, .body = body}, kNow).reason;
}

TEST_CASE("ambiguity: a numbered header that comes twice is malformed, whatever its case") {
  const auto docusign = CompilePreset("docusign", {"secret"}).value();
  const std::string good =
      base::Base64Encode(Mac(crypto::HashAlgorithm::kSha256, "secret", "body"));
  const std::string other(44, 'A');
  CHECK(Judge(*docusign, {{"X-DocuSign-Signature-1", other}, {"X-DocuSign-Signature-2", good}},
              "body") == VerifyReason::kAccepted);
  CHECK(Judge(*docusign, {{"X-DocuSign-Signature-1", other}, {"x-docusign-signature-1", good}},
              "body") == VerifyReason::kMalformed);
  CHECK(Judge(*docusign, {{"X-DocuSign-Signature-x", good}}, "body") ==
        VerifyReason::kMissingHeader);
}

TEST_CASE("ambiguity: a member that the scheme reads must not come twice in the body") {
  Text text;
  CHECK(FindJson(R"({"a": {"b": 1}, "c": 2, "c": 3})", "a.b", &text) == Finding::kFound);
  CHECK(FindJson(R"({"a": {"b": 1}, "c": 2, "c": 3})", "c", &text) == Finding::kAmbiguous);
  CHECK(FindJson(R"({"a": {"b": 1}, "a": {"b": 1}})", "a.b", &text) == Finding::kAmbiguous);
  CHECK(FindJson(R"({"a": 1, "\u0061": 1})", "a", &text) == Finding::kAmbiguous);
  CHECK_FALSE(FindOnly(R"({"a": [], "a": []})", "a").has_value());

  const auto linear = CompilePreset("linear", {"secret"}).value();
  const std::string time = R"("webhookTimestamp": 1777629600000)";
  const std::string once = "{" + time + "}", twice = "{" + time + ", " + time + "}";
  CHECK(Judge(*linear, {{"Linear-Signature", HexMac("secret", once)}}, once) ==
        VerifyReason::kAccepted);
  CHECK(Judge(*linear, {{"Linear-Signature", HexMac("secret", twice)}}, twice) ==
        VerifyReason::kMalformed);
}

TEST_CASE("ambiguity: a form field and a query parameter must not come twice") {
  const auto verifier = CompileScheme(R"({"type": "hmac", "signature": {"in": "form", "name": "s"},
                                          "message": "{form:p}{query:q}"})",
                                      {"secret"})
                            .value();
  const std::string mac = HexMac("secret", "12");
  const auto judge = [&](const std::string& form, const std::string& query) {
    return verifier->Verify({.query = query, .body = form}, kNow).reason;
  };
  CHECK(judge("p=1&s=" + mac, "q=2") == VerifyReason::kAccepted);
  CHECK(judge("p=1&p=1&s=" + mac, "q=2") == VerifyReason::kMalformed);
  CHECK(judge("p=1&%70=1&s=" + mac, "q=2") == VerifyReason::kMalformed);
  CHECK(judge("p=1&s=" + mac + "&s=" + mac, "q=2") == VerifyReason::kMalformed);
  CHECK(judge("p=1&s=" + mac, "q=2&q=2") == VerifyReason::kMalformed);
  CHECK(judge("p=1&s=" + mac, "q=2&q") == VerifyReason::kMalformed);
}

TEST_CASE("ambiguity: a header's value cannot reach over what follows it in the message") {
  const auto verifier = CompileScheme(R"({"type": "hmac", "signature": {"name": "S"},
                                          "message": "{header:A}::{query:b};{header:C}{body}"})",
                                      {"secret"})
                            .value();
  const auto judge = [&](std::string a, std::string query, std::string c, std::string body) {
    const std::string mac = HexMac("secret", a + "::" + query.substr(2) + ";" + c + body);
    const std::vector<HeaderView> headers = {{"A", a}, {"C", c}, {"S", mac}};
    return verifier->Verify({.query = query, .headers = headers, .body = body}, kNow).reason;
  };
  CHECK(judge("a:b", "b=x:y", "c;c", "{}") == VerifyReason::kAccepted);
  CHECK(judge("a::b", "b=x", "c", "{}") == VerifyReason::kMalformed);
  CHECK(judge("a", "b=x;y", "c", "{}") == VerifyReason::kMalformed);
  CHECK(judge("a", "b=x", "c{\"d\":", "1}") == VerifyReason::kMalformed);
}

TEST_CASE("ambiguity: a token's times are numbers without an exponent") {
  const auto verifier = CompileScheme(R"({"type": "jwt", "signature": {"name": "T"},
                        "jwt": {"algs": ["HS256"], "require_exp": true}})",
                                      {"secret"})
                            .value();
  const auto judge = [&](const std::string& claims, const std::string& header = "") {
    const std::string text = base::Base64UrlEncode(header.empty() ? R"({"alg":"HS256"})" : header) +
                             "." + base::Base64UrlEncode(claims);
    const std::string token =
        text + "." + base::Base64UrlEncode(Mac(crypto::HashAlgorithm::kSha256, "secret", text));
    return Judge(*verifier, {{"T", token}}, "");
  };
  CHECK(judge(R"({"exp": 1777629601})") == VerifyReason::kAccepted);
  CHECK(judge(R"({"exp": 1777629601.5})") == VerifyReason::kAccepted);
  CHECK(judge(R"({"exp": 1777629600})") == VerifyReason::kTooOld);
  for (const char* claims :
       {R"({"exp": "1777629601"})", R"({"exp": 1777629601.5e9})", R"({"exp": 17e99})",
        R"({"exp": -1})", R"({"exp": null})", R"({"exp": 1777629601, "exp": 1777629601})",
        R"({"exp": 1777629601, "nbf": "0"})", R"({})", "", "[1777629601]",
        R"({"exp": 1777629601, "iat": true})"}) {
    INFO(claims);
    CHECK(judge(claims) == VerifyReason::kMalformed);
  }
  const std::string claims = R"({"exp": 1777629601})";
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"HS512"})", R"({"alg":"hs256"})",
        R"({"alg":["HS256"]})", R"({"alg":"HS256","alg":"HS256"})",
        R"({"alg":"none","alg":"HS256"})", R"({"alg":"HS256","crit":["b64"],"b64":false})",
        R"({"typ":"JWT"})", "HS256", "{}"}) {
    INFO(header);
    CHECK(judge(claims, header) == VerifyReason::kMalformed);
  }
}

TEST_CASE("ambiguity: a key's host and path are pinned, spelt plainly") {
  const std::vector<std::string> sns = {"sns.*.amazonaws.com"};
  CHECK(IsHostAllowed("https://sns.eu-west-1.amazonaws.com/a.pem", sns));
  CHECK(IsHostAllowed("https://SNS.us-gov-west-1.AmazonAWS.com/a.pem", sns));
  for (const char* url : {"http://sns.eu-west-1.amazonaws.com/a.pem",
                          "https://sns.amazonaws.com/a.pem",
                          "https://sns.a.b.amazonaws.com/a.pem",
                          "https://sns..amazonaws.com/a.pem",
                          "https://sns.s3.amazonaws.com/a.pem",
                          "https://sns.s3-us-west-2.amazonaws.com/a.pem",
                          "https://sns.S3-eu-west-1.amazonaws.com/a.pem",
                          "https://sns.eu-west-1.amazonaws.com.evil.com",
                          "https://sns.eu-west-1.amazonaws.com:443/a.pem",
                          "https://u@sns.eu-west-1.amazonaws.com/a.pem",
                          "https://evil.com/sns.eu-west-1.amazonaws.com/a.pem",
                          "https://evil.com\\.sns.eu-west-1.amazonaws.com/a.pem",
                          "https://sns.eu-west-1.amazonaws.com#.evil.com/",
                          "https://sns.eu-west-1.amazonaws.com?/a",
                          "https://xsns.eu-west-1.amazonaws.com/a.pem",
                          "//sns.eu-west-1.amazonaws.com/a.pem",
                          "https://sns.eu%2dwest-1.amazonaws.com/a.pem",
                          "https://sns.eu-west-1.amazonaws.com./a.pem",
                          "https:///sns.eu-west-1.amazonaws.com/a.pem",
                          "",
                          "https://"}) {
    INFO(url);
    CHECK_FALSE(IsHostAllowed(url, sns));
  }
}

TEST_CASE("parameters: one that is missing and one that is unknown are refused by name") {
  const auto compile = [](const char* preset, std::map<std::string, std::string> parameters) {
    const VerifierSettings settings{.secrets = {"secret"}, .parameters = std::move(parameters)};
    return CompilePreset(preset, settings).status();
  };
  CHECK(compile("braintree", {{"public_key", "k"}}).ok());
  CHECK(compile("braintree", {}).message().find("\"public_key\"") != std::string::npos);
  const absl::Status unknown = compile("braintree", {{"public_key", "k"}, {"publik_key", "k"}});
  CHECK(absl::IsInvalidArgument(unknown));
  CHECK(unknown.message().find("\"publik_key\"") != std::string::npos);
  CHECK(compile("github", {{"a", "b"}}).message().find("\"a\"") != std::string::npos);
  // A handshake may do without; what it could use is known.
  CHECK(compile("meta", {}).ok());
  CHECK(compile("meta", {{"verify_token", "v"}}).ok());
}

TEST_CASE("parameters: an optional check holds unless its parameter is given") {
  const std::string mac = HexMac("secret", "{}");
  const auto judge = [&](std::map<std::string, std::string> parameters, const char* app_key) {
    const auto pusher =
        CompilePreset("pusher", VerifierSettings{.secrets = {"secret"}, .parameters = parameters})
            .value();
    std::vector<HeaderView> headers = {{"X-Pusher-Signature", mac}};
    if (*app_key != '\0') headers.push_back({"X-Pusher-Key", app_key});
    return Judge(*pusher, headers, "{}");
  };
  CHECK(judge({}, "") == VerifyReason::kAccepted);
  CHECK(judge({}, "anything") == VerifyReason::kAccepted);
  CHECK(judge({{"app_key", "mine"}}, "mine") == VerifyReason::kAccepted);
  CHECK(judge({{"app_key", "mine"}}, "other") == VerifyReason::kSignatureMismatch);
  CHECK(judge({{"app_key", "mine"}}, "") == VerifyReason::kMissingHeader);
}

TEST_CASE("challenge: Braintree's signs nothing that could be an event") {
  const auto braintree =
      CompilePreset("braintree",
                    VerifierSettings{.secrets = {"private"}, .parameters = {{"public_key", "pub"}}})
          .value();
  const auto answer = [&](const std::string& challenge) {
    const std::string query = "bt_challenge=" + challenge;
    return braintree->AnswerChallenge({.method = "GET", .query = query}, kNow);
  };
  const std::string asked = "0123456789abcdef0123";
  const std::string key(crypto::Hash(crypto::HashAlgorithm::kSha1, "private").view());
  REQUIRE(answer(asked).has_value());
  CHECK(answer(asked)->response.body ==
        "pub|" + base::HexEncode(Mac(crypto::HashAlgorithm::kSha1, key, asked)));
  // The payload of an event is base64: as a challenge it would be signed on request.
  const std::string event = base::Base64Encode("<notification><kind>x</kind></notification>");
  for (const std::string& other :
       {event, asked.substr(1), asked + asked, std::string("0123456789ABCDEF0123"),
        std::string("0123456789abcdef012g"), asked + "%0A", std::string()}) {
    INFO(other);
    CHECK_FALSE(answer(other).has_value());
  }
}

}  // namespace
}  // namespace convoy::verify
