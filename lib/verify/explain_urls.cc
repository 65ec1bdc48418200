// URLs as providers may have signed them where proxies stand in between, or where they were given
// in another spelling than public_url has.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/verify/explain_trials.h"
#include "lib/verify/url_variants.h"

namespace convoy::verify {
namespace {

constexpr size_t kPermutedMax = 4;  // parameters of a query whose every order is tried
constexpr std::string_view kEscapesText = "the provider signs the URL with other escapes";
constexpr std::string_view kHostText =
    "the provider signs the URL with the host that it calls: public_url has another one";
constexpr std::string_view kPathText =
    "the provider signs the path that it calls, and a proxy changes it on the way";

// The escapes of `text` with their digits in another case.
std::string EscapesInCase(std::string_view text, bool is_upper) {
  std::string out(text);
  for (size_t at = out.find('%'); at != std::string::npos; at = out.find('%', at + 1)) {
    for (size_t digit = at + 1; digit < std::min(at + 3, out.size()); ++digit) {
      const auto c = static_cast<unsigned char>(out[digit]);
      out[digit] = static_cast<char>(is_upper ? absl::ascii_toupper(c) : absl::ascii_tolower(c));
    }
  }
  return out;
}

// The host= of a Forwarded header (RFC 7239); of several proxies the first.
std::string ForwardedHost(std::string_view value) {
  for (const std::string_view item : absl::StrSplit(value, absl::ByAnyChar(";,"))) {
    const std::string_view pair = absl::StripAsciiWhitespace(item);
    if (!absl::StartsWithIgnoreCase(pair, "host=")) continue;
    return absl::StrReplaceAll(pair.substr(5), {{"\"", ""}});
  }
  return "";
}

class UrlSpeller {
 public:
  UrlSpeller(std::string url, std::span<const HeaderView> headers)
      : url_(std::move(url)),
        scheme_end_(url_.find("://")),
        path_(PathBegin(url_)),
        query_(std::min(url_.find('?'), url_.size())),
        headers_(headers) {}

  std::vector<UrlSpelling> Spell() {
    if (scheme_end_ == std::string::npos) return {};
    AddPorts();
    AddHosts();
    AddPaths();
    AddQueries();
    // Where TLS ends at a proxy, more than the scheme is different.
    const std::vector<UrlSpelling> others = list_;
    Add("url_scheme",
        "the provider signs the URL with the other of http and https: public_url must be the URL "
        "as the provider has it, TLS that ends at a proxy included",
        OtherScheme(url_));
    std::rotate(list_.begin(), list_.end() - 1, list_.end());
    for (const UrlSpelling& other : others) Add(other.code, other.text, OtherScheme(other.url));
    return std::move(list_);
  }

 private:
  static std::string OtherScheme(std::string_view url) {
    return absl::StrCat(url.starts_with("https") ? "http" : "https", url.substr(url.find("://")));
  }

  void Add(std::string_view code, std::string_view text, std::string other) {
    if (other != url_) list_.push_back({code, text, std::move(other)});
  }

  std::string_view Header(std::string_view name) const {
    return base::FindHeader(headers_, name).value_or("");
  }
  std::string Front() const { return url_.substr(0, path_); }  // scheme and authority
  std::string Target() const { return url_.substr(path_); }

  void AddPorts() {
    constexpr std::string_view kText =
        "the provider signs the URL with another port, or without one";
    const std::string bare = SpellUrl(UrlVariant::kNoPort, url_).value_or(url_);
    Add("url_port", kText, bare);
    const std::string front = bare.substr(0, PathBegin(bare));
    for (const std::string_view port :
         {Header("X-Forwarded-Port"), std::string_view("443"), std::string_view("80"),
          std::string_view("8443"), std::string_view("8080"), std::string_view("5005")}) {
      if (!port.empty()) Add("url_port", kText, absl::StrCat(front, ":", port, Target()));
    }
  }

