// Standard Webhooks: the vectors that its libraries publish, and what to do where those libraries
// disagree. One row of that table, one test that names it.
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"
#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/json/document.h"

namespace convoy {
namespace {

const std::string kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const std::string kBody = R"({"test": 2432232314})";
const std::string kGood = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr int64_t kSent = 1'614'265'330;
constexpr std::string_view kSentText = "1614265330";

struct Message {
  std::string id = kId;
  std::string timestamp{kSentText};
  std::string body = kBody;
  std::string signature = kGood;
};

VerifyReason Judge(const Message& message, absl::Time now = absl::FromUnixSeconds(kSent),
                   const std::string& secret = kSecret, const std::string& scheme = "v1") {
  const auto verifier =
      CompilePreset("standard_webhooks", VerifierSettings{.secrets = {secret}, .scheme = scheme});
  INFO(verifier.status().ToString());
  REQUIRE(verifier.ok());
  const std::vector<HeaderView> headers = {{"webhook-id", message.id},
                                           {"webhook-timestamp", message.timestamp},
                                           {"webhook-signature", message.signature}};
  return (*verifier)->Verify({.headers = headers, .body = message.body}, now).reason;
}

// As a sender would that takes these texts as they are.
std::string Sign(const Message& message) {
  const crypto::HmacKey key(crypto::HashAlgorithm::kSha256,
                            base::Base64Decode(kSecret.substr(6)).value());
  const std::string text = message.id + "." + message.timestamp + "." + message.body;
  return "v1," + base::Base64Encode(crypto::HmacOf(key, text).view());
}

Message Signed(Message message) {
  message.signature = Sign(message);
  return message;
}

TEST_CASE("standard webhooks: every published vector is judged as its library judges it") {
  std::ifstream file(CONVOY_TEST_DIR "/vectors/verify/standard_webhooks.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const json::Document document = json::Parse(text, {}).value();
  size_t accepted_count = 0, refused_count = 0;
  for (const json::Value& element : document.GetArray()) {
    std::string name, scheme, secret;
    Message message;
    bool is_accepted = false;
    json::ObjectReader reader(element);
    reader.Read("name", &name);
    reader.Read("scheme", &scheme);
    reader.Read("secret", &secret);
    reader.Read("id", &message.id);
    reader.Read("timestamp", &message.timestamp);
    reader.Read("body", &message.body);
    reader.Read("signature", &message.signature);
    reader.Read("accepted", &is_accepted);
    INFO(name);
    REQUIRE(reader.status().ok());
    int64_t now = kSent;
    if (message.timestamp == "1649367553") now = 1'649'367'553;
    const VerifyReason reason = Judge(message, absl::FromUnixSeconds(now), secret, scheme);
    INFO(VerifyReasonName(reason));
    CHECK((reason == VerifyReason::kAccepted) == is_accepted);
    (is_accepted ? accepted_count : refused_count) += 1;
  }
  CHECK(accepted_count == 11);
  CHECK(refused_count == 25);
}

TEST_CASE("divergence: a timestamp is ASCII digits, and what is signed is its text") {
  const std::string digits{kSentText};
  for (const std::string& text :
       {digits + ".9", digits + ".0", "+" + digits, " " + digits, digits + " ",
        std::string("1_614_265_330"), digits + "x", std::string("1.614265330e9"), "0x" + digits,
        std::string("１６１４２６５３３０"), std::string("١٦١٤٢٦٥٣٣٠")}) {
    INFO(text);
    CHECK(Judge(Signed({.timestamp = text})) == VerifyReason::kMalformed);
    CHECK(Judge({.timestamp = text}) == VerifyReason::kMalformed);
  }
  // Leading zeros are digits; the signature has to be over them.
  CHECK(Judge({.timestamp = "00" + digits}) == VerifyReason::kSignatureMismatch);
  CHECK(Judge(Signed({.timestamp = "00" + digits})) == VerifyReason::kAccepted);
}

TEST_CASE("divergence: an entry that is none is skipped, and the next one is looked at") {
  for (const std::string entry : {"v1", "nothing", "v1,a,b", "", ",", "v1,", ",v1", "v1,=", "v2,",
                                  "v1a,AAAA", "v1,!!!", "v1;AAAA"}) {
    INFO(entry);
    CHECK(Judge({.signature = entry + " " + kGood}) == VerifyReason::kAccepted);
    CHECK(Judge({.signature = kGood + " " + entry}) == VerifyReason::kAccepted);
    CHECK(Judge({.signature = kGood + "  " + entry + "  "}) == VerifyReason::kAccepted);
    CHECK(Judge({.signature = entry}) == VerifyReason::kMalformed);
  }
}

TEST_CASE("divergence: base64 with foreign characters is no signature") {
  const std::string good = kGood.substr(3);
  for (const std::string& text :
       {good + "!", "!" + good, good.substr(0, 9) + "\n" + good.substr(9),
        good.substr(0, 9) + " " + good.substr(9), good + "junk", good + "=",
        good.substr(0, good.size() - 1), good.substr(0, good.size() - 2) + "F="}) {
    INFO(text);
    CHECK(Judge({.signature = "v1," + text}) != VerifyReason::kAccepted);
  }
}

TEST_CASE("divergence: a secret may lack its padding, and be wrapped or of the URL alphabet") {
  CHECK(Judge({.signature = "v1,LVOXivKoo4FWasi/IaHvzhE/u+7/cu2AME+zS/nXqzk="},
              absl::FromUnixSeconds(kSent),
              "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS") == VerifyReason::kAccepted);
  CHECK(Judge({.signature = "v1,LVOXivKoo4FWasi/IaHvzhE/u+7/cu2AME+zS/nXqzk="},
              absl::FromUnixSeconds(kSent),
              "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=") == VerifyReason::kAccepted);
  // Copied out of a page that breaks lines.
  CHECK(Judge({.signature = "v1,LVOXivKoo4FWasi/IaHvzhE/u+7/cu2AME+zS/nXqzk="},
              absl::FromUnixSeconds(kSent),
              "whsec_MfKQ9r8GKYqrTwjU\r\nPD8ILPZIo2 LaLaS") == VerifyReason::kAccepted);
  CHECK(CompilePreset("standard_webhooks", {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_"}).ok());
  // Of both alphabets at once it is neither.
  for (const std::string secret : {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-/", "whsec_", "whsec_!",
                                   "", "whsec_MfKQ9", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=="}) {
    INFO(secret);
    const auto verifier = CompilePreset("standard_webhooks", {secret});
    CHECK(absl::IsInvalidArgument(verifier.status()));
    if (secret.size() > 6) {
      CHECK(verifier.status().message().find(secret.substr(6)) == std::string::npos);
    }
  }
}

TEST_CASE("divergence: a body is bytes, whether or not they are UTF-8") {
  const std::string bytes("\xff\xfe\x00{\"a\":\xC3\x28}", 12);
  const Message message = Signed({.body = bytes});
  CHECK(Judge(message) == VerifyReason::kAccepted);
  for (size_t i = 0; i < bytes.size(); ++i) {
    Message changed = message;
    changed.body[i] ^= 1;
    CHECK(Judge(changed) == VerifyReason::kSignatureMismatch);
  }
}

TEST_CASE("divergence: a body is not encoded again, and the version must match") {
  // The same value, spelt otherwise, is another body.
  for (const char* body : {R"({"test":2432232314})", R"({ "test": 2432232314})",
                           R"({"\u0074est": 2432232314})", R"({"test": 2432232314.0})"}) {
    CHECK(Judge({.body = body}) == VerifyReason::kSignatureMismatch);
  }
  for (const char* version : {"v2", "v1a", "V1", "v01", "v", "1", "v1 "}) {
    CHECK(Judge({.signature = version + kGood.substr(2)}) != VerifyReason::kAccepted);
  }
}

TEST_CASE("divergence: the names of headers have no case") {
  const auto verifier = CompilePreset("standard_webhooks", {kSecret}).value();
  for (const std::vector<HeaderView>& headers :
       {std::vector<HeaderView>{{"Webhook-Id", kId},
                                {"WEBHOOK-TIMESTAMP", "1614265330"},
                                {"webhook-SIGNATURE", kGood}}}) {
    CHECK(verifier->Verify({.headers = headers, .body = kBody}, absl::FromUnixSeconds(kSent))
              .accepted());
  }
}

TEST_CASE("divergence: the window is counted in whole seconds and includes its ends") {
  const absl::Time sent = absl::FromUnixSeconds(kSent);
  CHECK(Judge({}, sent + absl::Seconds(300)) == VerifyReason::kAccepted);
  CHECK(Judge({}, sent + absl::Milliseconds(300'999)) == VerifyReason::kAccepted);
  CHECK(Judge({}, sent + absl::Seconds(301)) == VerifyReason::kTooOld);
  CHECK(Judge({}, sent - absl::Seconds(300)) == VerifyReason::kAccepted);
  CHECK(Judge({}, sent - absl::Milliseconds(299'001)) == VerifyReason::kAccepted);
  CHECK(Judge({}, sent - absl::Seconds(301)) == VerifyReason::kTooFarInFuture);
}

TEST_CASE("divergence: how old and how far ahead are settings of their own") {
  const auto verifier = CompileScheme(R"({"type": "hmac", "encoding": "base64",
                        "signature": {"name": "webhook-signature",
                                      "list": {"item_sep": " ", "kv_sep": ",", "key": "v1"}},
                        "key": {"format": "base64", "strip_prefix": "whsec_"},
                        "message": "{header:webhook-id}.{ts}.{body}",
                        "timestamp": {"from": "header:webhook-timestamp",
                                      "past_s": 600, "future_s": 5}})",
                                      {kSecret})
                            .value();
  const std::vector<HeaderView> headers = {
      {"webhook-id", kId}, {"webhook-timestamp", kSentText}, {"webhook-signature", kGood}};
  const auto judge = [&](int64_t offset_s) {
    return verifier
        ->Verify({.headers = headers, .body = kBody}, absl::FromUnixSeconds(kSent + offset_s))
        .reason;
  };
  CHECK(judge(600) == VerifyReason::kAccepted);
  CHECK(judge(601) == VerifyReason::kTooOld);
  CHECK(judge(-5) == VerifyReason::kAccepted);
  CHECK(judge(-6) == VerifyReason::kTooFarInFuture);
}

TEST_CASE("divergence: refusals are told apart, and nothing that arrives chooses the scheme") {
  // An unreadable payload is not forged: it is signed like any other.
  CHECK(Judge(Signed({.body = "{not JSON"})) == VerifyReason::kAccepted);
  CHECK(Judge({.body = "{not JSON"}) == VerifyReason::kSignatureMismatch);
  CHECK(Judge({.signature = "v1,"}) == VerifyReason::kMalformed);
  CHECK(Judge({}, absl::FromUnixSeconds(kSent + 1000)) == VerifyReason::kTooOld);
  // In whatever order entries come, and whatever is said beside them in headers of no meaning.
  const auto verifier = CompilePreset("standard_webhooks", {kSecret}).value();
  for (const char* other : {"v1a,AAAA ", "v0,AAAA ", "none, "}) {
    const std::string signature = other + kGood;
    const std::vector<HeaderView> headers = {{"webhook-event", "forged"},
                                             {"webhook-id", kId},
                                             {"webhook-timestamp", kSentText},
                                             {"webhook-signature", signature},
                                             {"webhook-scheme", "none"}};
    const Verdict verdict =
        verifier->Verify({.headers = headers, .body = kBody}, absl::FromUnixSeconds(kSent));
    CHECK(verdict.accepted());
    CHECK(verdict.scheme == "v1");
  }
  CHECK(Judge({.signature = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZ"
                            "dpXwVLPo3mNl8EM+m7TBAg=="}) == VerifyReason::kMalformed);
}

TEST_CASE("standard webhooks: an id cannot swallow part of what is signed") {
  // The payload holds foreign text: "…v.1614265330.{…". Cut there, it would be an event.
  const std::string evil = R"({"test": "v.1614265330.{"})";
  const Message message = Signed({.body = evil});
  CHECK(Judge(message) == VerifyReason::kAccepted);
  const size_t cut = evil.find(".1614265330.");
  Message forged = message;
  forged.id = message.id + "." + message.timestamp + "." + evil.substr(0, cut);
  forged.body = evil.substr(cut + 12);
  CHECK(Judge(forged) == VerifyReason::kMalformed);
}

}  // namespace
}  // namespace convoy
