// Looking without checking: what is JSON to a strict reader is found, and what lies beside the way
// does not matter.
#include "lib/json/skim.h"

#include <string>

#include <catch2/catch.hpp>

namespace convoy::json {
namespace {

std::string Found(std::string_view text, std::string_view path) {
  const Place place = Look(text, path);
  if (place.sight == Sight::kAbsent) return "(absent)";
  if (place.sight == Sight::kUnreadable) return "(unreadable)";
  std::string found(place.value.text);
  if (place.is_repeated) found += " repeated";
  if (place.is_cut) found += " cut";
  return found;
}

TEST_CASE("skim: values are found at paths") {
  const std::string text =
      R"( {"a":{"b":[1,{"c":"x"},null]},"a\u0062":true,"":5,"n":-1.5e+3,"0":"zero"} )";
  CHECK(Found(text, "a.b.1.c") == "\"x\"");
  CHECK(Found(text, "a.b.0") == "1");
  CHECK(Found(text, "a.b") == R"([1,{"c":"x"},null])");
  CHECK(Found(text, "ab") == "true");
  CHECK(Found(text, "n") == "-1.5e+3");
  CHECK(Found(text, "0") == "\"zero\"");
  for (const char* absent : {"b", "a.b.3", "a.b.01", "a.b.-1", "a.b.x", "a.b.1.c.d", "n.x"}) {
    INFO(absent);
    CHECK(Found(text, absent) == "(absent)");
  }
  CHECK(Found("5", "") == "5");
  CHECK(Found("[[],[7]]", "1.0") == "7");
}

TEST_CASE("skim: what lies beside the way is not judged") {
  const std::string deep(200'000, '[');
  for (const std::string& other :
       {std::string(R"("\ud83d")"), std::string("\"\xff\""), std::string(R"("\q")"),
        std::string("NaN"), std::string("undefined"), std::string("0x1F"), std::string("01"),
        deep + std::string(deep.size(), ']'), std::string("[1,,2]"), std::string("{a:1}"),
        std::string("\"a\nb\""), std::string(R"({"x":1,"x":2})"), std::string(R"("]}\"[{")")}) {
    INFO(other.substr(0, 20));
    CHECK(Found(R"({"o":)" + other + R"(,"a":1})", "a") == "1");
    CHECK(Found(R"({"a":1,"o":)" + other + "}", "a") == "1");
    CHECK(Found("[" + other + ",1]", "1") == "1");
  }
  CHECK(Found(R"({"a":1} {"a":2})", "a") == "1");
  CHECK(Found(R"({"a":1,})", "a") == "1");
  CHECK(Found(std::string("{\"a\":1}\0", 8), "a") == "1");
}

TEST_CASE("skim: what could be read in two ways is told") {
  CHECK(Found(R"({"a":1,"a":2})", "a") == "2 repeated");
  CHECK(Found(R"({"a":1,"\u0061":2})", "a") == "2 repeated");
  CHECK(Found(R"({"a":{"b":1},"a":{"b":2}})", "a.b") == "2 repeated");
  CHECK(Found(R"({"a":1,'b':2})", "a") == "1 cut");
  CHECK(Found(R"({"a":1)", "a") == "1 cut");
  CHECK(Found(R"({"a":{"b":1)", "a.b") == "(unreadable)");
}

TEST_CASE("skim: what had to be read and is no JSON is unreadable") {
  for (const char* text : {"", " ", "<a/>", "NaN", "\"", "{", "{\"a\"", "{\"a\":", "{'a':1}",
                           "{\"b\":1 \"a\":2}", "{\"b\":\"", "\xEF\xBB\xBF{\"a\":1}"}) {
    INFO(text);
    CHECK(Found(text, "a") == "(unreadable)");
  }
  CHECK(Look(R"({"a":NaN})", "a").value.type == Type::kJunk);
}

TEST_CASE("skim: strings with bad escapes have no text, halves of pairs have one") {
  const auto text = [](std::string_view json) { return Look(json, "a").value.AsString(); };
  CHECK(text(R"({"a":"\ud83d"})") == "\xED\xA0\xBD");
  CHECK(text(R"({"a":"\udc00x"})") == "\xED\xB0\x80x");
  CHECK(text(R"({"a":"\ud83d\ud83d\ude80"})") == "\xED\xA0\xBD\xF0\x9F\x9A\x80");
  CHECK(text(R"({"a":"\ud83d\u0041"})") ==
        "\xED\xA0\xBD"
        "A");
  for (const char* bad : {R"({"a":"\q"})", R"({"a":"\u12"})", R"({"a":"\u12G4"})"}) {
    INFO(bad);
    CHECK(text(bad) == std::nullopt);
  }
}

TEST_CASE("skim: agrees with the strict reader on every prefix and path of what is valid") {
  const std::string whole = R"({"a":[1,2.5e3,"x\u00e9\ud83d\ude00",{"b":null}],"c":{"":false}})";
  for (const char* path : {"a", "a.0", "a.1", "a.2", "a.3", "a.3.b", "a.4", "c", "c.", "d"}) {
    INFO(path);
    const auto strict = FindPath(whole, path, {});
    const Place loose = Look(whole, path);
    CHECK(loose.is_found() == strict.has_value());
    if (strict.has_value()) CHECK(loose.value.text == strict->text);
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    const Place place = Look(whole.substr(0, size), "zz");
    CHECK(place.sight == Sight::kUnreadable);
  }
}

}  // namespace
}  // namespace convoy::json
