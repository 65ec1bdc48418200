#include "lib/base/text.h"

#include <catch2/catch.hpp>

namespace convoy::base {
namespace {

using namespace std::string_literals;

TEST_CASE("text: UTF-8 is what RFC 3629 says") {
  for (const auto& text :
       {""s, "a"s, "\0"s, "é"s, "€"s, "😀"s, "\xf4\x8f\xbf\xbf"s, "\xed\x9f\xbf"s}) {
    CHECK(IsValidUtf8(text));
  }
  for (const auto& text :
       {"\x80"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc2"s, "\xe0\x9f\xbf"s, "\xe2\x82"s, "\xed\xa0\x80"s,
        "\xed\xbf\xbf"s, "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s,
        "a\xe2\x28\xa1"s, "\xf0\x9f\x98"s}) {
    INFO(text.size());
    CHECK_FALSE(IsValidUtf8(text));
  }
}

TEST_CASE("text: header names are tokens and values have nothing to inject") {
  CHECK(IsHeaderName("X-Hub-Signature-256"));
  for (const auto& name : {""s, "a b"s, "a:"s, "a\n"s, "é"s, "a\0"s})
    CHECK_FALSE(IsHeaderName(name));
  CHECK(IsHeaderValue("a b\tc \xe9"));
  for (const auto& value : {"a\r\nb"s, "a\n"s, "\0"s, "\x7f"s}) CHECK_FALSE(IsHeaderValue(value));
}

TEST_CASE("text: what is quoted fits on a line and is short") {
  CHECK(Quote("") == "\"\"");
  CHECK(Quote("a\n\"\xff") == R"("a\n\"\xff")");
  CHECK(Quote(std::string(64, 'x')) == "\"" + std::string(64, 'x') + "\"");
  CHECK(Quote(std::string(65, 'x')) == "\"" + std::string(64, 'x') + "…\"");
}

TEST_CASE("text: headers are found without case, the first one counts") {
  const std::vector<HeaderView> views = {{"A", "1"}, {"a", "2"}, {"B", "3"}};
  CHECK(FindHeader(views, "a") == "1");
  CHECK(CountHeader(views, "a") == 2);
  CHECK_FALSE(FindHeader(views, "C"));
  const Headers owned = {{"Content-Type", "x"}};
  CHECK(FindHeader(owned, "content-type") == "x");
  CHECK_FALSE(FindHeader(owned, "content"));
}

TEST_CASE("text: query parameters are decoded, damaged ones are passed over") {
  CHECK(FindQueryParameter("a=1&b=2+3%21&a=4", "b") == "2 3!");
  CHECK(FindQueryParameter("a=1&a=4", "a") == "1");
  CHECK(FindQueryParameters("a=1&&a=4&a", "a") == std::vector<std::string>{"1", "4", ""});
  CHECK(FindQueryParameter("x%2Ey=1", "x.y") == "1");
  CHECK_FALSE(FindQueryParameter("a=%zz", "a"));
  CHECK_FALSE(FindQueryParameter("", "a"));
}

TEST_CASE("text: comparing without case is ASCII only") {
  CHECK(EqualsIgnoreCase("aBc", "AbC"));
  CHECK_FALSE(EqualsIgnoreCase("abc", "abcd"));
  CHECK_FALSE(EqualsIgnoreCase("\xc3\xa9", "\xc3\x89"));
  CHECK_FALSE(EqualsIgnoreCase("[", "{"));
}

}  // namespace
}  // namespace convoy::base
