// Text of HTTP/1.1: strings to strings, no sockets.
#include "examples/convoyd/wire.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#define BOOST_BEAST_USE_STD_STRING_VIEW
#include <boost/beast/http/status.hpp>

namespace convoyd {
namespace {

bool IsOneLine(std::string_view text) {
  constexpr std::string_view kBreaks("\r\n\0", 3);
  return text.find_first_of(kBreaks) == text.npos;
}

bool IsOurs(std::string_view name) {
  return absl::EqualsIgnoreCase(name, "Content-Length") ||
         absl::EqualsIgnoreCase(name, "Connection") ||
         absl::EqualsIgnoreCase(name, "Transfer-Encoding");
}

}  // namespace

std::optional<Target> SplitTarget(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!absl::StartsWithIgnoreCase(target, scheme)) continue;
    const size_t slash = target.find('/', scheme.size());
    if (slash == target.npos) return std::nullopt;
    target.remove_prefix(slash);
    break;
  }
  if (!target.starts_with('/')) return std::nullopt;
  const size_t mark = target.find('?');
  if (mark == target.npos) return Target{.path = target, .query = {}};
  return Target{.path = target.substr(0, mark), .query = target.substr(mark + 1)};
}

std::string ResponseHead(const convoy::HttpResponse& response, bool is_kept) {
  namespace http = boost::beast::http;
  const std::string_view reason = http::obsolete_reason(static_cast<http::status>(response.status));
  std::string head = absl::StrCat("HTTP/1.1 ", response.status, " ", reason, "\r\n");
  for (const convoy::Header& header : response.headers) {
    if (IsOurs(header.name) || !IsOneLine(header.name) || !IsOneLine(header.value)) continue;
    absl::StrAppend(&head, header.name, ": ", header.value, "\r\n");
  }
  if (HasBody("", response.status)) {
    absl::StrAppend(&head, "Content-Length: ", response.body.size(), "\r\n");
  }
  absl::StrAppend(&head, is_kept ? "Connection: keep-alive\r\n" : "Connection: close\r\n", "\r\n");
  return head;
}

bool HasBody(std::string_view method, int status) {
  return method != "HEAD" && status >= 200 && status != 204 && status != 304;
}

convoy::HttpResponse TextResponse(int status, std::string_view text) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = absl::StrCat(text, "\n")};
}

}  // namespace convoyd
