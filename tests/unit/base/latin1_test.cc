// ISO 8859-1 and UTF-8, both ways.
#include "lib/base/latin1.h"

#include <string>

#include <catch2/catch.hpp>

namespace convoy::base {
namespace {

TEST_CASE("latin1: every character comes back, and nothing else is taken") {
  std::string latin1;
  for (int c = 0; c < 256; ++c) latin1.push_back(static_cast<char>(c));
  const std::string utf8 = Latin1ToUtf8(latin1);
  CHECK(utf8.size() == 128 + 2 * 128);
  CHECK(Utf8ToLatin1(utf8) == latin1);
  CHECK(Latin1ToUtf8("caf\xE9") == "caf\xC3\xA9");
  for (const char* other : {"\xE9", "\xC3", "\xC3\x28", "\xC4\x80", "\xE2\x82\xAC", "\x80"}) {
    CHECK_FALSE(Utf8ToLatin1(other).has_value());
  }
}

}  // namespace
}  // namespace convoy::base
