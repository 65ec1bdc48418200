// Signature Version 4. The steps are those of Amazon's "Create a signed AWS API request": canonical
// request, string to sign, a key derived for the day, region and service, and the signature made
// with it.
#include "lib/broker/sqs/sigv4.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"

namespace convoy::broker {
namespace {

using crypto::HashAlgorithm;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string HexHash(std::string_view data) {
  return base::HexEncode(crypto::Hash(HashAlgorithm::kSha256, data).view());
}

std::string Keyed(std::string_view key, std::string_view data) {
  return std::string(crypto::HmacOf(crypto::HmacKey(HashAlgorithm::kSha256, key), data).view());
}

// Without empty and dot segments (RFC 3986, section 5.2.4), each segment encoded.
std::string CanonicalPath(std::string_view path) {
  std::vector<std::string> segments;
  for (const std::string_view segment : absl::StrSplit(path, '/')) {
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(base::PercentEncode(segment));
    }
  }
  const bool is_folder = path.ends_with('/') && !segments.empty();
  return absl::StrCat("/", absl::StrJoin(segments, "/"), is_folder ? "/" : "");
}

// Sorted by encoded name and value, as the specification says.
std::string CanonicalQuery(const SigV4Request& request) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : request.query) {
    encoded.emplace_back(base::PercentEncode(name), base::PercentEncode(value));
  }
  std::sort(encoded.begin(), encoded.end());
  return absl::StrJoin(encoded, "&", absl::PairFormatter("="));
}

// Lower-case names, sorted; runs of spaces are one space; lines of one name are joined in order.
std::map<std::string, std::string> CanonicalHeaders(const Headers& headers) {
  std::map<std::string, std::string> canonical;
  for (const Header& header : headers) {
    std::string value = header.value;
    absl::RemoveExtraAsciiWhitespace(&value);
    const auto [line, is_first] = canonical.try_emplace(absl::AsciiStrToLower(header.name), value);
    if (!is_first) absl::StrAppend(&line->second, ",", value);
  }
  return canonical;
}

std::string SignedNames(const std::map<std::string, std::string>& headers) {
  return absl::StrJoin(headers, ";",
                       [](std::string* out, const auto& header) { out->append(header.first); });
}

std::string ScopeOf(absl::Time time, std::string_view region, std::string_view service) {
  return absl::StrCat(SigV4Date(time).substr(0, 8), "/", region, "/", service, "/aws4_request");
}

}  // namespace

std::string SigV4Date(absl::Time time) {
  return absl::FormatTime("%Y%m%dT%H%M%SZ", time, absl::UTCTimeZone());
}

std::string CanonicalRequestOf(const SigV4Request& request) {
  const std::map<std::string, std::string> headers = CanonicalHeaders(request.headers);
  return absl::StrCat(request.method, "\n", CanonicalPath(request.path), "\n",
                      CanonicalQuery(request), "\n",
                      absl::StrJoin(headers, "\n", absl::PairFormatter(":")), "\n\n",
                      SignedNames(headers), "\n", HexHash(request.body));
}

std::string StringToSign(std::string_view canonical_request, absl::Time time,
                         std::string_view region, std::string_view service) {
  return absl::StrCat(kAlgorithm, "\n", SigV4Date(time), "\n", ScopeOf(time, region, service), "\n",
                      HexHash(canonical_request));
}

std::string SignV4(const SigV4Request& request, absl::Time time, std::string_view region,
                   std::string_view service, const SigV4Credentials& credentials) {
  const std::string text = StringToSign(CanonicalRequestOf(request), time, region, service);
  std::string key =
      Keyed(absl::StrCat("AWS4", credentials.secret_key), SigV4Date(time).substr(0, 8));
  for (const std::string_view part : {region, service, std::string_view("aws4_request")}) {
    key = Keyed(key, part);
  }
  return absl::StrCat(kAlgorithm, " Credential=", credentials.access_key_id, "/",
                      ScopeOf(time, region, service),
                      ", SignedHeaders=", SignedNames(CanonicalHeaders(request.headers)),
                      ", Signature=", base::HexEncode(Keyed(key, text)));
}

}  // namespace convoy::broker
