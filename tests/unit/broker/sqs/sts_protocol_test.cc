#include "lib/broker/sqs/sts_protocol.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <catch2/catch.hpp>

#include "lib/broker/sqs/xml_texts.h"

namespace convoy::broker {
namespace {

constexpr std::string_view kArn = "arn:aws:iam::123456789012:role/reads/orders";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG";

AwsWebIdentity Identity() { return {.role_arn = std::string(kArn), .token_file = "/token"}; }

TransportResult Answer(int status, std::string body) {
  return {.outcome = TransportOutcome::kResponse, .http_status = status, .body = std::move(body)};
}

std::string Assumed(std::string_view expiration = "2026-05-01T11:00:00Z") {
  return absl::StrCat(R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/">
    <AssumeRoleWithWebIdentityResult>
      <SubjectFromWebIdentityToken>a&amp;b</SubjectFromWebIdentityToken>
      <Credentials><SessionToken>IQoJ/b3=&#43;</SessionToken><SecretAccessKey>)",
                      kSecret, "</SecretAccessKey><Expiration>", expiration,
                      R"(</Expiration><AccessKeyId>ASIAEXAMPLE</AccessKeyId></Credentials>
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>)");
}

TEST_CASE("sts_protocol: a request is a form with the token, sent to the region's service") {
  AwsWebIdentity identity = Identity();
  identity.region = "eu-central-1";
  const OutgoingRequest request =
      StsRequests::Make(identity).value().AssumeRole("eyJ+/=.a&b", absl::Seconds(4));
  CHECK(request.method == "POST");
  CHECK(request.url == "https://sts.eu-central-1.amazonaws.com/");
  CHECK(*request.body ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
        "123456789012%3Arole%2Freads%2Forders&RoleSessionName=convoy&WebIdentityToken="
        "eyJ%2B%2F%3D.a%26b");
  identity.region = "cn-north-1";
  identity.session_name = "gateway@a";
  const OutgoingRequest other = StsRequests::Make(identity).value().AssumeRole("t", {});
  CHECK(other.url == "https://sts.cn-north-1.amazonaws.com.cn/");
  CHECK(absl::StrContains(*other.body, "&RoleSessionName=gateway%40a&"));
  CHECK(StsRequests::Make(Identity()).value().AssumeRole("t", {}).url ==
        "https://sts.amazonaws.com/");
}

TEST_CASE("sts_protocol: an identity that can never work is refused with the field's name") {
  const auto check = [](std::string_view field, auto change) {
    AwsWebIdentity identity = Identity();
    change(identity);
    const absl::Status status = StsRequests::Make(identity).status();
    INFO(status);
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(absl::StartsWith(status.message(), absl::StrCat("web_identity.", field)));
  };
  check("role_arn", [](AwsWebIdentity& i) { i.role_arn = ""; });
  check("role_arn", [](AwsWebIdentity& i) { i.role_arn = "orders"; });
  check("role_arn", [](AwsWebIdentity& i) { i.role_arn = "arn:aws:iam::1:user/orders"; });
  check("role_arn", [](AwsWebIdentity& i) { i.role_arn += "\n"; });
  check("token_file", [](AwsWebIdentity& i) { i.token_file = ""; });
  check("session_name", [](AwsWebIdentity& i) { i.session_name = "a b"; });
  check("session_name", [](AwsWebIdentity& i) { i.session_name = std::string(65, 'a'); });
  check("region", [](AwsWebIdentity& i) { i.region = "evil.example.com/"; });
  check("sts_endpoint", [](AwsWebIdentity& i) { i.sts_endpoint = "sts.example.com"; });
  check("sts_endpoint", [](AwsWebIdentity& i) { i.sts_endpoint = "http://sts.example.com"; });
  AwsWebIdentity local = Identity();
  local.sts_endpoint = "http://127.0.0.1:5000/";
  CHECK(StsRequests::Make(local).value().AssumeRole("t", {}).url == "http://127.0.0.1:5000/");
}

TEST_CASE("sts_protocol: a session is read out of the answer") {
  const AwsSession session = ReadAssumedRole(Answer(200, Assumed())).value();
  CHECK(session.keys.access_key_id == "ASIAEXAMPLE");
  CHECK(session.keys.secret_key == kSecret);
  CHECK(session.keys.session_token == "IQoJ/b3=+");
  CHECK(session.expires_at ==
        absl::FromCivil(absl::CivilSecond(2026, 5, 1, 11, 0, 0), absl::UTCTimeZone()));
}

TEST_CASE("sts_protocol: an answer without one of the four, or with half a document, is none") {
  const std::string whole = Assumed();
  const auto check = [](const std::string& body) {
    INFO(body);
    const absl::Status status = ReadAssumedRole(Answer(200, body)).status();
    CHECK(status.code() == absl::StatusCode::kUnavailable);
    CHECK_FALSE(absl::StrContains(status.message(), kSecret));
    CHECK_FALSE(absl::StrContains(status.message(), "IQoJ"));
  };
  for (const char* name : {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration",
                           "Credentials", "AssumeRoleWithWebIdentityResult"}) {
    check(absl::StrReplaceAll(whole, {{absl::StrCat(name, ">"), absl::StrCat(name, "s>")}}));
  }
  for (size_t size = 0; size < whole.size(); ++size) check(whole.substr(0, size));
  check(Assumed("soon"));
  check(absl::StrReplaceAll(whole, {{"ASIA", "AS IA"}}));
  check(absl::StrReplaceAll(whole, {{"ASIA", "AS\r\nIA"}}));
  check(absl::StrCat(whole, std::string(kXmlBytesMax, ' ')));
  check("{}");
}

TEST_CASE("sts_protocol: errors have broker.h's codes and quote nothing") {
  const auto error = [](int http_status, std::string_view code) {
    return ReadAssumedRole(
               Answer(http_status, absl::StrCat("<ErrorResponse xmlns='x'><Error><Type>Sender"
                                                "</Type><Code>",
                                                code, "</Code><Message>", kSecret,
                                                "</Message></Error></ErrorResponse>")))
        .status();
  };
  using Code = absl::StatusCode;
  CHECK(error(400, "InvalidIdentityToken").code() == Code::kUnauthenticated);
  CHECK(error(400, "ExpiredTokenException").code() == Code::kUnauthenticated);
  CHECK(error(403, "IDPRejectedClaim").code() == Code::kUnauthenticated);
  CHECK(error(403, "AccessDenied").code() == Code::kPermissionDenied);
  CHECK(error(403, "RegionDisabledException").code() == Code::kPermissionDenied);
  CHECK(error(400, "ValidationError").code() == Code::kPermissionDenied);
  CHECK(error(400, "IDPCommunicationError").code() == Code::kUnavailable);
  CHECK(error(400, "Throttling").code() == Code::kUnavailable);
  CHECK(error(500, "InternalFailure").code() == Code::kUnavailable);
  CHECK(error(403, "<b/>").code() == Code::kUnavailable);
  CHECK(error(400, "ValidationError").message() ==
        "Amazon's STS: it refuses (ValidationError, status 400)");
  CHECK_FALSE(absl::StrContains(error(400, "InvalidIdentityToken").message(), kSecret));
  CHECK_FALSE(absl::StrContains(error(400, "the token was secret").message(), "secret"));
  CHECK(ReadAssumedRole(Answer(502, "<html>")).status().code() == Code::kUnavailable);
  CHECK(ReadAssumedRole({.outcome = TransportOutcome::kDeniedAddress}).status().code() ==
        Code::kPermissionDenied);
}

}  // namespace
}  // namespace convoy::broker
