#include "lib/json/document.h"

#include <catch2/catch.hpp>

namespace convoy::json {
namespace {

TEST_CASE("document: fields are read by type, absent and null ones left alone") {
  const auto document = Parse(
      R"({"s":"x","b":true,"u":4000000000,"w":18446744073709551615,"i":-5,"l":["a","b"],
          "o":{"k":1},"n":null})",
      {});
  REQUIRE(document.ok());
  ObjectReader reader(*document);
  std::string s = "old", n = "old";
  bool b = false;
  uint32_t u = 0;
  uint64_t w = 0;
  int64_t i = 0;
  std::vector<std::string> l;
  CHECK(reader.Read("s", &s));
  CHECK(reader.Read("b", &b));
  CHECK(reader.Read("u", &u));
  CHECK(reader.Read("w", &w));
  CHECK(reader.Read("i", &i));
  CHECK(reader.Read("l", &l));
  CHECK_FALSE(reader.Read("n", &n));
  CHECK_FALSE(reader.Read("absent", &n));
  CHECK(reader.Object("o") != nullptr);
  CHECK(reader.Object("n") == nullptr);
  CHECK(reader.Has("n"));
  CHECK_FALSE(reader.Has("absent"));
  CHECK(reader.status().ok());
  CHECK((s == "x" && n == "old" && b && u == 4'000'000'000 && w == ~uint64_t{0} && i == -5));
  CHECK(l == std::vector<std::string>{"a", "b"});
}

TEST_CASE("document: a wrong type is named with its path and leaves the target alone") {
  const auto document = Parse(R"({"s":1,"b":"x","u":-1,"v":1.5,"l":[1],"o":[],"a":{}})", {});
  REQUIRE(document.ok());
  const auto message = [&](auto read) {
    ObjectReader reader(*document, "config");
    read(reader);
    return std::string(reader.status().message());
  };
  std::string s;
  bool b;
  uint32_t u;
  uint64_t w;
  int64_t i;
  std::vector<std::string> l;
  const std::string prefix = "body contains incorrect JSON type for field \"config.";
  CHECK(message([&](ObjectReader& r) { r.Read("s", &s); }) == prefix + "s\"");
  CHECK(message([&](ObjectReader& r) { r.Read("b", &b); }) == prefix + "b\"");
  CHECK(message([&](ObjectReader& r) { r.Read("u", &u); }) == prefix + "u\"");
  CHECK(message([&](ObjectReader& r) { r.Read("v", &w); }) == prefix + "v\"");
  CHECK(message([&](ObjectReader& r) { r.Read("v", &i); }) == prefix + "v\"");
  CHECK(message([&](ObjectReader& r) { r.Read("l", &l); }) == prefix + "l\"");
  CHECK(message([&](ObjectReader& r) { r.Object("o"); }) == prefix + "o\"");
  CHECK(message([&](ObjectReader& r) { r.Array("a"); }) == prefix + "a\"");
  // All of them are told.
  CHECK(message([&](ObjectReader& r) { r.Read("s", &s), r.Read("b", &b); }) ==
        prefix + "s\", " + prefix + "b\"");
  // Once for each field, and nothing more about one whose type is wrong.
  CHECK(message([&](ObjectReader& r) {
          r.Read("s", &s), r.Read("s", &s), r.FailField("s", "is missing"), r.FailField("x", "why");
        }) == prefix + "s\", config.x:why");
  // Another error than a wrong request stands alone.
  CHECK(message([&](ObjectReader& r) {
          r.Read("s", &s), r.Fail(absl::UnavailableError("later")), r.FailField("x", "why");
        }) == "later");
}

TEST_CASE("document: something that is no object is an error, not a crash") {
  const auto document = Parse("[1]", {});
  REQUIRE(document.ok());
  ObjectReader reader(*document);
  std::string s;
  CHECK_FALSE(reader.Read("s", &s));
  CHECK_FALSE(reader.Has("s"));
  CHECK_FALSE(reader.status().ok());
}

TEST_CASE("document: a number that no double holds is refused") {
  CHECK(Parse("{\"a\":1e400}", {}).status().message().find("number out of range") !=
        std::string::npos);
  CHECK(Parse("{\"a\":1e300}", {}).ok());
  CHECK_FALSE(Parse("", {}).ok());
  CHECK_FALSE(Parse(std::string(10'000, '['), {}).ok());
}

TEST_CASE("document: a whole number keeps its 64 bits, any other is the nearest double") {
  const auto document = Parse(
      "[9223372036854775807, -9223372036854775808, 18446744073709551615, 18446744073709551616,"
      " -0e63, 0.1, 1e-400, 1.0, -0]",
      {});
  REQUIRE(document.ok());
  const Document& list = *document;
  REQUIRE(list.Size() == 9);
  CHECK((list[0].IsInt64() && list[0].GetInt64() == INT64_MAX));
  CHECK((list[1].IsInt64() && list[1].GetInt64() == INT64_MIN));
  CHECK((list[2].IsUint64() && list[2].GetUint64() == UINT64_MAX));
  CHECK((list[3].IsDouble() && list[3].GetDouble() == 18446744073709551616.0));
  CHECK((list[4].IsDouble() && list[4].GetDouble() == 0.0));
  CHECK((list[5].IsDouble() && list[5].GetDouble() == 0.1));
  CHECK((list[6].IsDouble() && list[6].GetDouble() == 0.0));
  CHECK((list[7].IsDouble() && !list[7].IsInt()));
  CHECK((list[8].IsInt() && list[8].GetInt() == 0));
}

TEST_CASE("document: nested containers keep their members in order") {
  const std::string text = R"({"a":[1,[],{}],"b":{"\u0000":{"c":[[null]]},"d":"\ud83d\ude00"}})";
  const auto document = Parse(text, {});
  REQUIRE(document.ok());
  CHECK(ToText(*document) ==
        "{\"a\":[1,[],{}],\"b\":{\"\\u0000\":{\"c\":[[null]]},\"d\":\"\xF0\x9F\x98\x80\"}}");
  CHECK_FALSE(Parse("[1,2", {}).ok());
  CHECK_FALSE(Parse("{} 1", {}).ok());
}

}  // namespace
}  // namespace convoy::json
