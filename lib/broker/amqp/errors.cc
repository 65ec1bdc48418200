// Maps AMQP errors to status codes. The code tells the caller's next step: kUnavailable may pass by
// itself; kUnauthenticated, kPermissionDenied and kNotFound need an operator. All of them are
// retried.
#include "lib/broker/amqp/errors.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"

namespace convoy::broker::amqp {
namespace {

constexpr size_t kTextBytesMax = 200;

absl::StatusCode CodeOf(int code, std::string_view text, Phase phase) {
  switch (code) {
    case AMQP_ACCESS_REFUSED:
      return phase == Phase::kLogin ? absl::StatusCode::kUnauthenticated
                                    : absl::StatusCode::kPermissionDenied;
    case AMQP_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case AMQP_RESOURCE_LOCKED:  // an exclusive queue of another connection
      return absl::StatusCode::kPermissionDenied;
    case AMQP_NOT_ALLOWED:  // a virtual host that is not there, or not for this user
      return absl::StrContains(text, "not found") ? absl::StatusCode::kNotFound
                                                  : absl::StatusCode::kPermissionDenied;
    case AMQP_NOT_IMPLEMENTED:  // a kind of queue that cannot do what was asked
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

std::string_view MeaningOf(int status) {
  switch (status) {
    case AMQP_STATUS_HEARTBEAT_TIMEOUT:
      return "the broker is silent";
    case AMQP_STATUS_TIMEOUT:
      return "no answer in time";
    case AMQP_STATUS_CONNECTION_CLOSED:
    case AMQP_STATUS_SOCKET_CLOSED:
      return "the connection was closed";
    case AMQP_STATUS_SOCKET_ERROR:
      return "the connection was refused or broken";
    case AMQP_STATUS_BAD_AMQP_DATA:
    case AMQP_STATUS_WRONG_METHOD:
    case AMQP_STATUS_UNKNOWN_CLASS:
    case AMQP_STATUS_UNKNOWN_METHOD:
    case AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION:
      return "what came back is not AMQP 0-9-1";
    default:
      return amqp_error_string2(status);
  }
}

}  // namespace

std::string OneLine(std::string_view text) {
  std::string line(text.substr(0, kTextBytesMax));
  const bool is_utf8 = base::IsValidUtf8(line);
  std::replace_if(
      line.begin(), line.end(),
      [is_utf8](unsigned char c) { return c < 0x20 || c == 0x7F || (c >= 0x80 && !is_utf8); }, '?');
  return line;
}

absl::Status LibraryError(int status, std::string_view doing) {
  return absl::UnavailableError(absl::StrCat(doing, ": ", MeaningOf(status)));
}

absl::Status ServerError(int code, std::string_view text, std::string_view doing, Phase phase,
                         std::string_view password) {
  const bool is_quotable = password.empty() || !absl::StrContains(text, password);
  const std::string quoted = is_quotable ? OneLine(text) : absl::StrCat("error ", code);
  return absl::Status(CodeOf(code, text, phase), absl::StrCat(doing, ": ", quoted));
}

}  // namespace convoy::broker::amqp
