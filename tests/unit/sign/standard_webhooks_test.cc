// The vectors of v1 are those that the published libraries have in their tests; that the libraries
// take what is signed here is tested in tests/integration/test_signatures.py.
#include "lib/sign/standard_webhooks.h"

#include <catch2/catch.hpp>

#include "convoy/signer.h"
#include "lib/base/encoding.h"
#include "lib/crypto/ed25519.h"
#include "tests/support/sim_clock.h"

namespace convoy {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'614'265'330);
constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view kBody = R"({"test": 2432232314})";
const char* const kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

Endpoint EndpointOf(std::vector<std::string> secrets, StandardSignature standard) {
  Endpoint endpoint{.standard_signature = standard};
  for (std::string& value : secrets) endpoint.secrets.push_back({.value = std::move(value)});
  return endpoint;
}

std::string SignatureOf(const SignatureConfig& config, const Endpoint& endpoint) {
  const Headers headers = SignStandard(config, endpoint, kId, kBody, kNow).value();
  REQUIRE(headers.size() == 3);
  CHECK(headers[0] == Header{"webhook-id", std::string(kId)});
  CHECK(headers[1] == Header{"webhook-timestamp", "1614265330"});
  CHECK(headers[2].name == "webhook-signature");
  return headers[2].value;
}

TEST_CASE("standard_webhooks: v1 is the HMAC by the decoded secret") {
  CHECK(SignatureOf({}, EndpointOf({kSecret}, StandardSignature::kV1)) ==
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  // A secret without the prefix is its own bytes.
  const std::string plain = base::Base64Decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value();
  CHECK(SignatureOf({}, EndpointOf({plain}, StandardSignature::kV1)) ==
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_CASE("standard_webhooks: every live key signs, and no other") {
  testing::SeededRandom random;
  const std::string key = sign::MakeKey(StandardSignature::kV1a, random);
  Endpoint endpoint = EndpointOf({"old", kSecret, key, "gone"}, StandardSignature::kV1);
  endpoint.secrets[0].expires_at = kNow + absl::Seconds(1);
  endpoint.secrets[3].expires_at = kNow;
  const std::string signature = SignatureOf({}, endpoint);
  CHECK(std::count(signature.begin(), signature.end(), ' ') == 1);
  CHECK(signature.ends_with(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
  endpoint.standard_signature = StandardSignature::kV1a;
  CHECK(SignatureOf({}, endpoint).starts_with("v1a,"));
  endpoint.secrets.erase(endpoint.secrets.begin() + 2);
  CHECK(absl::IsFailedPrecondition(SignStandard({}, endpoint, kId, kBody, kNow).status()));
}

TEST_CASE("standard_webhooks: v1a verifies with the public key that is shown") {
  testing::SeededRandom random;
  const std::string key = sign::MakeKey(StandardSignature::kV1a, random);
  const std::string shown = sign::PublicKeyOf(key).value();
  REQUIRE(shown.starts_with("whpk_"));
  const auto public_key =
      crypto::Ed25519PublicKey::FromRaw(base::Base64Decode(shown.substr(5)).value()).value();
  const std::string message = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + std::string(kBody);
  const auto check = [&](const std::string& signature) {
    REQUIRE(signature.starts_with("v1a,"));
    CHECK(public_key.Verify(message, base::Base64Decode(signature.substr(4)).value()));
  };
  check(SignatureOf({}, EndpointOf({key}, StandardSignature::kV1a)));
  // The project's key signs for endpoints without one of their own.
  Endpoint plain = EndpointOf({"secret"}, StandardSignature::kV1a);
  check(SignatureOf({.signing_key = key}, plain));
  plain.standard_signature.reset();
  check(SignatureOf({.standard = StandardSignature::kV1a, .signing_key = key}, plain));
  CHECK(SignStandard({}, plain, kId, kBody, kNow)->empty());
}

TEST_CASE("standard_webhooks: a private key makes no HMAC of Convoy's") {
  testing::SeededRandom random;
  const std::string key = sign::MakeKey(StandardSignature::kV1a, random);
  SignatureConfig config;
  config.versions.push_back({.id = "v"});
  Endpoint endpoint = EndpointOf({"secret", key}, StandardSignature::kV1a);
  endpoint.has_advanced_signatures = false;
  const std::string both = Sign(config, endpoint, kBody, kNow).value();
  endpoint.secrets.pop_back();
  CHECK(Sign(config, endpoint, kBody, kNow).value() == both);
  CHECK(absl::IsFailedPrecondition(
      Sign(config, EndpointOf({key}, StandardSignature::kV1a), kBody, kNow).status()));
}

TEST_CASE("standard_webhooks: keys that cannot be read are refused with the reason") {
  for (const char* secret : {"whsec_", "whsec_!!", "whsk_", "whsk_AAAA", "whsk_?"}) {
    INFO(secret);
    CHECK(absl::IsInvalidArgument(sign::CheckKey(secret)));
  }
  testing::SeededRandom random;
  CHECK(sign::CheckKey("any text").ok());
  CHECK(sign::CheckKey(kSecret).ok());
  for (const StandardSignature kind : {StandardSignature::kV1, StandardSignature::kV1a}) {
    const std::string key = sign::MakeKey(kind, random);
    CHECK(sign::CheckKey(key).ok());
    CHECK(key != sign::MakeKey(kind, random));
  }
  CHECK_FALSE(sign::PublicKeyOf(kSecret).has_value());
}

}  // namespace
}  // namespace convoy
