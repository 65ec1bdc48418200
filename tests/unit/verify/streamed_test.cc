// Verification of bodies that come in pieces: the verdict is that of the whole request, and nothing
// is kept that need not be.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "convoy/streamed_verification.h"
#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "tests/unit/verify/published_examples.h"

namespace convoy {
namespace {

constexpr size_t kKeptBytesMax = 1 << 20;

struct Judged {
  Verdict verdict;
  bool keeps_body;
};

// Feeds the body in pieces of `piece_bytes`.
Judged JudgeInPieces(const std::shared_ptr<const Verifier>& verifier, VerifyRequest request,
                     absl::Time now, size_t piece_bytes) {
  const std::string_view body = request.body;
  request.body = "nothing that is looked at";
  auto streamed = BeginVerification(verifier, request, kKeptBytesMax);
  for (size_t at = 0; at < body.size(); at += piece_bytes) {
    REQUIRE(streamed->Feed(body.substr(at, piece_bytes)));
  }
  return {streamed->Finish(now), streamed->keeps_body()};
}

void CheckSame(const Verdict& streamed, const Verdict& whole) {
  CHECK(streamed.reason == whole.reason);
  CHECK(streamed.scheme == whole.scheme);
  CHECK(streamed.secret_index == whole.secret_index);
  CHECK(streamed.integrity == whole.integrity);
  CHECK(streamed.signed_at == whole.signed_at);
  CHECK(streamed.replayable_until == whole.replayable_until);
}

TEST_CASE("streamed: every published example is judged as a whole one, changed or late or not") {
  size_t passing_count = 0, keeping_count = 0, accepted_count = 0;
  for (const Example& example : ReadExamples()) {
    INFO(example.name);
    const auto verifier = CompilePreset(
        example.preset,
        VerifierSettings{.secrets = {"first", example.secret}, .scheme = example.scheme});
    const auto usable =
        verifier.ok() ? verifier
                      : CompilePreset(example.preset, VerifierSettings{.secrets = {example.secret},
                                                                       .scheme = example.scheme});
    REQUIRE(usable.ok());
    for (const bool is_changed : {false, true}) {
      for (const absl::Duration lateness : {absl::ZeroDuration(), absl::Hours(48)}) {
        WithRequest(example, [&](VerifyRequest request) {
          const std::string changed = absl::StrCat(example.body, " ");
          if (is_changed) request.body = changed;
          const absl::Time now = example.now + lateness;
          const Verdict whole = (*usable)->Verify(request, now);
          for (const size_t piece_bytes : {1, 7, 100'000}) {
            const Judged judged = JudgeInPieces(*usable, request, now, piece_bytes);
            CheckSame(judged.verdict, whole);
            (judged.keeps_body ? keeping_count : passing_count) += 1;
            accepted_count += judged.verdict.accepted() ? 1 : 0;
          }
        });
      }
    }
  }
  CHECK(passing_count >= 60);
  CHECK(keeping_count >= 60);
  CHECK(accepted_count >= 60);
}

TEST_CASE("streamed: of the presets that sign with HMAC most keep nothing of the body") {
  for (const char* name : {"github", "stripe", "shopify", "slack", "standard_webhooks", "gitlab"}) {
    INFO(name);
    const auto verifier = CompilePreset(name, {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    REQUIRE(verifier.ok());
    CHECK_FALSE(BeginVerification(*verifier, {}, 0)->keeps_body());
  }
  // Its handshake signs what strangers choose, so the whole message is looked at.
  const auto x = CompilePreset("x", {"secret"});
  REQUIRE(x.ok());
  CHECK(BeginVerification(*x, {}, 0)->keeps_body());
}

TEST_CASE("streamed: text behind the body, several groups, keys and spellings of the URL") {
  const auto verifier =
      CompileScheme(R"({"type": "hmac", "message": "{ts}|{url}|{body}|{header:X-End}",
          "url_variants": ["default_port", "no_port"],
          "signature": {"in": "header", "name": "S",
                        "list": {"group_sep": " ", "item_sep": ",", "kv_sep": "=", "key": "v"}},
          "timestamp": {"from": "sig:t"}})",
                    {"one", "two"});
  INFO(verifier.status().ToString());
  REQUIRE(verifier.ok());
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  const auto sign = [](std::string_view key, std::string_view text) {
    return base::HexEncode(
        crypto::HmacOf(crypto::HmacKey(crypto::HashAlgorithm::kSha256, key), text).view());
  };
  const std::string body(100'000, 'b');
  const std::string late =
      absl::StrCat("t=1,v=", sign("one", absl::StrCat("1|https://a/x|", body, "|end")));
  const std::string good = absl::StrCat(
      "t=1000000,v=", sign("two", absl::StrCat("1000000|https://a:443/x|", body, "|end")));
  for (const std::string& field :
       {good, absl::StrCat(late, " ", good), absl::StrCat(good, " ", late), late,
        absl::StrCat("t=1000000,v=", sign("two", "else"))}) {
    INFO(field);
    for (const bool has_end : {true, false}) {
      std::vector<HeaderView> headers = {{"S", field}};
      if (has_end) headers.push_back({"X-End", "end"});
      const VerifyRequest request{
          .method = "POST", .url = "https://a/x", .headers = headers, .body = body};
      const Judged judged = JudgeInPieces(*verifier, request, now, 4096);
      CHECK_FALSE(judged.keeps_body);
      CheckSame(judged.verdict, (*verifier)->Verify(request, now));
      CHECK(judged.verdict.accepted() == (has_end && field.find(good) != std::string::npos));
    }
  }
}

TEST_CASE("streamed: a body that has to be kept has a bound") {
  const auto verifier = CompileScheme(R"({"type": "hmac", "message": "{sha256hex:body}",
      "signature": {"in": "header", "name": "S"}})",
                                      {"k"});
  REQUIRE(verifier.ok());
  auto streamed = BeginVerification(*verifier, {}, 10);
  CHECK(streamed->keeps_body());
  CHECK(streamed->Feed("1234567890"));
  CHECK_FALSE(streamed->Feed("1"));
  CHECK_FALSE(streamed->Feed(""));
  CHECK_FALSE(streamed->Finish(absl::UnixEpoch()).accepted());
}

TEST_CASE("streamed: the verifier may be gone, and the head's memory too") {
  auto verifier = CompilePreset("github", {"It's a Secret to Everybody"});
  REQUIRE(verifier.ok());
  std::unique_ptr<StreamedVerification> streamed;
  {
    std::string value = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const std::vector<HeaderView> headers = {{"X-Hub-Signature-256", value}};
    streamed = BeginVerification(*std::move(verifier), {.method = "POST", .headers = headers}, 0);
    std::fill(value.begin(), value.end(), '0');
  }
  CHECK(streamed->Feed("Hello, "));
  CHECK(streamed->Feed("World!"));
  CHECK(streamed->Finish(absl::UnixEpoch()).accepted());
}

}  // namespace
}  // namespace convoy