  void AddHosts() {
    const std::string forwarded = ForwardedHost(Header("Forwarded"));
    for (const std::string_view host : {Header("Host"), Header("X-Forwarded-Host"),
                                        Header("X-Original-Host"), std::string_view(forwarded)}) {
      const std::string_view first = absl::StripAsciiWhitespace(host.substr(0, host.find(',')));
      if (first.empty()) continue;
      Add("url_host", kHostText, absl::StrCat(url_.substr(0, scheme_end_ + 3), first, Target()));
    }
    const size_t at = url_.rfind('@', path_);
    if (at != std::string::npos && at > scheme_end_) {
      Add("url_userinfo", "the provider signs the URL without its user information",
          absl::StrCat(url_.substr(0, scheme_end_ + 3), url_.substr(at + 1)));
      return;
    }
    const std::string_view host = std::string_view(url_).substr(scheme_end_ + 3);
    Add("url_host", kHostText,
        absl::StrCat(url_.substr(0, scheme_end_ + 3), host.starts_with("www.") ? "" : "www.",
                     host.starts_with("www.") ? host.substr(4) : host));
  }

  void AddPaths() {
    const std::string base = url_.substr(0, query_), parameters = url_.substr(query_);
    Add("url_trailing_slash", "the provider signs the URL with, or without, a slash at its end",
        base.ends_with('/') ? absl::StrCat(base.substr(0, base.size() - 1), parameters)
                            : absl::StrCat(base, "/", parameters));
    Add("url_path", kPathText, absl::StrCat(Front(), "/", Target()));
    std::string single = Target();
    while (absl::StrReplaceAll({{"//", "/"}}, &single) > 0) {
    }
    Add("url_path", kPathText, absl::StrCat(Front(), single));
    for (const char* name : {"X-Original-URI", "X-Original-URL", "X-Forwarded-Uri", "X-Rewrite-URL",
                             "X-Envoy-Original-Path"}) {
      const std::string_view original = Header(name);
      if (original.starts_with('/')) Add("url_path", kPathText, absl::StrCat(Front(), original));
    }
    if (const std::string_view prefix = Header("X-Forwarded-Prefix"); !prefix.empty()) {
      Add("url_path", kPathText, absl::StrCat(Front(), prefix, Target()));
    }
  }

  void AddQueries() {
    for (const UrlVariant variant :
         {UrlVariant::kQuoted, UrlVariant::kLegacyQuery, UrlVariant::kHubspotDecoded}) {
      if (auto other = SpellUrl(variant, url_)) Add("url_escapes", kEscapesText, *other);
    }
    Add("url_escapes", kEscapesText, EscapesInCase(url_, true));
    Add("url_escapes", kEscapesText, EscapesInCase(url_, false));
    Add("url_escapes", kEscapesText, base::PercentDecode(url_).value_or(url_));
    const std::string base = url_.substr(0, query_), parameters = url_.substr(query_);
    Add("url_escapes", kEscapesText,
        absl::StrCat(base, absl::StrReplaceAll(parameters, {{"+", "%20"}})));
    Add("url_escapes", kEscapesText,
        absl::StrCat(base, absl::StrReplaceAll(parameters, {{"%20", "+"}})));
    Add("url_query", "the provider signs the URL without its query", base);
    Add("url_query", "the provider signs the URL with a question mark at its end",
        absl::StrCat(url_, "?"));
    AddOrders();
  }

  void AddOrders() {
    if (query_ + 1 >= url_.size()) return;
    std::vector<std::string_view> fields =
        absl::StrSplit(std::string_view(url_).substr(query_ + 1), '&');
    constexpr std::string_view kText =
        "the provider signs the URL with the parameters of its query in another order";
    const auto add = [&] {
      Add("url_query", kText, absl::StrCat(url_.substr(0, query_ + 1), absl::StrJoin(fields, "&")));
    };
    std::sort(fields.begin(), fields.end());
    add();
    if (fields.size() > kPermutedMax) return;
    while (std::next_permutation(fields.begin(), fields.end())) add();
  }

  const std::string url_;
  const size_t scheme_end_, path_, query_;
  const std::span<const HeaderView> headers_;
  std::vector<UrlSpelling> list_;
};

}  // namespace

std::vector<UrlSpelling> Trials::OtherUrls() const {
  return UrlSpeller(std::string(input_.request.url), input_.request.headers).Spell();
}

}  // namespace convoy::verify
