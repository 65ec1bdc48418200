#include "lib/body/body_view.h"

#include <string>

#include "catch2/catch.hpp"

#include "lib/base/encoding.h"

namespace convoy::body {
namespace {

constexpr std::string_view kJson = "application/json";

// {"kind":"a"} as Python's gzip.compress(…, mtime=0) has it.
const std::string kPacked =
    base::HexDecode("1f8b0800000000000203ab56cacecc4b51b2524a54aa05009d4e7ff80c000000").value();

std::optional<std::string> Find(BodyView& view, std::string_view path) {
  const json::Place place = view.Find(path);
  if (!place.is_found()) return std::nullopt;
  return place.value.AsScalarText();
}

TEST_CASE("body_view: a byte order mark is passed over, wide characters are not read") {
  BodyView marked(kJson, "\xEF\xBB\xBF{\"a\":1}");
  CHECK(Find(marked, "a") == "1");
  CHECK(marked.opacity() == Opacity::kNone);
  for (const std::string& wide :
       {std::string("\xFF\xFE{\0}\0", 6), std::string("\xFE\xFF\0{\0}", 6),
        std::string("{\0\"\0a\0", 6), std::string("\0{\0}", 4),
        std::string("\xFF\xFE\0\0{\0\0\0", 8)}) {
    BodyView view(kJson, wide);
    CHECK(Find(view, "a") == std::nullopt);
    CHECK(view.opacity() == Opacity::kNotUtf8);
    CHECK(view.text().empty());
  }
}

TEST_CASE("body_view: packed bodies are unpacked to be looked into, under a bound") {
  for (const char* name : {"Content-Encoding", "content-encoding"}) {
    const HeaderView headers[] = {{name, "gzip"}};
    BodyView view(headers, kPacked);
    CHECK(Find(view, "kind") == "a");
    CHECK(view.json() == R"({"kind":"a"})");
  }
  const HeaderView gzip[] = {{"Content-Encoding", "gzip"}};
  BodyView bounded(gzip, kPacked, 11);
  CHECK(Find(bounded, "kind") == std::nullopt);
  CHECK(bounded.opacity() == Opacity::kDecodedTooLarge);
  BodyView damaged(gzip, std::string_view(kPacked).substr(0, 20));
  CHECK(Find(damaged, "kind") == std::nullopt);
  CHECK(damaged.opacity() == Opacity::kDamagedCoding);
  BodyView unpacked(gzip, R"({"kind":"a"})");  // a proxy has left the header
  CHECK(Find(unpacked, "kind") == "a");
  const HeaderView zstd[] = {{"Content-Encoding", "zstd"}};
  BodyView unknown(zstd, kPacked);
  CHECK(Find(unknown, "kind") == std::nullopt);
  CHECK(unknown.opacity() == Opacity::kUnknownCoding);
  BodyView stored(kJson, Headers{{"Content-Encoding", "gzip"}}, kPacked);
  CHECK(Find(stored, "kind") == "a");
}

TEST_CASE("body_view: forms are read by their content type") {
  BodyView form("application/x-www-form-urlencoded", "a=1&b=%zz");
  CHECK(form.json() == R"({"a":"1","b":"%zz"})");
  CHECK(Find(form, "a") == "1");
  BodyView json_as_form("application/x-www-form-urlencoded", " {\"a\":{\"b\":\"c=d&e\"}}\n");
  CHECK(Find(json_as_form, "a.b") == "c=d&e");
  const std::string parts =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n";
  for (const char* type : {"multipart/form-data; boundary=b",
                           "Multipart/Form-Data;charset=utf-8; "
                           "BOUNDARY=\"b\"",
                           ""}) {
    INFO(type);
    BodyView view(type, parts);
    CHECK(view.is_multipart());
    REQUIRE(view.form() != nullptr);
    CHECK(*view.form() == FormFields{{"a", "1"}});
    CHECK(Find(view, "a") == "1");
  }
  BodyView broken("multipart/form-data; boundary=c", parts);
  CHECK(broken.form() == nullptr);
  CHECK(broken.opacity() == Opacity::kMalformedForm);
  CHECK(broken.json().empty());
}

TEST_CASE("body_view: what had to be read and is no JSON is told") {
  for (const char* text : {"", "<a/>", "NaN", "{\"b\":1,'a':2}", "{\"b\""}) {
    INFO(text);
    BodyView view(kJson, text);
    CHECK(Find(view, "a") == std::nullopt);
    CHECK(view.opacity() == Opacity::kNotJson);
  }
  BodyView absent(kJson, "{\"b\":NaN}");
  CHECK(Find(absent, "a") == std::nullopt);
  CHECK(absent.opacity() == Opacity::kNone);
}

TEST_CASE("body_view: only what is JSON from end to end is shown as JSON") {
  const auto shown = [](std::string_view type, std::string_view body) {
    BodyView view(type, body);
    const auto value = AsJsonValue(view);
    return value.has_value() ? std::optional<std::string>(*value) : std::nullopt;
  };
  CHECK(shown(kJson, R"({ "a" : 0.10 })") == R"({ "a" : 0.10 })");
  CHECK(shown("", "[1e400]") == "[1e400]");
  CHECK(shown("application/x-www-form-urlencoded", "a=1") == R"({"a":"1"})");
  CHECK(shown("application/x-www-form-urlencoded", "a=%") == R"({"a":"%"})");
  CHECK(shown(kJson, "\xEF\xBB\xBF{}") == "{}");
  CHECK(shown(kJson, R"({"a":"\ud83d"})") == R"({"a":"\ud83d"})");
  CHECK(shown("text/plain", "say \"hi\"") == std::nullopt);
  CHECK(shown(kJson, R"({"a":NaN})") == std::nullopt);
  CHECK(shown("", "") == std::nullopt);
}

}  // namespace
}  // namespace convoy::body
