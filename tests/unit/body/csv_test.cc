// CSV as files and spreadsheets write it.
#include "lib/body/csv.h"

#include <catch2/catch.hpp>

namespace convoy::body {
namespace {

std::optional<std::vector<CsvRow>> Read(std::string_view text) { return ReadCsv(text, 10, 4); }

TEST_CASE("csv: fields, quotes, line ends and empty lines are read") {
  using Rows = std::vector<CsvRow>;
  CHECK(Read("a,b\r\nc,d\n") == Rows{{"a", "b"}, {"c", "d"}});
  CHECK(Read("a,b\rc,d") == Rows{{"a", "b"}, {"c", "d"}});
  CHECK(Read("\xEF\xBB\xBF\"a,\"\"b\"\"\n\",,x") == Rows{{"a,\"b\"\n", "", "x"}});
  CHECK(Read("\n\na,\n\n,b\n") == Rows{{"a", ""}, {"", "b"}});
  CHECK(Read("") == Rows{});
}

TEST_CASE("csv: a quote out of place and too much are refused") {
  for (const char* text :
       {"\"a", "\"a\"b", "a\"b", "a,b,c,d,e", "1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n1"}) {
    INFO(text);
    CHECK_FALSE(Read(text).has_value());
  }
}

}  // namespace
}  // namespace convoy::body
