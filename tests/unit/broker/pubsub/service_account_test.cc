#include "lib/broker/pubsub/service_account.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/crypto/public_key.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/broker/pubsub/service_account_key.h"

namespace convoy::broker {
namespace {

TEST_CASE("service_account: a token says who and for what, signed by the key") {
  const auto account = ServiceAccount::Parse(testing::ServiceAccountKey()).value();
  const std::string token =
      account.MakeToken("https://pubsub.googleapis.com/", testing::SimEpoch()).value();
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  REQUIRE(parts.size() == 3);
  CHECK(base::Base64UrlDecode(parts[0]) == R"({"alg":"RS256","typ":"JWT","kid":"key-1"})");
  CHECK(base::Base64UrlDecode(parts[1]) ==
        R"({"iss":"reader@p.iam.gserviceaccount.com","sub":"reader@p.iam.gserviceaccount.com",)"
        R"("aud":"https://pubsub.googleapis.com/","iat":1777629600,"exp":1777633200})");
  const auto key = crypto::PublicKey::FromPem(crypto::VectorFile("rsa_public.pem")).value();
  CHECK(key.rsa()->Verify(crypto::RsaPadding::kPkcs1, crypto::HashAlgorithm::kSha256,
                          parts[0] + "." + parts[1], base::Base64UrlDecode(parts[2]).value()));
  CHECK(account.universe_domain() == "googleapis.com");
}

TEST_CASE("service_account: what is not a key file is refused without quoting it") {
  const auto check = [](std::string text, std::string_view begin) {
    const absl::Status status = ServiceAccount::Parse(text).status();
    INFO(status);
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(absl::StartsWith(status.message(), begin));
    CHECK_FALSE(absl::StrContains(status.message(), "hush"));
  };
  check("", "google.service_account is not");
  check("hush", "google.service_account is not");
  check("[]", "google.service_account is not");
  check(R"({"type":1})", "google.service_account has a field");
  check(R"({"type":"authorized_user","refresh_token":"hush"})", "google.service_account.type");
  check(R"({"type":"service_account"})", "google.service_account.client_email");
  check(R"({"type":"service_account","client_email":"a@b","private_key":"hush"})",
        "google.service_account.private_key");
  check(R"({"type":"service_account","client_email":"a@b","universe_domain":"evil/"})",
        "google.service_account.universe_domain");
  check(std::string(100'000, ' '), "google.service_account is not");
}

}  // namespace
}  // namespace convoy::broker
