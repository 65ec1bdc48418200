// Vectors are the providers' own, with their source; what they do not publish was computed with the
// openssl command line.
#include "convoy/verifier.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/signer.h"
#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"

namespace convoy {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'777'629'600);

std::string Mac(std::string_view key, std::string_view message) {
  return std::string(
      crypto::HmacOf(crypto::HmacKey(crypto::HashAlgorithm::kSha256, key), message).view());
}

VerifyReason Judge(const Verifier& verifier, std::vector<HeaderView> headers, std::string_view body,
                   absl::Time now = kNow) {
  return verifier.Verify({.method = "POST", .headers = headers, .body = body}, now).reason;
}

TEST_CASE("verifier: GitHub's published example is accepted, and nothing close to it") {
  // docs.github.com, "Validating webhook deliveries": testing the webhook payload validation.
  const auto github = CompilePreset("github", {"It's a Secret to Everybody"}).value();
  const std::string signature =
      "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const std::string body = "Hello, World!";
  CHECK(Judge(*github, {{"x-hub-signature-256", signature}}, body) == VerifyReason::kAccepted);
  for (size_t i = 0; i < body.size(); ++i) {
    std::string changed = body;
    changed[i] ^= 1;
    CHECK(Judge(*github, {{"X-Hub-Signature-256", signature}}, changed) ==
          VerifyReason::kSignatureMismatch);
  }
  for (size_t i = 7; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CHECK(Judge(*github, {{"X-Hub-Signature-256", changed}}, body) ==
          VerifyReason::kSignatureMismatch);
  }
  CHECK(Judge(*github, {}, body) == VerifyReason::kMissingHeader);
  const auto other = CompilePreset("github", {"another secret"}).value();
  CHECK(Judge(*other, {{"X-Hub-Signature-256", signature}}, body) ==
        VerifyReason::kSignatureMismatch);
}

TEST_CASE("verifier: a body that was signed in its escaped form is escaped as Box's package does") {
  const auto scheme = CompileScheme(R"({"type":"hmac","message":"{body_escaped}",
      "signature":{"in":"header","name":"S"}})",
                                    {"k"})
                          .value();
  // Of {"n":"\u00e9\/\/\ud83d\ude00\u007f"}, computed with Python's hmac.
  const std::string signature = "de11da519ade6b63d71ffb5c4693a34cd0e9b51a70841f2966150288c39d370c";
  const auto judge = [&](std::string_view body) {
    return Judge(*scheme, {{"S", signature}}, body);
  };
  CHECK(judge("{\"n\":\"\xc3\xa9/\\/\xf0\x9f\x98\x80\x7f\"}") == VerifyReason::kAccepted);
  CHECK(judge("{\"n\":\"\xc3\xa8/\\/\xf0\x9f\x98\x80\x7f\"}") == VerifyReason::kSignatureMismatch);
  // Not text: there is no such form.
  CHECK(judge("{\"n\":\"\xc3/\"}") == VerifyReason::kMalformed);
}

