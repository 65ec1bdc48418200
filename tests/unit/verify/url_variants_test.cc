// Spellings of URLs, with values that the providers' own packages give.
#include "lib/verify/url_variants.h"

#include <string>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"

namespace convoy::verify {
namespace {

TEST_CASE("url_variants: each spelling changes what it is about") {
  const struct {
    UrlVariant variant;
    const char* url;
    const char* spelt;  // null: the same
  } kCases[] = {
      {UrlVariant::kNoPort, "https://a.example:8443/x?y=http://b:1/",
       "https://a.example/x?y=http://b:1/"},
      {UrlVariant::kNoPort, "https://u:p@a.example:443/x", "https://u:p@a.example/x"},
      {UrlVariant::kNoPort, "https://[2001:db8::1]:443/x", "https://[2001:db8::1]/x"},
      {UrlVariant::kNoPort, "https://a.example/x:1", nullptr},
      {UrlVariant::kDefaultPort, "https://a.example/x", "https://a.example:443/x"},
      {UrlVariant::kDefaultPort, "http://u:p@a.example", "http://u:p@a.example:80"},
      {UrlVariant::kDefaultPort, "https://[::1]?a=1", "https://[::1]:443?a=1"},
      {UrlVariant::kDefaultPort, "https://a.example:8443/x", nullptr},
      {UrlVariant::kQuoted, "https://a/x'y?a='b'&c=\"<>", "https://a/x'y?a=%27b%27&c=%22%3C%3E"},
      {UrlVariant::kQuoted, "https://a/x?a=1", nullptr},
      {UrlVariant::kLegacyQuery, "https://a/x?b=1+2&a=%27&b=%C3%A4",
       "https://a/x?b=1%202&b=%C3%A4&a='"},
      {UrlVariant::kLegacyQuery, "https://a/x?", nullptr},
      {UrlVariant::kHubspotDecoded, "https://a/x?e=a%40b.c%2Fd%20e%3f",
       "https://a/x?e=a@b.c/d%20e?"},
      {UrlVariant::kHubspotDecoded, "https://a/x?e=%", nullptr},
  };
  for (const auto& test : kCases) {
    INFO(test.url);
    const auto spelt = SpellUrl(test.variant, test.url);
    CHECK(spelt == (test.spelt == nullptr ? std::nullopt : std::optional<std::string>(test.spelt)));
  }
}

TEST_CASE("url_variants: what twilio's package accepts is accepted") {
  // From npm twilio@6.3.1: getExpectedTwilioSignature("12345", url, {a: "1", b: "2"}, algorithm).
  const struct {
    const char* signed_url;
    const char* sha1;
    const char* sha256;
  } kSigned[] = {
      {"https://u:p@hooks.example.com/in?q=it's&q=a+b",
       "Tb7d/g85XzZdovnpl/hxpVBhebU=", "AaURVJcUl0vRXp5IX6Dk/yWoc7sISAYHlsYqMEadowc="},
      {"https://u:p@hooks.example.com:8443/in?q=it's&q=a+b",
       "n/BUDjkWLTQSjLNi1nCkcvpJPdA=", "ycHbdzxQoMRxsPUzFpXzcEHCO8Qq9X87S0lAP9Zfez0="},
  };
  const auto verifier = CompilePreset("twilio", {"12345"}).value();
  const auto judge = [&](std::string_view signature, bool has_settings) {
    const HeaderView headers[] = {
        {"X-Twilio-Signature", signature},
        {"Content-Type", "application/x-www-form-urlencoded"},
        {has_settings ? "X-Twilio-Webhooks-Signature-Settings" : "X-Other",
         "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}};
    return verifier
        ->Verify({.method = "POST",
                  .url = "https://u:p@hooks.example.com:8443/in?q=it's&q=a+b",
                  .path = "/in",
                  .query = "q=it's&q=a+b",
                  .headers = headers,
                  .body = "b=2&a=1"},
                 absl::UnixEpoch())
        .reason;
  };
  for (const auto& test : kSigned) {
    INFO(test.signed_url);
    CHECK(judge(test.sha1, false) == VerifyReason::kAccepted);
    CHECK(judge(test.sha256, true) == VerifyReason::kAccepted);
    CHECK(judge(test.sha256, false) != VerifyReason::kAccepted);
  }
  CHECK(judge("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", true) == VerifyReason::kSignatureMismatch);
}

TEST_CASE("url_variants: HubSpot signs a URL with escapes undone") {
  // From Python: base64 of hmac.new(b"secret", b"POST" + url + b"{}1700000000000", "sha256").
  const auto verifier = CompilePreset("hubspot", {"secret"}).value();
  for (const char* signature : {"WYAfVd114g7se6bK0+FjVcbYyvgcklXIQK6E4YAvVT4=",
                                "hAJvFhb4ws+CIhcdZPEFmdtlAB/r/YeorimOVED9Ff8="}) {
    const HeaderView headers[] = {{"X-HubSpot-Signature-v3", signature},
                                  {"X-HubSpot-Request-Timestamp", "1700000000000"}};
    CHECK(verifier
              ->Verify({.method = "POST",
                        .url = "https://a.example/x?e=a%40b.c%20d",
                        .headers = headers,
                        .body = "{}"},
                       absl::FromUnixSeconds(1'700'000'000))
              .accepted());
  }
}

}  // namespace
}  // namespace convoy::verify
