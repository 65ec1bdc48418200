// Spellings of bodies: their number and size, whatever the body.
#include "lib/verify/spellings.h"

#include <algorithm>
#include <set>
#include <string>

#include <catch2/catch.hpp>

namespace convoy::verify {
namespace {

std::vector<Spelling> Spell(const std::string& body) {
  body::BodyView view("", body);
  return SpellBody(body, view);
}

size_t BytesOf(const std::vector<Spelling>& spellings) {
  size_t bytes = 0;
  for (const Spelling& spelling : spellings) bytes += spelling.body.size();
  return bytes;
}

TEST_CASE("spellings: each is another text") {
  for (const std::string& body :
       {std::string(R"({"a":"b/\u00e9","c":[1,2]})"), std::string("a=b+c&d=%C3%A9"),
        std::string("{}"), std::string("x")}) {
    INFO(body);
    std::set<std::string> texts = {body};
    for (const Spelling& spelling : Spell(body)) {
      INFO(spelling.code << " " << spelling.body);
      CHECK(texts.insert(spelling.body).second);
    }
    CHECK(texts.size() > 3);
  }
}

TEST_CASE("spellings: JSON is indented as its writers do") {
  const auto spellings = Spell(R"({"a":["b/c"]})");
  for (const char* text :
       {R"({"a": ["b/c"]})", "{\n\t\"a\": [\n\t\t\"b/c\"\n\t]\n}", R"({"a":["b\/c"]})"}) {
    INFO(text);
    CHECK(std::any_of(spellings.begin(), spellings.end(), [&](const Spelling& spelling) {
      return spelling.body == text && spelling.code == "body_rewritten";
    }));
  }
}

TEST_CASE("spellings: a body that grows when it is written anew takes bounded memory") {
  constexpr size_t kBytes = 256 * 1024;
  // Lists of depth 32, side by side.
  const std::string unit = std::string(32, '[') + std::string(32, ']');
  std::string nested = "[" + unit;
  while (nested.size() + unit.size() + 2 <= kBytes) nested += "," + unit;
  nested += "]";
  const std::string slashes = "[\"" + std::string(kBytes - 4, '/') + "\"]";
  for (const std::string& body : {nested, slashes, std::string(10 * kBytes, '+')}) {
    const auto spellings = Spell(body);
    CHECK_FALSE(spellings.empty());
    CHECK(BytesOf(spellings) <= 16 * 1024 * 1024);
  }
}

}  // namespace
}  // namespace convoy::verify
