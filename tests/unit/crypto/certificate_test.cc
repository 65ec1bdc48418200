// Certificates and keys that an operator sets: what can be used, and why the rest cannot.
#include "lib/crypto/certificate.h"

#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

namespace convoy::crypto {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'777'629'600);  // in 2026

std::string Read(const std::string& path) {
  std::ifstream file(std::string(CONVOY_TEST_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  REQUIRE_FALSE(text.str().empty());
  return text.str();
}

// Valid from 2020 to 2120, but for the expired one.
std::string Certificate(const std::string& name) {
  return Read("unit/transport/certificates/" + name + ".crt");
}
std::string Key(const std::string& name) {
  return Read("unit/transport/certificates/" + name + ".key");
}

std::string Refusal(const absl::Status& status) {
  CHECK(absl::IsInvalidArgument(status));
  return std::string(status.message());
}

TEST_CASE(
    "certificate: a certificate with its key is taken, with others above it and text around") {
  const std::string one = Certificate("client_one");
  CHECK(CheckClientCertificate(one, Key("client_one"), kNow).ok());
  CHECK(CheckClientCertificate("a comment\n" + one + "\n" + Certificate("clients"),
                               "Bag Attributes\n" + Key("client_one"), kNow)
            .ok());
  // Both in one text, which some tools write.
  const std::string both = one + Key("client_one");
  CHECK(CheckClientCertificate(both, both, kNow).ok());
}

TEST_CASE("certificate: a refusal says why") {
  const std::string one = Certificate("client_one");
  const std::string key = Key("client_one");
  CHECK(Refusal(CheckClientCertificate(one, Key("client_two"), kNow)) ==
        "the key is not that of the first certificate");
  CHECK(Refusal(CheckClientCertificate(Certificate("clients") + one, key, kNow)) ==
        "the key is not that of the first certificate");
  CHECK(Refusal(CheckClientCertificate(Certificate("client_expired"), Key("client_expired"),
                                       kNow)) == "the certificate has expired");
  CHECK(Refusal(CheckClientCertificate(one, key, absl::FromUnixSeconds(1'000'000'000))) ==
        "the certificate is not valid yet");
  CHECK(Refusal(CheckClientCertificate("", key, kNow)) == "there is no CERTIFICATE block");
  CHECK(Refusal(CheckClientCertificate(key, key, kNow)) == "there is no CERTIFICATE block");
  const std::string no_key = "the key is no private key in PEM, or is encrypted";
  CHECK(Refusal(CheckClientCertificate(one, "", kNow)) == no_key);
  CHECK(Refusal(CheckClientCertificate(one, one, kNow)) == no_key);
  CHECK(Refusal(CheckClientCertificate(one, Read("vectors/crypto/rsa_private_encrypted.pem"),
                                       kNow)) == no_key);
  CHECK(Refusal(CheckClientCertificate(one + one.substr(0, one.size() / 2), key, kNow)) ==
        "certificate 2 cannot be read");
}

TEST_CASE("certificate: authorities are certificates, one at least") {
  CHECK(CheckAuthorities(Certificate("authority")).ok());
  CHECK(CheckAuthorities(Certificate("authority") + "text\n" + Certificate("clients")).ok());
  CHECK(Refusal(CheckAuthorities("")) == "there is no CERTIFICATE block");
  CHECK(Refusal(CheckAuthorities("authority.crt")) == "there is no CERTIFICATE block");
  std::string damaged = Certificate("authority") + Certificate("clients");
  damaged[damaged.size() - 100] = '*';
  CHECK(Refusal(CheckAuthorities(damaged)) == "certificate 2 cannot be read");
  std::string many;
  for (size_t i = 0; i <= kCertificatesMax; ++i) many += Certificate("clients");
  CHECK(Refusal(CheckAuthorities(many)) == "there are more than 1000 certificates");
}

}  // namespace
}  // namespace convoy::crypto