TEST_CASE("verifier: the signature is case-insensitive hex, everything else about it is strict") {
  const auto github = CompilePreset("github", {"It's a Secret to Everybody"}).value();
  const std::string hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  std::string upper = hex;
  std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
  CHECK(Judge(*github, {{"X-Hub-Signature-256", "sha256=" + upper}}, "Hello, World!") ==
        VerifyReason::kAccepted);
  using namespace std::string_literals;
  for (const std::string& value :
       {""s, hex, "SHA256=" + hex, "sha256="s, "sha256= " + hex, "sha256=" + hex + " ",
        "sha256=" + hex + "00", "sha256=" + hex.substr(2), "sha256=" + hex + "\0"s,
        "sha256=zz" + hex.substr(2), "sha256=" + std::string(100'000, 'a')}) {
    INFO(value.substr(0, 100));
    CHECK(Judge(*github, {{"X-Hub-Signature-256", value}}, "Hello, World!") ==
          VerifyReason::kMalformed);
  }
  const std::string good = "sha256=" + hex;
  CHECK(Judge(*github, {{"X-Hub-Signature-256", good}, {"x-hub-signature-256", good}},
              "Hello, World!") == VerifyReason::kMalformed);
}

TEST_CASE("verifier: Standard Webhooks' published example is accepted within its window") {
  // The specification's repository, test vector of the reference libraries.
  const auto verifier =
      CompilePreset("standard_webhooks", {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}).value();
  const std::string body = R"({"test": 2432232314})";
  const std::string signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  const auto headers = [&](const std::string& value) {
    return std::vector<HeaderView>{{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                                   {"webhook-timestamp", "1614265330"},
                                   {"webhook-signature", value}};
  };
  const absl::Time sent = absl::FromUnixSeconds(1'614'265'330);
  CHECK(Judge(*verifier, headers(signature), body, sent) == VerifyReason::kAccepted);
  CHECK(Judge(*verifier, headers(signature), body, sent + absl::Seconds(300)) ==
        VerifyReason::kAccepted);
  CHECK(Judge(*verifier, headers(signature), body, sent + absl::Seconds(301)) ==
        VerifyReason::kTooOld);
  CHECK(Judge(*verifier, headers(signature), body, sent - absl::Seconds(301)) ==
        VerifyReason::kTooFarInFuture);
  const std::string wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  CHECK(Judge(*verifier, headers(wrong + " v2,x " + signature), body, sent) ==
        VerifyReason::kAccepted);
  CHECK(Judge(*verifier, headers(wrong), body, sent + absl::Hours(9)) ==
        VerifyReason::kSignatureMismatch);  // the clock is not asked before the signature
  CHECK(Judge(*verifier, headers("v1a," + signature.substr(3)), body, sent) ==
        VerifyReason::kMalformed);
  std::vector<HeaderView> without_id = headers(signature);
  without_id.erase(without_id.begin());
  CHECK(Judge(*verifier, without_id, body, sent) == VerifyReason::kMissingHeader);
}

TEST_CASE("verifier: several live secrets are all tried, and the one that matched is told") {
  const auto verifier = CompilePreset("shopify", {"new", "old"}).value();
  const std::string signature = base::Base64Encode(Mac("old", "body"));
  const std::vector<HeaderView> headers = {{"X-Shopify-Hmac-SHA256", signature},
                                           {"X-Shopify-Webhook-Id", "id-1"}};
  const Verdict verdict = verifier->Verify({.headers = headers, .body = "body"}, kNow);
  CHECK(verdict.accepted());
  CHECK(verdict.secret_index == 1);
  CHECK(verdict.integrity == Integrity::kFull);
  CHECK(verifier->EventId({.headers = headers, .body = "body"}) == "id-1");
  CHECK(verdict.scheme == "default");
}

TEST_CASE("verifier: only a time that is signed bounds how long a request can come again") {
  const std::string_view body = R"({"at":1777629600})";
  const auto until = [&](std::string_view message, std::string_view from,
                         std::string_view signed_text) {
    const auto scheme =
        CompileScheme(
            absl::StrCat(R"({"type":"hmac","message":")", message, R"(","timestamp":{"from":")",
                         from, R"(","past_s":300},)", R"("signature":{"in":"header","name":"S"}})"),
            {"k"})
            .value();
    const std::string signature = base::HexEncode(Mac("k", signed_text));
    const std::vector<HeaderView> headers = {{"T", "1777629600"}, {"S", signature}};
    const Verdict verdict =
        scheme->Verify({.method = "POST", .headers = headers, .body = body}, kNow);
    CHECK(verdict.accepted());
    return verdict.replayable_until;
  };
  const std::optional<absl::Time> end = kNow + absl::Minutes(5);
  CHECK(until("{ts}.{body}", "header:T", absl::StrCat("1777629600.", body)) == end);
  CHECK(until("{header:T}.{body}", "header:T", absl::StrCat("1777629600.", body)) == end);
  CHECK(until("{body}", "json:at", body) == end);
  // Its sender writes it anew each time.
  CHECK(until("{body}", "header:T", body) == std::nullopt);
}

TEST_CASE("verifier: a list with the timestamp twice, or not at all, is ambiguous") {
  const auto stripe = CompilePreset("stripe", {"whsec_x"}).value();
  const std::string ts = "1777629600";
  const std::string v1 = base::HexEncode(Mac("whsec_x", ts + ".{}"));
  const auto judge = [&](const std::string& value) {
    return Judge(*stripe, {{"Stripe-Signature", value}}, "{}");
  };
  CHECK(judge("t=" + ts + ",v1=" + v1 + ",v0=zz") == VerifyReason::kAccepted);
  CHECK(judge("t=" + ts + ", v1=" + v1) == VerifyReason::kAccepted);
  CHECK(judge("v1=" + v1) == VerifyReason::kMalformed);
  CHECK(judge("t=" + ts) == VerifyReason::kMalformed);
  CHECK(judge("t=1,t=" + ts + ",v1=" + v1) == VerifyReason::kMalformed);
  CHECK(judge("t=-" + ts + ",v1=" + v1) == VerifyReason::kMalformed);
  CHECK(judge("t=+" + ts + ",v1=" + v1) == VerifyReason::kMalformed);
  CHECK(judge("t=1e9,v1=" + v1) == VerifyReason::kMalformed);
  CHECK(judge("t=99999999999999999999,v1=" + v1) == VerifyReason::kMalformed);
  CHECK(judge("t=0" + ts + ",v1=" + v1) == VerifyReason::kSignatureMismatch);
  std::string many = "t=" + ts;
  for (int i = 0; i < 17; ++i) many += ",v1=" + v1;
  CHECK(judge(many) == VerifyReason::kMalformed);
}

TEST_CASE("verifier: of several groups the one that came furthest decides why it is refused") {
  const auto verifier = CompileScheme(
                            R"({"type": "hmac", "message": "{ts}.{body}",
                                "signature": {"name": "X-Sig",
                                              "list": {"group_sep": " ", "key": "v1"}},
                                "timestamp": {"from": "sig:t"}})",
                            {"k"})
                            .value();
  const auto group = [](const std::string& ts) {
    return "t=" + ts + ",v1=" + base::HexEncode(Mac("k", ts + ".{}"));
  };
  const std::string now = group("1777629600"), old = group("1777620000");
  const std::string forged = "t=1777629600,v1=" + std::string(64, '0');
  const auto judge = [&](const std::string& value) {
    return Judge(*verifier, {{"X-Sig", value}}, "{}");
  };
  CHECK(judge(forged + " " + now) == VerifyReason::kAccepted);
  CHECK(judge(old + " ?") == VerifyReason::kTooOld);
  CHECK(judge("? " + old) == VerifyReason::kTooOld);
  CHECK(judge(old + " " + forged) == VerifyReason::kTooOld);
  CHECK(judge(forged + " ?") == VerifyReason::kSignatureMismatch);
}

