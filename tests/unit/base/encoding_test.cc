#include "lib/base/encoding.h"

#include <array>

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::base {
namespace {

using namespace std::string_literals;

TEST_CASE("encoding: the vectors of RFC 4648 hold in both directions") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(Base64Encode(bytes) == text);
    CHECK(Base64Decode(text) == bytes);
  }
  CHECK(HexEncode("foobar") == "666f6f626172");
  CHECK(HexDecode("666F6f626172") == "foobar");
  CHECK(Base64UrlEncode("\xfb\xff") == "-_8");
  CHECK(Base64UrlDecode("-_8") == "\xfb\xff");
  CHECK(Base64UrlDecode("-_8=") == "\xfb\xff");
}

TEST_CASE("encoding: random bytes survive") {
  testing::SeededRandom random(7);
  for (int round = 0; round < 500; ++round) {
    std::string bytes(random.Below(70), '\0');
    random.Fill(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
    CHECK(HexDecode(HexEncode(bytes)) == bytes);
    CHECK(Base64Decode(Base64Encode(bytes)) == bytes);
    CHECK(Base64UrlDecode(Base64UrlEncode(bytes)) == bytes);
    CHECK(PercentDecode(PercentEncode(bytes)) == bytes);
  }
}

TEST_CASE("encoding: malformed text is refused") {
  for (const char* text : {"0", "0g", "g0", "0x00", " 00", "00\n"}) CHECK_FALSE(HexDecode(text));
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm 9v",
                           "-_8=", "Zg==Zg==", "Zm9vY"}) {
    INFO(text);
    CHECK_FALSE(Base64Decode(text));
  }
  for (const char* text : {"A", "+/8", "-_9", "-_8==", "="}) {
    INFO(text);
    CHECK_FALSE(Base64UrlDecode(text));
  }
  CHECK_FALSE(HexDecode("00\0"s));
}

TEST_CASE("encoding: a buffer that is too small is refused") {
  std::array<uint8_t, 2> out;
  CHECK(HexDecodeTo("0102", out) == 2);
  CHECK_FALSE(HexDecodeTo("010203", out));
  CHECK(Base64DecodeTo("AQI=", out) == 2);
  CHECK_FALSE(Base64DecodeTo("AQID", out));
  CHECK(Base64UrlDecodeTo("AQI", out) == 2);
  CHECK_FALSE(Base64UrlDecodeTo("AQID", out));
}

TEST_CASE("encoding: percent signs need two hex digits") {
  CHECK(PercentDecode("a%20b+c") == "a b+c");
  CHECK(PercentDecode("a%20b+c", true) == "a b c");
  CHECK(PercentDecode("%00%fF") == "\0\xff"s);
  for (const char* text : {"%", "%2", "%2g", "%g2", "a%"}) CHECK_FALSE(PercentDecode(text));
  CHECK(PercentEncode("a/b~ é") == "a%2Fb~%20%C3%A9");
}

TEST_CASE("encoding: characters as UTF-8, at the edges of each length") {
  std::string text;
  for (const uint32_t code : {0x7F, 0x80, 0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF}) {
    AppendUtf8(code, &text);
  }
  CHECK(text == "\x7F\u0080\u07FF\u0800\uFFFD\U00010000\U0010FFFF");
}

}  // namespace
}  // namespace convoy::base
