#include "lib/crypto/pem.h"

#include <catch2/catch.hpp>

#include "tests/unit/crypto/vector_files.h"

namespace convoy::crypto {
namespace {

std::string ErrorOf(std::string_view text) {
  return std::string(ReadPem(text, {"KEY"}).status().message());
}

TEST_CASE("pem: a block is found among others and text, in any layout of its lines") {
  const char* const texts[] = {
      "-----BEGIN KEY-----\nYWJj\n-----END KEY-----\n",
      "-----BEGIN KEY-----YWJj-----END KEY-----",
      "-----BEGIN KEY-----\r\nYW\r\n\tJj \r\n-----END KEY-----\r\n",
      "subject=x\n-----BEGIN KEY-----\nYWJj\n-----END KEY-----\nmore",
      "-----BEGIN A-----\n!!\n-----END A-----\n-----BEGIN KEY-----\nYWJj\n-----END KEY-----",
      "-----BEGIN KEY-----\nYWJj\n-----END KEY-----\n-----BEGIN KEY-----\nZGVm\n-----END KEY-----",
  };
  for (const char* const text : texts) {
    const auto block = ReadPem(text, {"OTHER KEY", "KEY"});
    INFO(text);
    REQUIRE(block.ok());
    CHECK(block->label() == "KEY");
    CHECK(block->der() == "abc");
  }
}

TEST_CASE("pem: a text without the block, or with one that is malformed, is refused") {
  const std::string none = "the text holds no PEM block of the kind expected";
  CHECK(ErrorOf("") == none);
  CHECK(ErrorOf("YWJj") == none);
  CHECK(ErrorOf("-----BEGIN OTHER-----\nYWJj\n-----END OTHER-----\n") == none);
  CHECK(ErrorOf("----BEGIN KEY----\nYWJj\n----END KEY----\n") == none);
  for (const char* const text : {
           "-----BEGIN KEY-----\nYWJj\n",
           "-----BEGIN KEY",
           "-----BEGIN ",
           "-----BEGIN KEY-----\nYWJj\n-----END OTHER-----\n",
           "-----BEGIN KEY-----\n-----END KEY-----\n",
           "-----BEGIN KEY-----\nYWJ\n-----END KEY-----\n",
           "-----BEGIN KEY-----\nYWJj=\n-----END KEY-----\n",
           "-----BEGIN KEY-----\nYW*j\n-----END KEY-----\n",
           "-----BEGIN KEY-----\nProc-Type: 4,ENCRYPTED\n\nYWJj\n-----END KEY-----\n",
           "-----BEGIN KEY-----\nYWJj\n-----BEGIN KEY-----\nYWJj\n-----END KEY-----\n",
       }) {
    INFO(text);
    CHECK(ErrorOf(text) == "the PEM text is malformed");
  }
}

TEST_CASE("pem: the size of a text is limited") {
  const std::string block = "-----BEGIN KEY-----\nYWJj\n-----END KEY-----\n";
  CHECK(ReadPem(std::string(kPemBytesMax - block.size(), '\n') + block, {"KEY"}).ok());
  CHECK(ErrorOf(std::string(kPemBytesMax - block.size() + 1, '\n') + block) ==
        "the PEM text is longer than 65536 bytes");
}

}  // namespace
}  // namespace convoy::crypto