Source HmacSource(Hash hash, Encoding encoding) {
  return {.verifier = HmacVerifierConfig{
              .header = "X-Sig", .hash = hash, .encoding = encoding, .secret = "secret"}};
}

TEST_CASE("verifier: an HMAC source accepts what Convoy signs, simple and advanced") {
  for (const Hash hash : {Hash::kSha256, Hash::kSha512}) {
    for (const Encoding encoding : {Encoding::kHex, Encoding::kBase64}) {
      const auto verifier = CompileSourceVerifier(HmacSource(hash, encoding)).value();
      const SignatureConfig config = {.versions = {{.hash = hash, .encoding = encoding}}};
      for (const bool is_advanced : {false, true}) {
        const Endpoint endpoint = {.secrets = {{.value = "other"}, {.value = "secret"}},
                                   .has_advanced_signatures = is_advanced};
        const std::string signature = Sign(config, endpoint, "body", kNow).value();
        CHECK(Judge(*verifier, {{"X-Sig", signature}}, "body") == VerifyReason::kAccepted);
        CHECK(Judge(*verifier, {{"X-Sig", signature}}, "Body") == VerifyReason::kSignatureMismatch);
        const VerifyReason later =
            Judge(*verifier, {{"X-Sig", signature}}, "body", kNow + absl::Seconds(301));
        CHECK(later == (is_advanced ? VerifyReason::kTooOld : VerifyReason::kAccepted));
      }
      CHECK(Judge(*verifier, {}, "body") == VerifyReason::kMissingHeader);
      CHECK(Judge(*verifier, {{"X-Sig", "t=1777629600,v1=zz"}}, "body") ==
            VerifyReason::kMalformed);
    }
  }
}

