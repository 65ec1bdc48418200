// Expected values were computed with the openssl command line ("openssl dgst -sha256 -hmac KEY").
#include <algorithm>

#include <catch2/catch.hpp>

#include "convoy/signer.h"
#include "lib/base/encoding.h"

namespace convoy {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'777'629'600);

SignatureConfig ConfigOf(std::vector<std::pair<Hash, Encoding>> versions) {
  SignatureConfig config;
  for (const auto& [hash, encoding] : versions) {
    config.versions.push_back({.id = "v", .hash = hash, .encoding = encoding});
  }
  return config;
}

Endpoint EndpointOf(std::vector<std::string> secrets, bool has_advanced_signatures) {
  Endpoint endpoint{.has_advanced_signatures = has_advanced_signatures};
  for (std::string& value : secrets) endpoint.secrets.push_back({.value = std::move(value)});
  return endpoint;
}

TEST_CASE("sign: the simple form is the bare MAC of the body by the newest secret") {
  // RFC 4231, test case 2.
  const std::string expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  const std::string_view body = "what do ya want for nothing?";
  CHECK(Sign(ConfigOf({{Hash::kSha256, Encoding::kHex}}), EndpointOf({"old", "Jefe"}, false), body,
             kNow)
            .value() == expected);
  CHECK(Sign(ConfigOf({{Hash::kSha512, Encoding::kHex}, {Hash::kSha256, Encoding::kBase64}}),
             EndpointOf({"Jefe"}, false), body, kNow)
            .value() == base::Base64Encode(*base::HexDecode(expected)));
}

TEST_CASE("sign: the advanced form carries every version by every live secret") {
  const std::string signature =
      Sign(ConfigOf({{Hash::kSha256, Encoding::kHex}, {Hash::kSha512, Encoding::kHex}}),
           EndpointOf({"first", "second"}, true), R"({"a":1})", kNow)
          .value();
  CHECK(signature ==
        "t=1777629600,"
        "v1=319e6e914499bc5fdc6ff44169de83e59a1fa69dadf452aa5dbb8404f58758d1,v1="
        "06ffb0a5b5c991f3be9c21e4a6573b246bba48ee7dea3027098ef73537147bbe,"
        "v2="
        "78cce9a1c3b7431365a0de9ec049fe54c0cfe755ef88d40f6815db8ffa4f41af0fccda70632845c6a2f761fdb6"
        "d62552ae6676511215e11471b11d712b3b57f4,v2="
        "47bc829e9ab4e013bd093f8e52232795fd18e9e8ac66934b174ea31f93ac8563b75c389a468209fb6a2c6a97bb"
        "4da16e7c83a11f056588ee06cd59bc6627417c");
}

TEST_CASE("sign: expired secrets do not sign, from the instant of their expiry") {
  Endpoint endpoint = EndpointOf({"old", "new"}, true);
  endpoint.secrets[0].expires_at = kNow;
  const SignatureConfig config = ConfigOf({{Hash::kSha256, Encoding::kHex}});
  const std::string both = Sign(config, endpoint, "x", kNow - absl::Microseconds(1)).value();
  const std::string one = Sign(config, endpoint, "x", kNow).value();
  CHECK(std::count(both.begin(), both.end(), 'v') == 2);
  CHECK(std::count(one.begin(), one.end(), 'v') == 1);
  CHECK(one == Sign(config, EndpointOf({"new"}, true), "x", kNow).value());
}

TEST_CASE("sign: without a live secret or a version there is no signature") {
  const SignatureConfig config = ConfigOf({{Hash::kSha256, Encoding::kHex}});
  Endpoint expired = EndpointOf({"old"}, true);
  expired.secrets[0].expires_at = kNow - absl::Seconds(1);
  CHECK(absl::IsFailedPrecondition(Sign(config, expired, "x", kNow).status()));
  CHECK(absl::IsFailedPrecondition(Sign(config, EndpointOf({}, true), "x", kNow).status()));
  CHECK(absl::IsFailedPrecondition(Sign(config, EndpointOf({""}, true), "x", kNow).status()));
  CHECK(absl::IsFailedPrecondition(Sign({}, EndpointOf({"s"}, true), "x", kNow).status()));
}

}  // namespace
}  // namespace convoy
