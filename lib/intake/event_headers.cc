// Selection of forwarded headers. Names compare without case throughout.

#include "lib/intake/event_headers.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/intake/ingest_report.h"

namespace convoy::intake {
namespace {

constexpr std::string_view kSourceIdHeader = "X-Convoy-Source-Id";

// Of one connection, one hop or one transfer (RFC 9110, 7.6.1 and 6.6): meaningless or harmful on
// the next. Accept-Encoding is the sender's wish for our answer, not for the endpoint's.
constexpr std::string_view kTransferHeaders[] = {
    "Host",
    "Content-Length",
    "Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Expect",
    "Accept-Encoding",
    "Proxy-Authorization",
    "Proxy-Authenticate",
    "HTTP2-Settings",
    "Proxy-Connection",
};

constexpr std::string_view kSecretHeaders[] = {"Authorization", "Cookie", "Proxy-Authorization"};

template <typename Names>
bool Contains(const Names& names, std::string_view wanted) {
  return std::any_of(std::begin(names), std::end(names), [wanted](std::string_view name) {
    return base::EqualsIgnoreCase(name, wanted);
  });
}

// Names that the Connection headers declare to be of this connection only.
std::vector<std::string_view> NamesInConnection(std::span<const HeaderView> headers) {
  std::vector<std::string_view> names;
  for (const HeaderView& header : headers) {
    if (!base::EqualsIgnoreCase(header.name, "Connection")) continue;
    for (const std::string_view name : absl::StrSplit(header.value, ',')) {
      names.push_back(absl::StripAsciiWhitespace(name));
    }
  }
  return names;
}

}  // namespace

absl::Status CheckHeaderSize(std::span<const HeaderView> received) {
  const auto refuse = [](std::string_view message) {
    return RefuseIngest(absl::StatusCode::kInvalidArgument, ingest_refusal::kTooManyHeaders,
                        message);
  };
  if (received.size() > kHeadersMax) {
    return refuse(absl::StrCat("too many request headers: more than ", kHeadersMax));
  }
  size_t bytes = 0;
  for (const HeaderView& header : received) bytes += header.name.size() + header.value.size();
  if (bytes > kHeaderBytesMax) {
    return refuse(absl::StrCat("request headers too large: more than ", kHeaderBytesMax, " bytes"));
  }
  return absl::OkStatus();
}

bool IsSecretHeader(const verify::Credentials& credentials, std::string_view name) {
  return Contains(kSecretHeaders, name) || Contains(credentials.headers, name);
}

std::string KeepQuery(const verify::Credentials& credentials, std::string_view query) {
  if (credentials.query_parameters.empty()) return std::string(query);
  const auto is_kept = [&](std::string_view parameter) {
    // As a verifier finds it, so also when its name is spelled in another way.
    return std::none_of(credentials.query_parameters.begin(), credentials.query_parameters.end(),
                        [&](const std::string& name) {
                          return base::FindQueryParameter(parameter, name).has_value();
                        });
  };
  std::vector<std::string_view> kept;
  for (const std::string_view parameter : absl::StrSplit(query, '&')) {
    if (is_kept(parameter)) kept.push_back(parameter);
  }
  return absl::StrJoin(kept, "&");
}

absl::StatusOr<Headers> KeepForwardable(const Source& source,
                                        const verify::Credentials& credentials,
                                        std::span<const HeaderView> received) {
  CONVOY_RETURN_IF_ERROR(CheckHeaderSize(received));
  const std::vector<std::string_view> connection_names = NamesInConnection(received);
  Headers kept;
  kept.reserve(received.size() + 1);
  for (const HeaderView& header : received) {
    if (!base::IsHeaderName(header.name) || !base::IsHeaderValue(header.value)) continue;
    if (base::EqualsIgnoreCase(header.name, "Content-Type") ||
        base::EqualsIgnoreCase(header.name, kSourceIdHeader)) {
      continue;
    }
    if (Contains(kTransferHeaders, header.name) || Contains(connection_names, header.name))
      continue;
    if (IsSecretHeader(credentials, header.name) && !Contains(source.forward_headers, header.name))
      continue;
    kept.push_back({std::string(header.name), std::string(header.value)});
  }
  return kept;
}

absl::StatusOr<Headers> KeepIngestHeaders(const Source& source,
                                          const verify::Credentials& credentials,
                                          std::span<const HeaderView> received) {
  absl::StatusOr<Headers> kept = KeepForwardable(source, credentials, received);
  if (kept.ok()) kept->push_back({std::string(kSourceIdHeader), source.mask_id});
  return kept;
}

absl::Status CheckCustomHeaders(const Headers& headers) {
  if (headers.size() > kHeadersMax) {
    return absl::InvalidArgumentError("custom_headers: too many headers");
  }
  size_t bytes = 0;
  for (const Header& header : headers) {
    bytes += header.name.size() + header.value.size();
    if (bytes > kHeaderBytesMax) return absl::InvalidArgumentError("custom_headers: too large");
    if (!base::IsHeaderName(header.name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("custom_headers: ", base::Quote(header.name), " is not a header name"));
    }
    if (!base::IsHeaderValue(header.value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("custom_headers: the value of ", base::Quote(header.name),
                       " contains characters that a header must not"));
    }
    if (Contains(kTransferHeaders, header.name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("custom_headers: ", base::Quote(header.name), " cannot be chosen"));
    }
  }
  return absl::OkStatus();
}

}  // namespace convoy::intake