TEST_CASE("verifier: basic auth splits at the first colon and compares both parts") {
  const auto verifier = CompileSourceVerifier({.verifier = BasicAuth{"user", "pa:ss"}}).value();
  const auto judge = [&](const std::string& value) {
    return Judge(*verifier, {{"Authorization", value}}, "");
  };
  CHECK(judge("Basic " + base::Base64Encode("user:pa:ss")) == VerifyReason::kAccepted);
  CHECK(judge("basic " + base::Base64Encode("user:pa:ss")) == VerifyReason::kAccepted);
  CHECK(judge("Basic " + base::Base64Encode("user:pass")) == VerifyReason::kSignatureMismatch);
  CHECK(judge("Basic " + base::Base64Encode("user")) == VerifyReason::kMalformed);
  CHECK(judge("Basic !") == VerifyReason::kMalformed);
  CHECK(judge("Basic   " + base::Base64Encode("user:pa:ss")) == VerifyReason::kAccepted);
  // Beyond ASCII clients choose between UTF-8 and ISO 8859-1.
  const auto umlaut = CompileSourceVerifier({.verifier = BasicAuth{"user", "p\xC3\xA4"}}).value();
  for (const std::string_view pair : {"user:p\xC3\xA4", "user:p\xE4"}) {
    const std::string given = "Basic " + base::Base64Encode(pair);
    CHECK(Judge(*umlaut, {{"Authorization", given}}, "") == VerifyReason::kAccepted);
  }
  CHECK(judge("Bearer x") == VerifyReason::kMalformed);
  CHECK(Judge(*verifier, {}, "") == VerifyReason::kMissingHeader);
  CHECK_FALSE(CompileSourceVerifier({.verifier = BasicAuth{"us:er", "x"}}).ok());
}

TEST_CASE("verifier: an API key is compared whole, in its header") {
  const auto verifier = CompileSourceVerifier({.verifier = ApiKeyAuth{"X-Key", "key"}}).value();
  CHECK(Judge(*verifier, {{"x-key", "key"}}, "") == VerifyReason::kAccepted);
  for (const char* value : {"Key", "ke", "keyy", "key "}) {
    CHECK(Judge(*verifier, {{"X-Key", value}}, "") == VerifyReason::kSignatureMismatch);
  }
  CHECK(Judge(*verifier, {{"X-Key", ""}}, "") == VerifyReason::kMalformed);
  CHECK(Judge(*verifier, {}, "") == VerifyReason::kMissingHeader);
  CHECK(verifier->Verify({.headers = {}}, kNow).integrity == Integrity::kNone);
}

TEST_CASE("verifier: noop accepts, a provider without its secret is refused") {
  CHECK(Judge(*CompileSourceVerifier({}).value(), {}, "") == VerifyReason::kAccepted);
  for (const Provider provider : {Provider::kGithub, Provider::kShopify, Provider::kTwitter}) {
    const absl::Status status = CompileSourceVerifier({.provider = provider}).status();
    CHECK(status.message().starts_with("hmac secret is required for "));
    Source source{.provider = provider, .verifier = HmacVerifierConfig{.secret = "s"}};
    CHECK(CompileSourceVerifier(source).ok());
  }
}

TEST_CASE("verifier: X's challenge is answered with the token's MAC, for X only") {
  Source source{.provider = Provider::kTwitter, .verifier = HmacVerifierConfig{.secret = "secret"}};
  const VerifyRequest request = {.method = "GET", .query = "crc_token=abc%2B&nonce=1"};
  const auto answer_to = [&source](const VerifyRequest& asked) {
    return CompileSourceVerifier(source).value()->AnswerChallenge(asked, kNow);
  };
  const auto answer = answer_to(request);
  REQUIRE(answer.has_value());
  CHECK(answer->response.status == 200);
  CHECK(answer->response.body ==
        R"({"response_token":"sha256=)" + base::Base64Encode(Mac("secret", "abc+")) + "\"}");
  CHECK_FALSE(answer_to({.method = "POST", .query = "crc_token=a"}));
  CHECK_FALSE(answer_to({.method = "GET", .query = "crc_token="}));
  CHECK_FALSE(answer_to({.method = "GET", .query = ""}));
  const std::string long_query = "crc_token=" + std::string(5000, 'x');
  CHECK_FALSE(answer_to({.method = "GET", .query = long_query}));
  // Text that would sign an event is never signed as a challenge.
  CHECK_FALSE(answer_to({.method = "GET", .query = "crc_token=%7B%22a%22%3A1%7D"}));
  source.provider = Provider::kGithub;
  CHECK_FALSE(answer_to(request));
}

TEST_CASE("verifier: presets are listed with their evidence and found by name") {
  for (const PresetInfo& preset : ListPresets()) {
    INFO(preset.name);
    CHECK_FALSE(preset.evidence.empty());
    CHECK_FALSE(preset.sources.empty());
    CHECK_FALSE(preset.schemes.empty());
    CHECK_FALSE(preset.handshake.empty());
    if (preset.name == "stripe") {
      CHECK(preset.integrity == Integrity::kFull);
      CHECK(preset.replay_window == absl::Seconds(600));
      CHECK(preset.tenant.empty());
    }
    if (preset.name == "gitlab") {
      CHECK(preset.integrity == Integrity::kNone);
      CHECK_FALSE(preset.replay_window.has_value());
    }
    if (preset.name == "kick") CHECK(preset.tenant.starts_with("none"));
  }
  CHECK(absl::IsNotFound(CompilePreset("nobody", {"x"}).status()));
}

