// The private keys of tests/vectors/crypto as JWKs ("rsa", "p256").
#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "lib/json/document.h"
#include "lib/model/oauth2_codec.h"

namespace convoy::testing {

inline std::string ReadJwkText(const std::string& name) {
  std::ifstream file(std::string(CONVOY_TEST_DIR) + "/vectors/crypto/" + name + "_private.jwk");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline SigningJwk ReadJwk(const std::string& name) {
  const auto document = json::Parse(ReadJwkText(name), {});
  REQUIRE(document.ok());
  json::ObjectReader reader(*document);
  SigningJwk key;
  for (const model::JwkMember& member : model::JwkMembers()) {
    reader.Read(member.name, &(key.*member.text));
  }
  REQUIRE(reader.status().ok());
  return key;
}

}  // namespace convoy::testing
