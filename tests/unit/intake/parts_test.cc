#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "lib/intake/event_headers.h"
#include "lib/intake/form_body.h"
#include "lib/intake/json_view.h"
#include "lib/intake/locations.h"

namespace convoy::intake {
namespace {

constexpr std::string_view kUrlEncoded = "application/x-www-form-urlencoded";

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
  const JsonView body(
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

TEST_CASE("form_body: form types are recognised whatever their case and parameters") {
  CHECK(IsForm(kUrlEncoded));
  CHECK(IsForm("Multipart/Form-Data; boundary=x"));
  CHECK(IsForm("application/x-www-form-urlencoded ; charset=utf-8"));
  CHECK_FALSE(IsForm("application/json"));
  CHECK_FALSE(IsForm(""));
  CHECK_FALSE(IsForm("multipart/mixed; boundary=x"));
}

TEST_CASE("form_body: url-encoded fields become an object") {
  const struct {
    const char* body;
    const char* json;
  } kCases[] = {
      {"a=1", R"({"a":"1"})"},
      {"b=x+y&a=%C3%A4", "{\"b\":\"x y\",\"a\":\"\xc3\xa4\"}"},
      {"a=1&b=2&a=3", R"({"a":["1","3"],"b":"2"})"},
      {"a&b=", R"({"a":"","b":""})"},
      {"a=b=c", R"({"a":"b=c"})"},
      {"", "{}"},
      {"a=%FF", "{\"a\":\"\xef\xbf\xbd\"}"},
      {"a=%22%5C", R"({"a":"\"\\"})"},
  };
  for (const auto& test : kCases) {
    INFO(test.body);
    CHECK(FormToJson(kUrlEncoded, test.body) == test.json);
  }
  CHECK(FormToJson(kUrlEncoded, "a=%4") == std::nullopt);
  CHECK(FormToJson("application/json", "a=1") == std::nullopt);
  std::string many;
  for (size_t i = 0; i <= kFormFieldsMax; ++i) absl::StrAppend(&many, "a=1&");
  CHECK(FormToJson(kUrlEncoded, many) == std::nullopt);
}

TEST_CASE("form_body: multipart fields become an object, files are left out") {
  const std::string type = "multipart/form-data; boundary=\"b-1\"";
  const std::string body =
      "preamble\r\n"
      "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\ntwo\r\n"
      "--b-1  \r\ncontent-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n"
      "Content-Type: image/png\r\n\r\n\x89PNG\r\n"
      "--b-1\r\nContent-Disposition: form-data; name=b\\\"c\r\n\r\n\r\n"
      "--b-1\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; x=1; "
      "name=\"q\\\"r\"\r\n"
      "\r\n--b-2\r\n"
      "--b-1--\r\nepilogue";
  CHECK(FormToJson(type, body) == R"({"a":"one\r\ntwo","b\\\"c":"","q\"r":"--b-2"})");
  CHECK(FormToJson(type, "--b-1--") == "{}");
}

TEST_CASE("form_body: a broken multipart form is not a form") {
  const std::string type = "multipart/form-data; boundary=b";
  const std::string head = "Content-Disposition: form-data; name=\"a\"";
  for (const std::string& body :
       {std::string(""), std::string("--b"), std::string("--b\r\n"), "--b\r\n" + head,
        "--b\r\n" + head + "\r\n\r\nvalue", "--b\r\n" + head + "\r\n\r\nvalue\r\n--c--",
        "--bx\r\n" + head + "\r\n\r\nvalue\r\n--b--",
        std::string("--b\r\nX: y\r\n\r\nvalue\r\n--b--"),
        std::string("--b\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--b--"),
        std::string("--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nvalue\r\n--b--"),
        "--b\r\nX: " + std::string(9000, 'y') + "\r\n" + head + "\r\n\r\nvalue\r\n--b--"}) {
    INFO(body.substr(0, 80));
    CHECK(FormToJson(type, body) == std::nullopt);
  }
  CHECK(FormToJson("multipart/form-data", "--b--") == std::nullopt);
  CHECK(FormToJson("multipart/form-data; boundary=", "----") == std::nullopt);
  CHECK(FormToJson("multipart/form-data; boundary=" + std::string(71, 'b'),
                   "--" + std::string(71, 'b') + "--") == std::nullopt);
}

TEST_CASE("json_view: any body can be shown as one JSON value") {
  CHECK(DataAsJson("application/json", R"({ "a" : 0.10 })") == R"({ "a" : 0.10 })");
  CHECK(DataAsJson("", "[1e400]") == "[1e400]");
  CHECK(DataAsJson(kUrlEncoded, "a=1") == R"({"a":"1"})");
  CHECK(DataAsJson(kUrlEncoded, "a=%") == R"("a=%")");
  CHECK(DataAsJson("text/plain", "say \"hi\"") == R"("say \"hi\"")");
  CHECK(DataAsJson("application/octet-stream", std::string("\xff\x00", 2)) == R"("/wA=")");
  CHECK(DataAsJson("", "") == R"("")");
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
  CHECK(*KeepIngestHeaders(source, received) == Headers{{"Content-Encoding", "gzip"},
                                                        {"X-Sig", "v"},
                                                        {"X-Sig", "w"},
                                                        {"X-Convoy-Source-Id", "mask"}});
  source.forward_headers = {"authorization", "X-API-KEY", "Host"};
  CHECK(*KeepIngestHeaders(source, received) == Headers{{"Authorization", "s"},
                                                        {"X-Api-Key", "s"},
                                                        {"Content-Encoding", "gzip"},
                                                        {"X-Sig", "v"},
                                                        {"X-Sig", "w"},
                                                        {"X-Convoy-Source-Id", "mask"}});
}

TEST_CASE("event_headers: number and size are bounded") {
  const std::string large(kHeaderBytesMax, 'x');
  const std::vector<HeaderView> big = {{"X", large}};
  CHECK(KeepIngestHeaders({}, big).status().message() == "request headers too large");
  const std::vector<HeaderView> many(kHeadersMax + 1, HeaderView{"X", "y"});
  CHECK(KeepIngestHeaders({}, many).status().message() == "too many request headers");
  CHECK(CheckCustomHeaders({{"X", large}}).message() == "custom_headers: too large");
  CHECK(CheckCustomHeaders(Headers(kHeadersMax + 1, {"X", "y"})).message() ==
        "custom_headers: too many headers");
  CHECK(CheckCustomHeaders({{"X-Ok", "tab\tand \xc3\xa4"}, {"User-Agent", "me"}}).ok());
}

}  // namespace
}  // namespace convoy::intake
