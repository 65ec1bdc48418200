// Facts about URLs, by libcurl's own parser; see url_facts.h.
#include "lib/transport/curl/url_facts.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <curl/curl.h>

#include "lib/base/text.h"

namespace convoy::transport {
namespace {

// Bounds of what is kept: about 4 MiB. A URL that carries an event's query is seen once.
constexpr size_t kKeptMax = 4096;
constexpr size_t kKeptUrlBytesMax = 256;

std::optional<std::string> PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return std::nullopt;
  std::string found = text;
  curl_free(text);
  return found;
}

UrlFacts Invalid(std::string_view refusal) {
  return {.refusal = refusal, .outcome = TransportOutcome::kInvalidUrl};
}

}  // namespace

const UrlFacts& UrlFactsCache::Find(const std::string& url) {
  if (const auto known = kept_.find(url); known != kept_.end()) return known->second;
  latest_ = Parse(url);
  if (url.size() > kKeptUrlBytesMax) return latest_;
  if (kept_.size() >= kKeptMax) kept_.clear();
  return kept_[url] = latest_;
}

UrlFacts UrlFactsCache::Parse(const std::string& text) const {
  std::shared_ptr<CURLU> url(curl_url(), &curl_url_cleanup);
  const bool is_clean = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<uint8_t>(c) <= 0x20 || c == 0x7F;
  });
  if (url == nullptr || !is_clean ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return Invalid("the URL is malformed");
  }
  const std::string scheme =
      absl::AsciiStrToLower(PartOf(url.get(), CURLUPART_SCHEME).value_or(""));
  if (scheme != "http" && scheme != "https") return Invalid("the URL is neither http nor https");
  if (PartOf(url.get(), CURLUPART_USER).has_value() ||
      PartOf(url.get(), CURLUPART_PASSWORD).has_value()) {
    return Invalid("the URL must not hold a user name or password");
  }
  const std::string host = PartOf(url.get(), CURLUPART_HOST).value_or("");
  const std::string port = PartOf(url.get(), CURLUPART_PORT).value_or("");
  if (has_proxy_ && IsHostDenied(host, scheme, port)) {
    return {.refusal = kDeniedAddressText, .outcome = TransportOutcome::kDeniedAddress};
  }
  return {.authority = absl::StrCat(scheme, "://", host, ":", port), .parsed = std::move(url)};
}

bool UrlFactsCache::IsHostDenied(std::string_view host, std::string_view scheme,
                                 std::string_view port) const {
  while (host.ends_with('.')) host.remove_suffix(1);
  if (base::EqualsIgnoreCase(host, "localhost") || absl::EndsWithIgnoreCase(host, ".localhost")) {
    host = "127.0.0.1";
  }
  if (host.starts_with('[')) host = host.substr(1, host.find_first_of("%]") - 1);
  const std::optional<IpAddress> address = IpAddress::Parse(host);
  uint32_t number = scheme == "https" ? 443 : 80;
  if (!port.empty() && !absl::SimpleAtoi(port, &number)) return true;
  return address.has_value() && !guard_->Allows(*address, static_cast<uint16_t>(number));
}

}  // namespace convoy::transport
