#include "lib/json/raw.h"

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::json {
namespace {

using namespace std::string_literals;

std::string ErrorOf(std::string_view text, const Limits& limits = {}) {
  return std::string(Validate(text, limits).message());
}

TEST_CASE("raw: what RFC 8259 allows is accepted") {
  for (const char* text : {"null",
                           "true",
                           "false",
                           "0",
                           "-0",
                           "-1.5e+10",
                           "1E-5",
                           "1e400",
                           "-1e99999999999",
                           "0.10000000000000000000001",
                           "123456789012345678901234567890",
                           "\"\"",
                           "\"\\u0000\\\"\\\\\\/\"",
                           "\"\\ud83d\\ude00\"",
                           "\"😀é\"",
                           "[]",
                           "{}",
                           " [ 1 , [ ] , { } ] ",
                           "\t\n\r {\"a\" : {\"a\":1}}",
                           "{\"a\":1,\"a\":2}",
                           "\"\x7f\""}) {
    INFO(text);
    CHECK(ErrorOf(text).empty());
  }
}

TEST_CASE("raw: everything else is refused with its place") {
  for (const auto& text : {" "s,
                           "nul"s,
                           "nulll"s,
                           "True"s,
                           "01"s,
                           "-"s,
                           "1."s,
                           ".5"s,
                           "1e"s,
                           "1e+"s,
                           "+1"s,
                           "0x1"s,
                           "NaN"s,
                           "\""s,
                           "\"\\\""s,
                           "\"\\x\""s,
                           "\"\\u12g4\""s,
                           "\"\\u12\""s,
                           "\"\n\""s,
                           "\"\0\""s,
                           "\"\\ud83d\""s,
                           "\"\\ude00\""s,
                           "\"\\ud83d\\u0041\""s,
                           "["s,
                           "]"s,
                           "[1"s,
                           "[1,]"s,
                           "[,1]"s,
                           "[1 2]"s,
                           "[1}"s,
                           "{"s,
                           "}"s,
                           "{]"s,
                           "{\"a\"}"s,
                           "{\"a\":}"s,
                           "{\"a\":1,}"s,
                           "{a:1}"s,
                           "{1:1}"s,
                           "{\"a\" 1}"s,
                           "{\"a\":1 \"b\":2}"s,
                           "1 2"s,
                           "{}{}"s,
                           "null\0"s,
                           "\0"s,
                           "[1]]"s,
                           "\xef\xbb\xbf{}"s,
                           "//x\n1"s,
                           "'a'"s}) {
    INFO(text);
    CHECK(ErrorOf(text).find("badly-formed JSON (at character") != std::string::npos);
  }
  CHECK(ErrorOf("[1,x]") == "body contains badly-formed JSON (at character 4)");
  CHECK(ErrorOf("") == "body must not be empty");
  CHECK(ErrorOf("[\"a\xff\"]") == "body contains a string that is not UTF-8 (at character 2)");
  CHECK(ErrorOf("{\"\xc3\x28\":1}") == "body contains a string that is not UTF-8 (at character 2)");
}

TEST_CASE("raw: depth, number and size are limited, deep input costs no stack") {
  const std::string deep(10'000, '[');
  CHECK(ErrorOf(deep) == "body is nested deeper than 128 levels");
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(ErrorOf(nested(kDepthMax), {.depth_max = 1'000'000}).empty());
  CHECK_FALSE(ErrorOf(nested(kDepthMax + 1), {.depth_max = 1'000'000}).empty());
  CHECK(ErrorOf("[[]]", {.depth_max = 2}).empty());
  CHECK(ErrorOf("[[]]", {.depth_max = 1}) == "body is nested deeper than 1 levels");
  CHECK(ErrorOf("[1,2]", {.values_max = 3}).empty());
  CHECK(ErrorOf("[1,2]", {.values_max = 2}) == "body has more than 2 values");
  CHECK(absl::IsOutOfRange(Validate("[1,2]", {.bytes_max = 4})));
  CHECK(Validate("[1,2]", {.bytes_max = 5}).ok());
}

TEST_CASE("raw: the members of an object keep their bytes") {
  const std::string text =
      R"( { "data" : { "b":1e400 , "a":[ 1 ] } , "n" : 0.10 ,"s":"x\u00e9\n", "t":true})";
  const auto object = ScanObject(text, {});
  REQUIRE(object.ok());
  REQUIRE(object->members.size() == 4);
  CHECK(object->Find("data")->text == R"({ "b":1e400 , "a":[ 1 ] })");
  CHECK(object->Find("data")->type == Type::kObject);
  CHECK(object->Find("n")->text == "0.10");
  CHECK(object->Find("n")->AsScalarText() == "0.10");
  CHECK_FALSE(object->Find("n")->AsString());
  CHECK(object->Find("s")->AsString() == "xé\n");
  CHECK(object->Find("t")->AsScalarText() == "true");
  CHECK_FALSE(object->Find("data")->AsScalarText());
  CHECK(object->Find("absent") == nullptr);
}

TEST_CASE("raw: of equal keys the last one counts, escaped spelling included") {
  const std::string text = R"({"a":1,"\u0061":2})";
  const auto object = ScanObject(text, {});
  REQUIRE(object.ok());
  CHECK(object->Find("a")->text == "2");
  CHECK(FindPath(text, "a", {})->text == "2");
}

TEST_CASE("raw: an object or array is asked for by name") {
  CHECK(ScanObject("[1]", {}).status().message() ==
        "body contains incorrect JSON type (at character 1)");
  CHECK_FALSE(ScanObject("{\"a\":[1,{]}}", {}).ok());
  CHECK(ScanObject("{}", {})->members.empty());
  const auto elements = ScanArray("[[],[1,[2]],{\"a\":[]},3]", {});
  REQUIRE(elements.ok());
  REQUIRE(elements->size() == 4);
  CHECK((*elements)[1].text == "[1,[2]]");
  CHECK_FALSE(ScanArray("{}", {}).ok());
  CHECK_FALSE(ScanArray("[1,", {}).ok());
}

TEST_CASE("raw: a path reaches into objects and arrays") {
  const std::string text = R"({"a":{"b":[10,{"c":"x"}],"0":7},"e":{"f":1},"":5})";
  const std::pair<const char*, const char*> cases[] = {
      {"a.b.0", "10"}, {"a.b.1.c", "\"x\""}, {"a.0", "7"}, {"e", "{\"f\":1}"}};
  for (const auto& [path, expected] : cases) {
    INFO(path);
    REQUIRE(FindPath(text, path, {}).has_value());
    CHECK(FindPath(text, path, {})->text == expected);
  }
  for (const char* path : {"", "x", "a.b.2", "a.b.x", "a.b.0.c", "a..b", "a.b.1.c.d", "a.b.01"}) {
    INFO(path);
    CHECK_FALSE(FindPath(text, path, {}).has_value());
  }
  CHECK_FALSE(FindPath("{\"a\":1", "a", {}).has_value());
}

TEST_CASE("raw: damaged texts never crash and never pass for whole") {
  const std::string whole = R"({"a":[1,2.5e3,"x\u00e9\ud83d\ude00",{"b":null}],"c":false})";
  REQUIRE(Validate(whole, {}).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(Validate(whole.substr(0, size), {}).ok());
  }
  testing::SeededRandom random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (uint64_t i = 0; i <= random.Below(3); ++i) {
      text[random.Below(text.size())] = static_cast<char>(random.Below(256));
    }
    const auto object = ScanObject(text, {});
    CHECK(object.ok() == (Validate(text, {}).ok() && text[0] == '{'));
  }
}

}  // namespace
}  // namespace convoy::json
