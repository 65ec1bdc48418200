// Reading of the files in tests/vectors/crypto, and short hex literals.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "lib/base/encoding.h"

namespace convoy::crypto {

inline std::string VectorFile(const std::string& name) {
  std::ifstream file(std::string(CONVOY_TEST_DIR) + "/vectors/crypto/" + name, std::ios::binary);
  INFO(name);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string FromHex(std::string_view text) {
  const auto bytes = base::HexDecode(text);
  REQUIRE(bytes.has_value());
  return *bytes;
}

// `bytes` with the lowest bit of one byte flipped.
inline std::string Flipped(std::string bytes, size_t index) {
  bytes.at(index) = static_cast<char>(bytes[index] ^ 1);
  return bytes;
}

// Text between the boundaries of a PEM file with one block.
inline std::string PemBody(const std::string& pem) {
  const size_t begin = pem.find('\n') + 1;
  std::string body = pem.substr(begin, pem.find("-----END") - begin);
  std::erase(body, '\n');
  return body;
}

inline std::string PemDer(const std::string& pem) {
  const auto der = base::Base64Decode(PemBody(pem));
  REQUIRE(der.has_value());
  return *der;
}

inline std::string ToPem(const std::string& label, const std::string& der) {
  return "-----BEGIN " + label + "-----\n" + base::Base64Encode(der) + "\n-----END " + label +
         "-----\n";
}

}  // namespace convoy::crypto
