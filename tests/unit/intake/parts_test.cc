#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "lib/intake/event_headers.h"
#include "lib/intake/locations.h"

namespace convoy::intake {
namespace {

TEST_CASE("locations: a source's idempotency keys are checked with the messages clients know") {
  for (const char* good : {"request.header.X-Id", "req.Header.X-Id", "request.Body.a.b.0",
                           "request.body.a", "request.QueryParam.q", "request.query.q"}) {
    INFO(good);
    CHECK(CheckIdempotencyLocation(good).ok());
  }
  const struct {
    const char* location;
    const char* message;
  } kCases[] = {
      {"", "not enough parts set for idempotency key location with value: "},
      {"request.body",
       "not enough parts set for idempotency key location with value: request.body"},
      {"response.body.x",
       "unsupported input format for idempotency key location with value: response.body.x"},
      {"request.cookie.x",
       "unsupported input format for idempotency key location with value: request.cookie.x"},
      {"request.body.",
       "unsupported input format for idempotency key location with value: request.body."},
      {"request.body.\xff", "idempotency key location is too long or not UTF-8"},
  };
  for (const auto& test : kCases) {
    INFO(test.location);
    CHECK(CheckIdempotencyLocation(test.location).message() == test.message);
  }
}

TEST_CASE("locations: an event type must stand where the signature covers it") {
  const auto check = [](std::string location, Source source = {}) {
    source.event_type_location = std::move(location);
    return std::string(CheckEventTypeLocation(source).message());
  };
  const Source hmac{.verifier = HmacVerifierConfig{}};
  const Source github{.provider = Provider::kGithub};
  const Source key{.verifier = ApiKeyAuth{}};
  const std::string refusal =
      "event type location cannot use request headers or query parameters with payload signature "
      "verification";
  CHECK(check("") == "");
  CHECK(check("request.header.X-Type") == "");
  CHECK(check("req.queryparam.type") == "");
  CHECK(check("request.header.X-Type", key) == "");
  CHECK(check("request.body.a.b", hmac) == "");
  CHECK(check("request.header.X-Type", hmac) == refusal);
  CHECK(check("request.query.type", github) == refusal);
  CHECK(check("request.header.X.Y") ==
        "event type location in headers or query cannot be nested: request.header.X.Y");
  CHECK(check("body.type") ==
        "unsupported input format for event type location with value: body.type");
}

TEST_CASE("locations: values are read as scalars") {
  const std::vector<HeaderView> headers = {{"X-Id", "h1"}, {"x-id", "h2"}, {"X-Empty", ""}};
  const HttpRequest request{.query = "q=a%20b&q=c&e=", .headers = headers};
  body::BodyView body(
      "application/json",
      R"({"s":"a\u0062","n":1.50,"b":true,"z":null,"o":{"l":[{"x":"deep"}]},"e":""})");
  const struct {
    const char* location;
    std::optional<std::string> value;
  } kCases[] = {
      {"request.header.X-ID", "h1"},
      {"request.header.X-No", std::nullopt},
      {"request.header.X-Empty", std::nullopt},
      {"request.query.q", "a b"},
      {"request.query.e", std::nullopt},
      {"request.query.no", std::nullopt},
      {"request.body.s", "ab"},
      {"request.body.n", "1.50"},
      {"request.body.b", "true"},
      {"request.body.z", std::nullopt},
      {"request.body.o.l.0.x", "deep"},
      {"request.body.o", std::nullopt},
      {"request.body.e", std::nullopt},
      {"nonsense", std::nullopt},
  };
  for (const auto& test : kCases) {
    INFO(test.location);
    CHECK(FindAtLocation(test.location, request, body) == test.value);
  }
}

TEST_CASE("event_headers: secrets and what belongs to the connection stay behind") {
  const std::vector<HeaderView> received = {
      {"Host", "x"},
      {"content-length", "5"},
      {"Connection", "close, X-Hop"},
      {"x-hop", "1"},
      {"Authorization", "s"},
      {"COOKIE", "s"},
      {"X-Api-Key", "s"},
      {"Content-Type", "a/b"},
      {"Content-Encoding", "gzip"},
      {"X-Sig", "v"},
      {"X-Sig", "w"},
      {"Bad Name", "1"},
      {"X-Bad", "a\r\nb"},
      {"X-Convoy-Source-Id", "forged"},
  };
  Source source{.mask_id = "mask", .verifier = ApiKeyAuth{.header_name = "x-api-key"}};
  const verify::Credentials credentials = verify::CredentialsOf(source);
  CHECK(*KeepIngestHeaders(source, credentials, received) ==
        Headers{{"Content-Encoding", "gzip"},
                {"X-Sig", "v"},
                {"X-Sig", "w"},
                {"X-Convoy-Source-Id", "mask"}});
  source.forward_headers = {"authorization", "X-API-KEY", "Host"};
  CHECK(*KeepIngestHeaders(source, credentials, received) ==
        Headers{{"Authorization", "s"},
                {"X-Api-Key", "s"},
                {"Content-Encoding", "gzip"},
                {"X-Sig", "v"},
                {"X-Sig", "w"},
                {"X-Convoy-Source-Id", "mask"}});
}

TEST_CASE("event_headers: the token of a preset or scheme is a secret, wherever it stands") {
  const auto credentials_of = [](SchemeVerifierConfig config) {
    return verify::CredentialsOf({.verifier = std::move(config)});
  };
  const auto gitlab = credentials_of({.preset = "gitlab", .secrets = {"s"}});
  CHECK(IsSecretHeader(gitlab, "x-gitlab-token"));
  CHECK_FALSE(IsSecretHeader(gitlab, "X-Gitlab-Event"));
  CHECK_FALSE(IsSecretHeader(credentials_of({.preset = "github"}), "X-Hub-Signature-256"));
  const auto mailchimp = credentials_of({.preset = "mailchimp", .secrets = {"s"}});
  CHECK(KeepQuery(mailchimp, "a=1&secret=s&b=%20") == "a=1&b=%20");
  CHECK(KeepQuery(mailchimp, "%73ecret=s&&a&secrets=t") == "&a&secrets=t");
  CHECK(KeepQuery(mailchimp, "secret=s") == "");
  CHECK(KeepQuery(gitlab, "secret=s&&") == "secret=s&&");
  const auto own =
      credentials_of({.definition = R"({"type":"token","signature":{"in":"query","name":"key"}})",
                      .secrets = {"s"}});
  CHECK(KeepQuery(own, "key=s&a=1&key=t") == "a=1");
}

TEST_CASE("event_headers: number and size are bounded") {
  const std::string large(kHeaderBytesMax, 'x');
  const std::vector<HeaderView> big = {{"X", large}};
  CHECK(KeepIngestHeaders({}, {}, big).status().message() ==
        "request headers too large: more than 65536 bytes");
  const std::vector<HeaderView> many(kHeadersMax + 1, HeaderView{"X", "y"});
  CHECK(KeepIngestHeaders({}, {}, many).status().message() ==
        "too many request headers: more than 200");
  CHECK(CheckCustomHeaders({{"X", large}}).message() == "custom_headers: too large");
  CHECK(CheckCustomHeaders(Headers(kHeadersMax + 1, {"X", "y"})).message() ==
        "custom_headers: too many headers");
  CHECK(CheckCustomHeaders({{"X-Ok", "tab\tand \xc3\xa4"}, {"User-Agent", "me"}}).ok());
}

}  // namespace
}  // namespace convoy::intake
