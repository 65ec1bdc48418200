// Handshakes of all presets: each preset says what its provider sends, and no handshake signs
// anything that passes as an event.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"
#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/verify/preset.h"
#include "lib/verify/preset_verifier.h"
#include "lib/verify/signing_guard.h"

namespace convoy::verify {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST_CASE("handshake: every preset says what its provider sends when a link is saved") {
  for (const PresetFile& file : PresetFiles()) {
    INFO(file.name);
    const Preset preset = LoadPreset(file.json).value();
    CHECK_FALSE(preset.handshake.empty());
    CHECK(preset.challenges.empty() == preset.handshake.starts_with("none: "));
  }
}

// Bodies that a sender may choose, among them all that a challenge may look like.
std::vector<std::string> BodiesOfEveryForm() {
  return {"true",
          "5",
          "null",
          "forged",
          "\"forged\"",
          "a=b",
          "amount=100",
          "abc.def.ghi",
          "0123456789abcdef01234567",
          "890e4665-4dfe-4ab1-b689-ed553bceeed0",
          "e3b0c44298fc1c149afbf4c8996fb924",
          "eyJhIjoxfQ==",
          "[]",
          "{}",
          R"({"a":1})",
          "x"};
}

SchemeType FirstTypeOf(const Preset& preset) { return preset.schemes.front().type; }

// The answer of the preset's handshake to a message of the attacker's choice: the HMAC that it
// computes, if it does. Tried as every challenge asks for it.
std::vector<std::string> SignedByHandshake(const Preset& preset, const std::string& message,
                                           const std::string& secret) {
  std::vector<std::string> made;
  for (const Challenge& challenge : preset.challenges) {
    if (!challenge.computed.has_value() || !challenge.computed->is_keyed || challenge.is_signed) {
      continue;
    }
    if (!MayBeSigned(*challenge.computed, message)) continue;
    const crypto::HmacKey key(challenge.computed->algorithm, secret);
    made.emplace_back(crypto::HmacOf(key, message).view());
  }
  return made;
}

TEST_CASE("handshake: what a handshake signs for a stranger is no event, whatever the body") {
  const std::string secret = "0123456789abcdef0123456789abcdef";
  size_t presets_count = 0, tries_count = 0;
  for (const PresetFile& file : PresetFiles()) {
    const Preset preset = LoadPreset(file.json).value();
    if (SigningGuard(preset.challenges).is_empty()) continue;
    INFO(file.name);
    ++presets_count;
    REQUIRE(FirstTypeOf(preset) == SchemeType::kHmac);
    const Scheme& scheme = preset.schemes.front();
    const std::string key =
        scheme.key.is_sha1_of_secret
            ? std::string(crypto::Hash(crypto::HashAlgorithm::kSha1, secret).view())
            : secret;
    VerifierSettings settings{.secrets = {secret}};
    if (file.name == "braintree") settings.parameters = {{"public_key", "pub"}};
    const auto verifier = CompilePresetVerifier(preset, settings);
    REQUIRE(verifier.ok());
    for (const std::string& body : BodiesOfEveryForm()) {
      for (const std::string& message : {body, "hmacsha256=" + body, "0." + body}) {
        for (const std::string& mac : SignedByHandshake(preset, message, key)) {
          for (const std::string& text : {base::HexEncode(mac), base::Base64Encode(mac)}) {
            const std::string value = scheme.signature.prefix + text;
            const std::string name = scheme.signature.places.front().name;
            const HeaderView headers[] = {{name, value}};
            const std::string form = "bt_signature=pub|" + text + "&bt_payload=" + body;
            for (const std::string& sent : {body, form}) {
              const Verdict verdict =
                  (*verifier)->Verify({.method = "POST", .headers = headers, .body = sent}, kNow);
              INFO(sent << " signed as " << message);
              CHECK_FALSE(verdict.accepted());
              ++tries_count;
            }
          }
        }
      }
    }
  }
  CHECK(presets_count >= 4);
  CHECK(tries_count > 50);
}

TEST_CASE("handshake: X's challenge answers, and its answer is no signature") {
  const auto verifier = CompilePreset("x", {"secret"}).value();
  const auto answer =
      verifier->AnswerChallenge({.method = "GET", .query = "crc_token=forged"}, kNow);
  REQUIRE(answer.has_value());
  // From Python: hmac.new(b"secret", b"forged", "sha256"), as base64.
  const std::string mac =
      "sha256=" +
      base::Base64Encode(
          crypto::HmacOf(crypto::HmacKey(crypto::HashAlgorithm::kSha256, "secret"), "forged")
              .view());
  CHECK(answer->response.body.find(mac) != std::string::npos);
  const HeaderView headers[] = {{"x-twitter-webhooks-signature", mac}};
  CHECK(verifier->Verify({.method = "POST", .headers = headers, .body = "forged"}, kNow).reason ==
        VerifyReason::kMalformed);
}

TEST_CASE("handshake: unsigned probes are answered where they are expected") {
  struct Probe {
    const char* preset;
    VerifyRequest request;
    std::string_view answer;
  };
  const HeaderView ping[] = {{"X-Event-Key", "diagnostics:ping"}};
  const HeaderView form[] = {{"Content-Type", "application/x-www-form-urlencoded"}};
  // From Python: hmac.new(b"secret", message, "sha256").hexdigest()
  const std::string uuid = "890e4665-4dfe-4ab1-b689-ed553bceeed0";
  const std::string mac = base::HexEncode(
      crypto::HmacOf(crypto::HmacKey(crypto::HashAlgorithm::kSha256, "secret"), uuid).view());
  const std::string linkedin =
      R"({"challengeCode":")" + uuid + R"(","challengeResponse":")" + mac + R"("})";
  const std::string smartcar = R"({"challenge":")" + mac + R"("})";
  const std::string linkedin_query = "challengeCode=" + uuid;
  const std::string verify = R"({"eventType":"VERIFY","data":{"challenge":")" + uuid + R"("}})";
  const std::vector<Probe> probes = {
      {"intercom", {.method = "HEAD"}, ""},
      {"bitbucket_server", {.method = "POST", .headers = ping, .body = R"({"test": true})"}, "{}"},
      {"linkedin", {.method = "GET", .query = linkedin_query}, linkedin},
      {"smartcar", {.method = "POST", .body = verify}, smartcar},
      {"mandrill", {.method = "POST", .headers = form, .body = "mandrill_events=%5B%5D"}, ""},
      {"slack", {.method = "POST", .headers = form, .body = "ssl_check=1&token=x"}, ""},
      {"slack", {.method = "GET", .query = "ssl_check=1"}, ""},
      {"ms_graph", {.method = "POST", .query = "validationtoken=a%20b"}, "a b"},
  };
  for (const Probe& probe : probes) {
    INFO(probe.preset);
    const auto verifier = CompilePreset(probe.preset, {"secret"}).value();
    const auto answer = verifier->AnswerChallenge(probe.request, kNow);
    REQUIRE(answer.has_value());
    CHECK(answer->response.status == 200);
    CHECK(answer->response.body == probe.answer);
  }
  const auto linkedin_verifier = CompilePreset("linkedin", {"secret"}).value();
  for (const char* query : {"challengeCode=hmacsha256%3Dtrue", "challengeCode=true",
                            "challengeCode=", "other=890e4665-4dfe-4ab1-b689-ed553bceeed0"}) {
    INFO(query);
    CHECK_FALSE(
        linkedin_verifier->AnswerChallenge({.method = "GET", .query = query}, kNow).has_value());
  }
}

}  // namespace
}  // namespace convoy::verify
