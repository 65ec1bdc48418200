#include "lib/broker/amqp/properties.h"

#include <vector>

#include <catch2/catch.hpp>

namespace convoy::broker::amqp {
namespace {

amqp_table_entry_t Entry(std::string_view key, uint8_t kind) {
  amqp_table_entry_t entry = {};
  entry.key = Bytes(key);
  entry.value.kind = kind;
  return entry;
}

amqp_table_entry_t Text(std::string_view key, std::string_view text, uint8_t kind = 'S') {
  amqp_table_entry_t entry = Entry(key, kind);
  entry.value.value.bytes = Bytes(text);
  return entry;
}

std::string TextOf(const amqp_table_entry_t& entry) {
  amqp_table_entry_t copy = entry;
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, &copy};
  const Headers attributes = ToAttributes(properties);
  return attributes.empty() ? "(none)" : attributes[0].value;
}

template <typename Setter>
std::string TextOf(uint8_t kind, Setter set) {
  amqp_table_entry_t entry = Entry("k", kind);
  set(entry.value.value);
  return TextOf(entry);
}

TEST_CASE("properties: integers of every width are decimal text") {
  CHECK(TextOf('b', [](auto& value) { value.i8 = -128; }) == "-128");
  CHECK(TextOf('B', [](auto& value) { value.u8 = 255; }) == "255");
  CHECK(TextOf('s', [](auto& value) { value.i16 = -32768; }) == "-32768");
  CHECK(TextOf('u', [](auto& value) { value.u16 = 65535; }) == "65535");
  CHECK(TextOf('I', [](auto& value) { value.i32 = INT32_MIN; }) == "-2147483648");
  CHECK(TextOf('i', [](auto& value) { value.u32 = UINT32_MAX; }) == "4294967295");
  CHECK(TextOf('l', [](auto& value) { value.i64 = INT64_MIN; }) == "-9223372036854775808");
  CHECK(TextOf('L', [](auto& value) { value.u64 = UINT64_MAX; }) == "18446744073709551615");
  CHECK(TextOf('T', [](auto& value) { value.u64 = 1'777'629'600; }) == "1777629600");
}

TEST_CASE("properties: booleans, floats and decimals are text, too") {
  CHECK(TextOf('t', [](auto& value) { value.boolean = 1; }) == "true");
  CHECK(TextOf('t', [](auto& value) { value.boolean = 0; }) == "false");
  CHECK(TextOf('f', [](auto& value) { value.f32 = 0.1F; }) == "0.1");
  CHECK(TextOf('d', [](auto& value) { value.f64 = 0.1; }) == "0.1");
  CHECK(TextOf('d', [](auto& value) { value.f64 = 1e300; }) == "1e+300");
  CHECK(TextOf('D', [](auto& value) { value.decimal = {2, 12345}; }) == "123.45");
  CHECK(TextOf('D', [](auto& value) { value.decimal = {5, 12345}; }) == "0.12345");
  CHECK(TextOf('D', [](auto& value) { value.decimal = {7, 1}; }) == "0.0000001");
  CHECK(TextOf('D', [](auto& value) { value.decimal = {0, 7}; }) == "7");
  CHECK(TextOf('D', [](auto& value) { value.decimal = {255, 0}; }).size() == 257);
}

TEST_CASE("properties: text stays byte for byte, and what has no text is left out") {
  CHECK(TextOf(Text("k", "h\xC3\xA4llo")) == "h\xC3\xA4llo");
  CHECK(TextOf(Text("k", {"\0\xFF", 2})) == std::string_view("\0\xFF", 2));
  CHECK(TextOf(Text("k", "")) == "");
  CHECK(TextOf(Text("k", "binary", 'x')) == "(none)");
  CHECK(TextOf(Entry("k", 'V')) == "(none)");
  CHECK(TextOf(Entry("k", 'A')) == "(none)");
  CHECK(TextOf(Entry("k", 'F')) == "(none)");
}

TEST_CASE("properties: headers keep their order, and AMQP's own properties follow") {
  std::vector<amqp_table_entry_t> headers = {Text("z", "1"), Entry("skipped", 'V'), Text("a", "2"),
                                             Text("X-AMQP-Type", "mine")};
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG |
                      AMQP_BASIC_CONTENT_ENCODING_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG |
                      AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  properties.headers = {static_cast<int>(headers.size()), headers.data()};
  properties.content_type = Bytes("application/json");
  properties.content_encoding = Bytes("gzip");
  properties.correlation_id = Bytes("c-1");
  properties.type = Bytes("overshadowed");
  properties.message_id = Bytes("m-1");
  const Headers wanted = {{"z", "1"},
                          {"a", "2"},
                          {"X-AMQP-Type", "mine"},
                          {"x-amqp-content-type", "application/json"},
                          {"x-amqp-content-encoding", "gzip"},
                          {"x-amqp-correlation-id", "c-1"}};
  CHECK(ToAttributes(properties) == wanted);
  CHECK(MessageId(properties) == "m-1");
}

TEST_CASE("properties: what the flags do not announce is not read") {
  amqp_basic_properties_t properties = {};
  properties.headers.num_entries = 7;  // of nothing
  properties.message_id = Bytes("m-1");
  properties.content_type = Bytes("text/plain");
  CHECK(ToAttributes(properties).empty());
  CHECK(MessageId(properties).empty());
}

}  // namespace
}  // namespace convoy::broker::amqp
