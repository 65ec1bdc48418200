#include "lib/json/writer.h"

#include <catch2/catch.hpp>

#include "lib/json/raw.h"

namespace convoy::json {
namespace {

TEST_CASE("writer: writes what it is told, raw values as they are") {
  Writer writer;
  writer.BeginObject()
      .Field("s", "a\"\n")
      .Field("b", true)
      .Field("u", uint64_t{18446744073709551615u})
      .Field("i", int64_t{-1})
      .FieldIfSet("absent", "")
      .FieldIfSet("set", "x");
  writer.Key("d").Double(0.5).Key("n").Null().Key("r").Raw("{ \"a\":1e400 }");
  writer.Key("l").BeginArray().Int(1).String("").EndArray().EndObject();
  CHECK(writer.text() ==
        R"({"s":"a\"\n","b":true,"u":18446744073709551615,"i":-1,"set":"x","d":0.5,"n":null,)"
        R"("r":{ "a":1e400 },"l":[1,""]})");
  CHECK(writer.TakeText() == writer.text());
}

TEST_CASE("writer: keys that are not UTF-8 get replacement characters, too") {
  CHECK(Writer().BeginObject().Field("a\xf9", "1").Field("", "2").EndObject().text() ==
        "{\"a\xEF\xBF\xBD\":\"1\",\"\":\"2\"}");
}

TEST_CASE("writer: bytes that are not UTF-8 become replacement characters") {
  for (const char* bytes : {"a\xff"
                            "b",
                            "\xe2\x82", "\xf0\x9f\x98", "\xc3\x28", "\x80\x80"}) {
    Writer writer;
    writer.String(bytes);
    CHECK(Validate(writer.text(), {}).ok());
    CHECK(writer.text().find("\xEF\xBF\xBD") != std::string_view::npos);
  }
  Writer writer;
  writer.String("é\xff€");
  CHECK(writer.text() == "\"é\xEF\xBF\xBD€\"");
}

}  // namespace
}  // namespace convoy::json
