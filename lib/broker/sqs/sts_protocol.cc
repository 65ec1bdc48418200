// Requests and responses of AssumeRoleWithWebIdentity; see sts_protocol.h.
#include "lib/broker/sqs/sts_protocol.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/broker/sqs/credentials.h"
#include "lib/broker/sqs/region.h"
#include "lib/broker/sqs/xml_texts.h"
#include "lib/broker/web/endpoint.h"
#include "lib/broker/web/http_caller.h"

namespace convoy::broker {
namespace {

constexpr std::string_view kDefaultSessionName = "convoy";

absl::Status Refuse(std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("web_identity.", why));
}

bool IsRoleArn(std::string_view text) {
  constexpr size_t kBytesMax = 2048;
  return text.starts_with("arn:") && text.find(":role/") != std::string_view::npos &&
         text.size() <= kBytesMax && std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

bool IsSessionName(std::string_view text) {
  constexpr size_t kBytesMin = 2, kBytesMax = 64;
  return text.size() >= kBytesMin && text.size() <= kBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) ||
                  std::string_view("_+=,.@-").find(c) != std::string_view::npos;
         });
}

// Only the names of errors, never other text of the service.
bool IsCode(std::string_view text) {
  constexpr size_t kBytesMax = 64;
  return !text.empty() && text.size() <= kBytesMax &&
         std::all_of(text.begin(), text.end(), absl::ascii_isalnum);
}

absl::StatusOr<Endpoint> EndpointOf(const AwsWebIdentity& identity) {
  constexpr std::string_view kField = "web_identity.sts_endpoint";
  std::string url = identity.sts_endpoint;
  if (url.empty()) {
    url =
        identity.region.empty() ? "https://sts.amazonaws.com" : AmazonUrlOf("sts", identity.region);
  }
  CONVOY_ASSIGN_OR_RETURN(Endpoint endpoint, ParseEndpoint(url, kField));
  if (endpoint.scheme == "http" && !IsLoopback(endpoint)) {
    return absl::InvalidArgumentError(
        absl::StrCat(kField, " is not https: the token would be sent in the clear"));
  }
  return endpoint;
}

struct Meaning {
  std::string_view code;
  absl::StatusCode status;
  std::string_view text;
};
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr std::string_view kRefusedToken =
    "it does not accept the web identity token: is its issuer an identity provider of the account, "
    "and its audience one of that provider's?";
constexpr std::string_view kDeniedRole =
    "the role's trust policy does not admit this token, or there is no such role";
constexpr std::array kMeanings = std::to_array<Meaning>({
    {"InvalidIdentityToken", kUnauthenticated, kRefusedToken},
    {"IDPRejectedClaim", kUnauthenticated, kRefusedToken},
    {"ExpiredTokenException", kUnauthenticated,
     "the web identity token has expired: is its file still being replaced?"},
    {"AccessDenied", kPermissionDenied, kDeniedRole},
    {"AccessDeniedException", kPermissionDenied, kDeniedRole},
    {"RegionDisabledException", kPermissionDenied, "the account has not enabled it in the region"},
    {"IDPCommunicationError", kUnavailable, "it cannot reach the identity provider"},
    {"Throttling", kUnavailable, "it asks to slow down"},
});

absl::Status Failure(absl::StatusCode code, std::string_view why) {
  return absl::Status(code, absl::StrCat("Amazon's STS: ", why));
}

absl::Status NotSts(std::string_view what) {
  return Failure(kUnavailable, absl::StrCat("the answer is not one of its kind: ", what));
}

// Reads an error response.
absl::Status StatusOf(const TransportResult& result) {
  XmlField code[] = {{.path = "/ErrorResponse/Error/Code"}};
  const std::string status = absl::StrCat("status ", result.http_status);
  if (!ReadXmlTexts(result.body, code).ok() || !IsCode(code->text)) return NotSts(status);
  for (const Meaning& known : kMeanings) {
    if (known.code == code->text) {
      return Failure(known.status, absl::StrCat(known.text, " (", known.code, ")"));
    }
  }
  const bool is_refusal = result.http_status / 100 == 4 && result.http_status != 429;
  return Failure(is_refusal ? kPermissionDenied : kUnavailable,
                 absl::StrCat("it refuses (", code->text, ", ", status, ")"));
}

}  // namespace

absl::StatusOr<StsRequests> StsRequests::Make(const AwsWebIdentity& identity) {
  const std::string_view session_name =
      identity.session_name.empty() ? kDefaultSessionName : identity.session_name;
  if (!IsRoleArn(identity.role_arn)) return Refuse("role_arn is not a role's ARN");
  if (identity.token_file.empty()) return Refuse("token_file must not be empty");
  if (!IsSessionName(session_name)) {
    return Refuse("session_name must be 2 to 64 letters, digits and characters of _+=,.@-");
  }
  if (!identity.region.empty() && !IsRegion(identity.region)) {
    return Refuse("region is not the name of a region");
  }
  CONVOY_ASSIGN_OR_RETURN(const Endpoint endpoint, EndpointOf(identity));
  return StsRequests(endpoint.UrlOf("/"),
                     absl::StrCat("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=",
                                  base::PercentEncode(identity.role_arn), "&RoleSessionName=",
                                  base::PercentEncode(session_name), "&WebIdentityToken="));
}

OutgoingRequest StsRequests::AssumeRole(std::string_view token, absl::Duration timeout) const {
  return {
      .method = "POST",
      .url = url_,
      .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
      .body = std::make_shared<const std::string>(absl::StrCat(form_, base::PercentEncode(token))),
      .timeout = timeout,
      .response_bytes_max = kXmlBytesMax};
}

absl::StatusOr<AwsSession> ReadAssumedRole(const TransportResult& result) {
  if (result.outcome != TransportOutcome::kResponse) {
    const absl::Status failure = TransportFailure(result);
    return Failure(failure.code(), failure.message());
  }
  if (result.http_status != 200) return StatusOf(result);
  constexpr std::string_view kCredentials =
      "/AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/";
  std::array<XmlField, 4> fields;
  for (size_t i = 0; i < fields.size(); ++i) {
    constexpr std::string_view kNames[] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                           "Expiration"};
    fields[i].path = absl::StrCat(kCredentials, kNames[i]);
  }
  const absl::Status is_read = ReadXmlTexts(result.body, fields);
  if (!is_read.ok()) return NotSts(is_read.message());
  const auto& [access_key_id, secret_key, session_token, expiration] = fields;
  AwsSession session{.keys = {.access_key_id = access_key_id.text,
                              .secret_key = secret_key.text,
                              .session_token = session_token.text}};
  const absl::Status is_usable = CheckKeys(session.keys, "");
  if (!is_usable.ok()) return NotSts(is_usable.message());
  if (session.keys.session_token.empty()) return NotSts("session_token is missing");
  const std::optional<absl::Time> expires_at = base::ParseTime(expiration.text);
  if (!expires_at.has_value()) return NotSts("Expiration is not an instant");
  session.expires_at = *expires_at;
  return session;
}

}  // namespace convoy::broker
