#include "lib/body/form.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

namespace convoy::body {
namespace {

constexpr std::string_view kUrlEncoded = "application/x-www-form-urlencoded";

std::optional<std::string> AsJson(std::string_view content_type, std::string_view body) {
  const auto fields = ReadForm(content_type, body);
  if (!fields.has_value()) return std::nullopt;
  return FieldsToJson(*fields);
}

TEST_CASE("form: form types are recognised whatever their case and parameters") {
  CHECK(IsForm(kUrlEncoded));
  CHECK(IsForm("Multipart/Form-Data; boundary=x"));
  CHECK(IsForm("application/x-www-form-urlencoded ; charset=utf-8"));
  CHECK_FALSE(IsForm("application/json"));
  CHECK_FALSE(IsForm(""));
  CHECK_FALSE(IsForm("multipart/mixed; boundary=x"));
}

TEST_CASE("form: url-encoded fields become an object") {
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
    CHECK(AsJson(kUrlEncoded, test.body) == test.json);
  }
  CHECK(AsJson(kUrlEncoded, "a=%4&%&b=%zz") == R"({"a":"%4","%":"","b":"%zz"})");
  CHECK(AsJson("application/json", "a=1") == std::nullopt);
  std::string many;
  for (size_t i = 0; i <= kFormFieldsMax; ++i) absl::StrAppend(&many, "a=1&");
  CHECK(AsJson(kUrlEncoded, many) == std::nullopt);
}

TEST_CASE("form: multipart fields become an object, files are left out") {
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
  CHECK(AsJson(type, body) == R"({"a":"one\r\ntwo","b\\\"c":"","q\"r":"--b-2"})");
  CHECK(AsJson(type, "--b-1--") == "{}");
}

TEST_CASE("form: a broken multipart form is not a form") {
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
    CHECK(AsJson(type, body) == std::nullopt);
  }
  CHECK(AsJson("multipart/form-data", "--b--") == std::nullopt);
  CHECK(AsJson("multipart/form-data; boundary=", "----") == std::nullopt);
  CHECK(AsJson("multipart/form-data; boundary=" + std::string(71, 'b'),
               "--" + std::string(71, 'b') + "--") == std::nullopt);
}

TEST_CASE("form: a multipart form shows itself without a content type") {
  const std::string head = "--x-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
  CHECK(GuessMultipart(head + "1\r\n--x-1--") == "multipart/form-data; boundary=\"x-1\"");
  CHECK(GuessMultipart("--x-1\r\ncontent-disposition: FORM-DATA; name=a").size() > 0);
  for (const char* other : {"", "--", "--\r\n", "a=1", "--x\r\nContent-Type: text/plain\r\n",
                            "--x\"y\r\nContent-Disposition: form-data; name=a"}) {
    INFO(other);
    CHECK(GuessMultipart(other).empty());
  }
}

}  // namespace
}  // namespace convoy::body
