// The client's secret goes into the body, which every server has to understand of those that take a
// secret from it; servers differ in which of the two ways they take, and Convoy knows this one.
#include "lib/fetch/token_request.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "convoy/version.h"
#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/json/document.h"
#include "lib/sign/client_assertion.h"

namespace convoy::fetch {
namespace {

constexpr std::string_view kAssertionType =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr size_t kQuotedBytesMax = 200;
// A longer time is an instant, counted from 1970: "expiresAt".
constexpr absl::Duration kDurationMax = absl::Hours(24 * 365 * 10);

void Append(std::string& form, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  absl::StrAppend(&form, form.empty() ? "" : "&", name, "=", base::PercentEncode(value));
}

// Whether it holds the secret, or an assertion, whose first letters are these.
bool IsEcho(const OAuth2Auth& auth, std::string_view text) {
  return absl::StrContains(text, "eyJ") ||
         (!auth.client_secret.empty() && absl::StrContains(text, auth.client_secret));
}

// A server's words on an error, if they can be shown: short, printable, and not what it was sent.
std::string Quoted(const OAuth2Auth& auth, std::string_view text) {
  // It may echo the form as it was sent: percent-encoded.
  if (text.empty() || IsEcho(auth, text) || IsEcho(auth, base::FormDecode(text))) return "";
  std::string quoted(text.substr(0, kQuotedBytesMax));
  std::replace_if(
      quoted.begin(), quoted.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return quoted;
}

// RFC 6749, section 5.2.
std::string RefusalOf(const OAuth2Auth& auth, const TransportResult& result) {
  std::string text = absl::StrCat("it answered ", result.http_status);
  const absl::StatusOr<json::Document> document = json::Parse(result.body, {});
  if (!document.ok() || !document->IsObject()) return text;
  std::string error, description;
  json::ObjectReader(*document).Read("error", &error);
  json::ObjectReader(*document).Read("error_description", &description);
  if (const std::string code = Quoted(auth, error); !code.empty()) {
    absl::StrAppend(&text, " ", code);
  }
  if (const std::string why = Quoted(auth, description); !why.empty()) {
    absl::StrAppend(&text, " (", why, ")");
  }
  return text;
}

std::string_view NameOr(const std::string& name, std::string_view usual) {
  return name.empty() ? usual : std::string_view(name);
}

const json::Value* Find(const json::Document& document, std::string_view name) {
  const json::Value key(name.data(), static_cast<json::rapidjson::SizeType>(name.size()));
  const auto found = document.FindMember(key);
  return found == document.MemberEnd() || found->value.IsNull() ? nullptr : &found->value;
}

std::string_view TextOf(const json::Value* value) {
  if (value == nullptr || !value->IsString()) return {};
  return {value->GetString(), value->GetStringLength()};
}

absl::Duration UnitOf(ExpiryUnit unit) {
  switch (unit) {
    case ExpiryUnit::kSeconds:
      return absl::Seconds(1);
    case ExpiryUnit::kMilliseconds:
      return absl::Milliseconds(1);
    case ExpiryUnit::kMinutes:
      return absl::Minutes(1);
    case ExpiryUnit::kHours:
      break;
  }
  return absl::Hours(1);
}

// Servers write the number as a number or as a text. nullopt: it is neither, or not positive.
std::optional<absl::Duration> LifetimeOf(const json::Value& value, ExpiryUnit unit,
                                         absl::Time now) {
  double count = 0;
  if (value.IsNumber()) {
    count = value.GetDouble();
  } else if (!absl::SimpleAtod(TextOf(&value), &count)) {
    return std::nullopt;
  }
  if (!std::isfinite(count)) return std::nullopt;
  absl::Duration lifetime = count * UnitOf(unit);
  if (lifetime > kDurationMax) lifetime -= now - absl::UnixEpoch();
  if (lifetime <= absl::ZeroDuration()) return std::nullopt;
  return std::min(lifetime, kDurationMax);
}

}  // namespace

absl::StatusOr<OutgoingRequest> MakeTokenRequest(const OAuth2Auth& auth, std::string_view id,
                                                 absl::Time now) {
  std::string form;
  Append(form, "grant_type", "client_credentials");
  Append(form, "client_id", auth.client_id);
  if (auth.client == OAuth2Client::kSharedSecret) {
    Append(form, "client_secret", auth.client_secret);
    Append(form, "audience", auth.audience);
  } else {
    CONVOY_ASSIGN_OR_RETURN(const std::string assertion, sign::SignAssertion(auth, id, now));
    Append(form, "client_assertion_type", kAssertionType);
    Append(form, "client_assertion", assertion);
  }
  Append(form, "scope", auth.scope);
  return OutgoingRequest{.url = auth.url,
                         .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                     {"Accept", "application/json"},
                                     {"User-Agent", absl::StrCat("Convoy/", kVersion)}},
                         .body = std::make_shared<const std::string>(std::move(form)),
                         .response_bytes_max = kTokenAnswerBytesMax};
}

absl::StatusOr<AccessToken> ReadTokenAnswer(const OAuth2Auth& auth, const TransportResult& result,
                                            absl::Time now) {
  if (result.http_status != 0 && (result.http_status < 200 || result.http_status > 299)) {
    return absl::UnavailableError(RefusalOf(auth, result));
  }
  if (result.outcome != TransportOutcome::kResponse) return absl::UnavailableError(result.error);
  const absl::StatusOr<json::Document> document = json::Parse(result.body, {});
  if (!document.ok() || !document->IsObject()) {
    return absl::UnavailableError("its answer is no JSON object");
  }
  const std::string_view token_field = NameOr(auth.token_field, "access_token");
  const std::string_view token = TextOf(Find(*document, token_field));
  if (token.empty()) {
    return absl::UnavailableError(absl::StrCat("its answer has no text '", token_field, "'"));
  }
  if (token.size() > kTokenBytesMax || !std::all_of(token.begin(), token.end(), [](char c) {
        return absl::ascii_isgraph(static_cast<unsigned char>(c));
      })) {
    return absl::UnavailableError("its token is too long, or no header can carry it");
  }
  std::string_view type = TextOf(Find(*document, NameOr(auth.type_field, "token_type")));
  if (type.empty() || base::EqualsIgnoreCase(type, "bearer")) type = "Bearer";
  if (!base::IsHeaderName(type)) {  // the grammar of both is a token's
    return absl::UnavailableError("its token_type is no name of a scheme");
  }
  AccessToken read = {.type = std::string(type), .text = std::string(token)};
  const std::string_view expiry_field = NameOr(auth.expiry_field, "expires_in");
  if (const json::Value* expiry = Find(*document, expiry_field)) {
    const auto lifetime = LifetimeOf(*expiry, auth.expiry_unit, now);
    if (!lifetime.has_value()) {
      return absl::UnavailableError(
          absl::StrCat("its '", expiry_field, "' is no time in the future"));
    }
    read.lifetime = *lifetime;
  }
  return read;
}

}  // namespace convoy::fetch
