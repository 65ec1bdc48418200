// Maps SQS errors to status codes, each with a line for the operator.
#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/broker/sqs/sqs_protocol.h"
#include "lib/broker/web/fields.h"
#include "lib/broker/web/http_caller.h"
#include "lib/json/raw.h"

namespace convoy::broker {
namespace {

constexpr json::Limits kErrorLimits = {.bytes_max = 64 * 1024, .depth_max = 16};

struct Meaning {
  std::string_view code;
  absl::StatusCode status;
  std::string_view text;
};
constexpr std::string_view kWrongKey = "the access key is not known or has been disabled";
constexpr std::string_view kWrongSecret = "the secret key is not that of the access key";
constexpr std::string_view kExpired = "the session token has expired";
constexpr std::string_view kClock = "the clock of this machine differs from that of the service";
constexpr std::string_view kDenied = "the credentials may not do that with this queue";
constexpr std::string_view kNoQueue = "there is no such queue in the region for these credentials";
constexpr std::string_view kSlow = "the service asks to slow down";
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kNotFound = absl::StatusCode::kNotFound;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
// Error name without the suffix "Exception" and without a prefix up to '#' or a dot: one error has
// several spellings.
constexpr std::array kMeanings = std::to_array<Meaning>({
    {"InvalidClientTokenId", kUnauthenticated, kWrongKey},
    {"UnrecognizedClient", kUnauthenticated, kWrongKey},
    {"InvalidAccessKeyId", kUnauthenticated, kWrongKey},
    {"AuthFailure", kUnauthenticated, kWrongKey},
    {"InvalidSecurity", kUnauthenticated, kWrongKey},
    {"SignatureDoesNotMatch", kUnauthenticated, kWrongSecret},
    {"InvalidSignature", kUnauthenticated, kWrongSecret},
    {"IncompleteSignature", kUnauthenticated, kWrongKey},
    {"MissingAuthenticationToken", kUnauthenticated, kWrongKey},
    {"ExpiredToken", kUnauthenticated, kExpired},
    {"RequestTimeTooSkewed", kUnauthenticated, kClock},
    {"RequestExpired", kUnauthenticated, kClock},
    {"AccessDenied", kPermissionDenied, kDenied},
    {"KmsAccessDenied", kPermissionDenied, "the credentials may not use the queue's key"},
    {"OptInRequired", kPermissionDenied, "the account has not enabled the region"},
    {"QueueDoesNotExist", kNotFound, kNoQueue},
    {"NonExistentQueue", kNotFound, kNoQueue},
    {"InvalidAddress", kNotFound, kNoQueue},
    {"Throttling", kUnavailable, kSlow},
    {"RequestThrottled", kUnavailable, kSlow},
    {"KmsThrottled", kUnavailable, kSlow},
    {"OverLimit", kUnavailable, "the queue has as many messages in flight as it may have"},
});

std::string_view ShortCode(std::string_view code) {
  code = code.substr(0, code.find_first_of(";:"));
  const size_t prefix = code.find_last_of("#.");
  if (prefix != std::string_view::npos) code.remove_prefix(prefix + 1);
  if (code.ends_with("Exception")) code.remove_suffix(std::string_view("Exception").size());
  return code;
}

// The older protocol's errors are XML, and proxies before a service may use it.
std::string XmlCode(std::string_view body) {
  constexpr std::string_view kBegin = "<Code>", kEnd = "</Code>";
  const size_t begin = body.find(kBegin);
  const size_t end = begin == std::string_view::npos ? begin : body.find(kEnd, begin);
  if (end == std::string_view::npos) return "";
  return std::string(body.substr(begin + kBegin.size(), end - begin - kBegin.size()));
}

absl::StatusCode CodeOfHttp(int http_status) {
  if (http_status >= 500 || http_status == 429) return kUnavailable;
  if (http_status == 401) return kUnauthenticated;
  if (http_status == 403) return kPermissionDenied;
  return absl::StatusCode::kInvalidArgument;
}

}  // namespace

absl::Status SqsStatusOf(const TransportResult& result, std::string_view action,
                         const SqsConfig& config) {
  if (result.outcome != TransportOutcome::kResponse) return TransportFailure(result);
  if (result.http_status == 200) return absl::OkStatus();
  const auto object = json::ScanObject(result.body, kErrorLimits);
  std::string type = object.ok() ? TextOf(*object, "__type") : XmlCode(result.body);
  if (type.empty()) type = base::FindHeader(result.headers, "x-amzn-errortype").value_or("");
  type = OneLine(type);
  const std::string_view code = ShortCode(type);
  if (code.empty()) {
    return absl::UnavailableError(result.http_status == 429
                                      ? std::string(kSlow)
                                      : absl::StrCat("sqs.endpoint does not answer as SQS does: "
                                                     "status ",
                                                     result.http_status));
  }
  // The text of a refused request is not passed on: for a wrong signature it quotes the request,
  // with its token.
  std::string said;
  if (object.ok()) said = TextOf(*object, object->Find("message") ? "message" : "Message");
  const std::string where = absl::StrCat(" (", action, " in ", config.region, ": ", code, ")");
  const auto meaning = std::find_if(kMeanings.begin(), kMeanings.end(),
                                    [code](const Meaning& known) { return known.code == code; });
  if (meaning == kMeanings.end()) {
    const bool is_refusal = result.http_status == 401 || result.http_status == 403;
    return absl::Status(CodeOfHttp(result.http_status),
                        absl::StrCat(is_refusal ? std::string(kDenied) : OneLine(said), where));
  }
  const bool is_late = absl::StrContains(said, "Signature expired") ||
                       absl::StrContains(said, "Signature not yet current");
  return absl::Status(meaning->status, absl::StrCat(is_late ? kClock : meaning->text, where));
}

}  // namespace convoy::broker
