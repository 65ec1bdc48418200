#include "lib/broker/sqs/xml_texts.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

namespace convoy::broker {
namespace {

// Text of /a/b; nullopt if the document is refused.
std::optional<std::string> Read(std::string_view document) {
  XmlField fields[] = {{.path = "/a/b"}, {.path = "/a/c/d"}};
  const absl::Status status = ReadXmlTexts(document, fields);
  if (status.ok()) return fields[0].text;
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  return std::nullopt;
}

TEST_CASE("xml_texts: texts are found by their path, whatever else is there") {
  XmlField fields[] = {{.path = "/a/b"}, {.path = "/a/c/d"}, {.path = "/a/e", .text = "as it was"}};
  REQUIRE(ReadXmlTexts("<?xml version='1.0'?>\n<!-- <a> -->"
                       "<a xmlns=\"https://x/\" y = '>' >\n <f><b>no</b><g/></f> <c><b>no</b><d\n>2"
                       "</d ></c><b>1</b></a>\n",
                       fields)
              .ok());
  CHECK(fields[0].text == "1");
  CHECK(fields[1].text == "2");
  CHECK(fields[2].text == "as it was");
}

TEST_CASE("xml_texts: references are read and nothing else is changed") {
  CHECK(Read("<a><b> x&amp;&lt;&gt;&quot;&apos;&#65;&#x42;&#xe9;&#x1F600; </b></a>") ==
        " x&<>\"'AB\u00e9\U0001f600 ");
  CHECK(Read("<a><b>&amp;lt;</b></a>") == "&lt;");
  CHECK(Read("<a><b>AB<!-- < & -->CD</b></a>") == "ABCD");
  CHECK(Read("<a><b></b></a>") == "");
  CHECK(Read("<a><b/></a>") == "");
  for (const char* wrong :
       {"&nbsp;", "&", "&;", "&amp", "&#;", "&#x;", "&#+65;", "& amp;", "&#0;", "&#x1;", "&#xD800;",
        "&#xFFFF;", "&#x110000;", "&#99999999999999999999;", "&#xfffffffff41;"}) {
    INFO(wrong);
    CHECK(Read(absl::StrCat("<a><b>", wrong, "</b></a>")) == std::nullopt);
    CHECK(Read(absl::StrCat("<a><x>", wrong, "</x></a>")) == std::nullopt);
  }
}

TEST_CASE("xml_texts: what is not well-formed, or more XML than is read, is refused") {
  for (const char* wrong : {"",
                            " ",
                            "text",
                            "<",
                            "<a",
                            "<a>",
                            "<a></b>",
                            "<a></a></a>",
                            "</a>",
                            "<a/><a/>",
                            "<a/>text",
                            "text<a/>",
                            "&amp;<a/>",
                            "<a><b>1</b>",
                            "<a><b>1</a></b>",
                            "< a/>",
                            "<a b/>",
                            "<a b=1/>",
                            "<a b='1/>",
                            "<a b='<'/>",
                            "<a b='1'c='2'/>",
                            "<a / >",
                            "<a><!-- </a>",
                            "<?xml version='1.0'><a/>",
                            "<a><?php ?></a>",
                            "<!DOCTYPE a><a/>",
                            "<!DOCTYPE a [<!ENTITY x 'y'>]><a><b>&x;</b></a>",
                            "<a><b><![CDATA[1]]></b></a>",
                            "<a>\xff</a>",
                            "{\"a\":1}"}) {
    INFO(wrong);
    CHECK(Read(wrong) == std::nullopt);
  }
}

TEST_CASE("xml_texts: a text that is there twice or holds elements is refused") {
  CHECK(Read("<a><b>1</b><b>2</b></a>") == std::nullopt);
  CHECK(Read("<a><b/><b/></a>") == std::nullopt);
  CHECK(Read("<a><b>1<c/></b></a>") == std::nullopt);
  CHECK(Read("<a><c/><c/><b>1</b></a>") == "1");
}

TEST_CASE("xml_texts: size and depth are bounded") {
  const auto nested = [](size_t depth) {
    std::string document;
    for (size_t i = 0; i < depth; ++i) document += "<x>";
    for (size_t i = 0; i < depth; ++i) document += "</x>";
    return document;
  };
  CHECK(Read(nested(200)) == "");
  CHECK(Read(nested(5000)) == std::nullopt);
  const auto padded = [](size_t size) {
    return absl::StrCat("<a>", std::string(size - 7, ' '), "</a>");
  };
  CHECK(Read(padded(kXmlBytesMax)) == "");
  CHECK(Read(padded(kXmlBytesMax + 1)) == std::nullopt);
}

}  // namespace
}  // namespace convoy::broker