TEST_CASE("verifier: a scheme with a mistake is refused with the field named") {
  const std::string signature = R"("signature":{"in":"header","name":"X"})";
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "\"type\""},
      {"[]", "JSON type"},
      {R"({"type":"magic"})", "\"type\""},
      {R"({"type":"none","surprise":1})", "\"surprise\""},
      {R"({"type":"hmac"})", "\"signature\""},
      {R"({"type":"basic",)" + signature + "}", "\"signature\""},
      {R"({"type":"hmac","signature":{"in":"moon","name":"X"}})", "\"signature.in\""},
      {R"({"type":"hmac","signature":{"in":"header","name":"X Y"}})", "\"signature.name\""},
      {R"({"type":"hmac","signature":{"in":"header","name":"X","sufix":"a"}})",
       "\"signature.sufix\""},
      {R"({"type":"hmac","alg":"sha3",)" + signature + "}", "\"alg\""},
      {R"({"type":"hmac","encoding":"rot13",)" + signature + "}", "\"encoding\""},
      {R"({"type":"ed25519","encoding":"base64_hex",)" + signature + "}", "\"encoding\""},
      {R"({"type":"rsa-pkcs1","encoding":"base64_hex",)" + signature + "}", "\"encoding\""},
      {R"({"type":"hmac","message":"{nonsense}",)" + signature + "}", "{nonsense}"},
      {R"({"type":"hmac","message":"{body",)" + signature + "}", "brace"},
      {R"({"type":"hmac","message":"{ts}",)" + signature + "}", "\"timestamp\""},
      {R"({"type":"hmac","timestamp":{"from":"sig:t"},)" + signature + "}", "\"timestamp.from\""},
      {R"({"type":"hmac","timestamp":{"from":"header:T","past_s":9999999},)" + signature + "}",
       "\"timestamp.past_s\""},
      {R"({"type":"hmac","key":{"format":"pem"},)" + signature + "}", "\"key.format\""},
      {R"({"type":"token","alg":"sha256",)" + signature + "}", "\"alg\""},
      {R"({"type":"hmac","signature":{"in":"header","name":"X","list":{"item_sep":";;"}}})",
       "\"signature.list.item_sep\""},
      {R"({"type":"hmac","signature":{"in":"header","name":"X","list":{"key":"a","key_numbered":"b"}}})",
       "\"signature.list.key\""},
  };
  for (const auto& [scheme, named] : cases) {
    INFO(scheme);
    const absl::Status status = CompileScheme(scheme, {"secret"}).status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find(named) != std::string::npos);
    CHECK(status.message().find("secret") == std::string::npos);
  }
  CHECK_FALSE(
      CompileScheme(R"({"type":"hmac","key":{"format":"hex"},)" + signature + "}", {"zz"}).ok());
}

TEST_CASE("verifier: a signature in the query is found once") {
  const auto verifier = CompileScheme(R"({"type":"hmac","signature":{"in":"query","name":"sig"},
                        "message":"{method} {path} {header:X-H}"})",
                                      {"secret"})
                            .value();
  const std::string sig = base::HexEncode(Mac("secret", "PUT /p h"));
  const std::vector<HeaderView> headers = {{"x-h", "h"}};
  const auto judge = [&](const std::string& query) {
    return verifier
        ->Verify({.method = "PUT", .path = "/p", .query = query, .headers = headers}, kNow)
        .reason;
  };
  CHECK(judge("a=b&sig=" + sig) == VerifyReason::kAccepted);
  CHECK(judge("sig=" + sig + "&sig=" + sig) == VerifyReason::kMalformed);
  CHECK(judge("sig=%zz" + sig.substr(2)) == VerifyReason::kMalformed);
  CHECK(judge("a=b") == VerifyReason::kMissingHeader);
}

TEST_CASE("verifier: reasons and integrities have stable names") {
  CHECK(VerifyReasonName(VerifyReason::kSignatureMismatch) == "signature_mismatch");
  CHECK(VerifyReasonName(VerifyReason::kAccepted) == "accepted");
  CHECK(IntegrityName(Integrity::kFull) == "full");
}

}  // namespace
}  // namespace convoy
