// Client assertions: what they claim, and that the public part of the key verifies them.
#include "lib/sign/client_assertion.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/crypto/public_key.h"
#include "lib/json/document.h"
#include "tests/support/signing_jwk.h"

namespace convoy::sign {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'777'629'600);

OAuth2Auth AuthOf(const std::string& key) {
  return {.url = "https://login.test/token",
          .client_id = "id",
          .client = OAuth2Client::kClientAssertion,
          .signing_key = testing::ReadJwk(key),
          .algorithm = key == "rsa" ? OAuth2Algorithm::kRs256 : OAuth2Algorithm::kEs256,
          .issuer = "the \"issuer\"",
          .subject = "subject"};
}

std::vector<std::string> PartsOf(const OAuth2Auth& auth) {
  const std::vector<std::string> parts =
      absl::StrSplit(SignAssertion(auth, "unique", kNow).value(), '.');
  REQUIRE(parts.size() == 3);
  return parts;
}

TEST_CASE("client_assertion: claims are those of RFC 7523") {
  OAuth2Auth auth = AuthOf("p256");
  const std::vector<std::string> parts = PartsOf(auth);
  CHECK(base::Base64UrlDecode(parts[0]).value() ==
        "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"two\"}");
  CHECK(base::Base64UrlDecode(parts[1]).value() ==
        "{\"iss\":\"the \\\"issuer\\\"\",\"sub\":\"subject\",\"aud\":\"https://login.test/token\","
        "\"iat\":1777629600,\"exp\":1777629900,\"jti\":\"unique\"}");
  auth.audience = "them";
  CHECK(base::Base64UrlDecode(PartsOf(auth)[1]).value().find("\"aud\":\"them\"") !=
        std::string::npos);
}

TEST_CASE("client_assertion: the public key verifies the signature") {
  const auto signed_and_signature = [](const OAuth2Auth& auth) {
    const std::vector<std::string> parts = PartsOf(auth);
    return std::pair(parts[0] + "." + parts[1], base::Base64UrlDecode(parts[2]).value());
  };
  const OAuth2Auth rsa = AuthOf("rsa");
  const auto [rsa_message, rsa_signature] = signed_and_signature(rsa);
  const auto rsa_key = crypto::PublicKey::FromRsaJwk(rsa.signing_key.n, rsa.signing_key.e).value();
  CHECK(rsa_key.rsa()->Verify(crypto::RsaPadding::kPkcs1, crypto::HashAlgorithm::kSha256,
                              rsa_message, rsa_signature));
  const OAuth2Auth ec = AuthOf("p256");
  const auto [ec_message, ec_signature] = signed_and_signature(ec);
  const auto ec_key = crypto::PublicKey::FromP256Jwk(ec.signing_key.x, ec.signing_key.y).value();
  CHECK(ec_key.ecdsa()->VerifyRaw(ec_message, ec_signature));
}

TEST_CASE("client_assertion: a key that does not fit is refused by the name of its member") {
  const SigningJwk rsa = testing::ReadJwk("rsa");
  const SigningJwk ec = testing::ReadJwk("p256");
  CHECK(CheckSigningKey(rsa, OAuth2Algorithm::kRs256).ok());
  CHECK(CheckSigningKey(ec, OAuth2Algorithm::kEs256).ok());
  const auto refusal = [](SigningJwk key, OAuth2Algorithm algorithm, auto change) {
    change(key);
    const absl::Status status = CheckSigningKey(key, algorithm);
    CHECK(absl::IsInvalidArgument(status));
    return std::string(status.message());
  };
  CHECK(refusal(rsa, OAuth2Algorithm::kEs256, [](SigningJwk&) {}).starts_with("kty:"));
  CHECK(refusal(ec, OAuth2Algorithm::kRs256, [](SigningJwk&) {}).starts_with("kty:"));
  for (const model::JwkMember& member : model::JwkMembers()) {
    const bool is_name = member.name == "kid" || member.name == "kty";
    for (const auto& [key, algorithm] :
         {std::pair(rsa, OAuth2Algorithm::kRs256), std::pair(ec, OAuth2Algorithm::kEs256)}) {
      if (is_name || (key.*member.text).empty()) continue;
      INFO(member.name);
      // Missing, foreign characters, and another number.
      const std::string name = std::string(member.name) + ":";
      CHECK(refusal(key, algorithm, [&](SigningJwk& k) {
              (k.*member.text).clear();
            }).starts_with(name));
      CHECK(refusal(key, algorithm, [&](SigningJwk& k) {
              (k.*member.text) += "!";
            }).starts_with(name));
      refusal(key, algorithm, [&](SigningJwk& k) {
        char& letter = (k.*member.text)[1];
        letter = letter == 'B' ? 'C' : 'B';
      });
    }
  }
}

}  // namespace
}  // namespace convoy::sign
