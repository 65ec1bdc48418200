// Each spelling is one mistake that people make, with the sentence that tells it.
#include "lib/verify/explain_trials.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/verify/conditions.h"
#include "lib/verify/preset_parameters.h"
#include "lib/verify/preset_verifier.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/time_window.h"
#include "lib/verify/url_variants.h"

namespace convoy::verify {
namespace {

constexpr uint64_t kBytesMax = 128 * 1024 * 1024;
constexpr uint32_t kTrialsMax = 4000;

bool IsRight(VerifyReason reason) {
  return reason == VerifyReason::kAccepted || reason == VerifyReason::kTooOld ||
         reason == VerifyReason::kTooFarInFuture;
}

bool Applies(const ExplainInput& input, const Scheme& scheme) {
  const Parameters parameters(input.settings.parameters.begin(), input.settings.parameters.end());
  body::BodyView body(input.request.headers, input.request.body);
  const Evidence evidence{.request = input.request, .parameters = parameters, .body = body};
  const auto when = Conditions::Compile(scheme.when);
  return when.ok() && when->Evaluate(evidence) == VerifyReason::kAccepted;
}

bool HasSharedSecret(const Scheme& scheme) {
  return scheme.type == SchemeType::kHmac || scheme.type == SchemeType::kDigest ||
         scheme.type == SchemeType::kToken ||
         (scheme.type == SchemeType::kJwt && scheme.jwt.algorithms.front().starts_with("HS"));
}

}  // namespace

Trials::Trials(const ExplainInput& input)
    : input_(input), bytes_left_(kBytesMax), trials_left_(kTrialsMax) {
  for (const Scheme& scheme : input.preset.schemes) {
    const std::string& wanted = input.settings.scheme;
    const bool is_wanted = wanted.empty() ? !scheme.is_opt_in : scheme.name == wanted;
    if (is_wanted && Applies(input, scheme)) schemes_.push_back(scheme);
  }
}

bool Trials::Try(const Preset& preset, const std::vector<std::string>& secrets,
                 const VerifyRequest& request) {
  const uint64_t cost = (request.body.size() + 1024) * (secrets.size() + 1);
  if (trials_left_ == 0 || cost > bytes_left_) return false;
  --trials_left_;
  bytes_left_ -= cost;
  VerifierSettings settings{.secrets = secrets};
  const auto names = ParametersOf(preset);
  for (const auto& [name, value] : input_.settings.parameters) {
    const bool is_known =
        names.ok() && (names->needed.contains(name) || names->used.contains(name));
    if (is_known) settings.parameters.emplace(name, value);
  }
  const auto verifier = CompilePresetVerifier(preset, settings, input_.keys);
  return verifier.ok() && IsRight((*verifier)->Verify(request, input_.now).reason);
}

bool Trials::TryScheme(const Scheme& scheme, const std::vector<std::string>& secrets,
                       const VerifyRequest& request) {
  Preset alone;
  alone.schemes.push_back(scheme);
  alone.schemes.front().is_opt_in = false;
  return Try(alone, secrets, request);
}

bool Trials::Passes(const Scheme& scheme) {
  return TryScheme(scheme, input_.settings.secrets, input_.request);
}

bool Trials::Passes(const Scheme& scheme, const std::string& secret) {
  return TryScheme(scheme, {secret}, input_.request);
}

bool Trials::Passes(const Scheme& scheme, const std::vector<HeaderView>& headers) {
  VerifyRequest request = input_.request;
  request.headers = headers;
  return TryScheme(scheme, input_.settings.secrets, request);
}

bool Trials::PassesUrl(const Scheme& scheme, const std::string& url) {
  VerifyRequest request = input_.request;
  request.url = url;
  const std::string_view target = request.url.substr(PathBegin(request.url));
  const size_t query = std::min(target.find('?'), target.size());
  request.path = target.substr(0, query);
  request.query = target.substr(std::min(query + 1, target.size()));
  return TryScheme(scheme, input_.settings.secrets, request);
}

bool Trials::PassesBody(const Scheme& scheme, const std::string& body) {
  VerifyRequest request = input_.request;
  request.body = body;
  return TryScheme(scheme, input_.settings.secrets, request);
}

bool Trials::PassesOtherScheme(std::vector<Cause>* causes) {
  for (const Scheme& scheme : input_.preset.schemes) {
    const std::string& wanted = input_.settings.scheme;
    const bool takes_part = wanted.empty() ? !scheme.is_opt_in : scheme.name == wanted;
    if (takes_part || scheme.type == SchemeType::kNone || !Passes(scheme)) continue;
    causes->push_back({"other_scheme", absl::StrCat("the request is signed by the scheme ",
                                                    scheme.name, ", which is not chosen here")});
    return true;
  }
  return false;
}

bool Trials::PassesAs(const Preset& preset) {
  return Try(preset, input_.settings.secrets, input_.request);
}

bool Trials::HasSignatureOf(const Scheme& scheme) const {
  const bool is_secret = scheme.type != SchemeType::kNone && scheme.type != SchemeType::kBasic;
  return is_secret &&
         std::any_of(scheme.signature.places.begin(), scheme.signature.places.end(),
                     [&](const Locator& place) {
                       return place.kind == Locator::Kind::kHeader &&
                              base::FindHeader(input_.request.headers, place.name).has_value();
                     });
}

bool Trials::UsesUrl(const Scheme& scheme) const {
  const auto looks = [](std::string_view text) {
    return absl::StrContains(text, "url") || absl::StrContains(text, "{target}") ||
           absl::StrContains(text, "{path}") || absl::StrContains(text, "query") ||
           absl::StrContains(text, "_target}");
  };
  return looks(scheme.message) ||
         std::any_of(scheme.checks.begin(), scheme.checks.end(),
                     [&](const Condition& check) { return looks(check.expected); });
}

bool Trials::IsTimestampOfOtherUnit(const TimestampField& field, std::string_view text) const {
  const auto is_near = [&](TimeUnit unit) {
    const auto at = ParseTimestamp(unit, text);
    return at.has_value() && absl::AbsDuration(input_.now - *at) < absl::Hours(24 * 366);
  };
  if (is_near(field.unit)) return false;
  return is_near(TimeUnit::kSeconds) || is_near(TimeUnit::kMilliseconds) ||
         is_near(TimeUnit::kRfc3339) || is_near(TimeUnit::kHttpDate);
}

std::vector<SecretSpelling> Trials::OtherSecrets(const Scheme& scheme) const {
  std::vector<SecretSpelling> list;
  if (!HasSharedSecret(scheme)) return list;
  const auto add = [&](std::string_view code, std::string_view text, std::string secret,
                       std::optional<KeyFormat> format = std::nullopt) {
    list.push_back({code, text, std::move(secret), format});
  };
  for (const std::string& given : input_.settings.secrets) {
    const std::string secret(TrimSecret(given));
    const bool is_quoted = secret.size() > 2 && secret.front() == secret.back() &&
                           (secret.front() == '"' || secret.front() == '\'');
    if (is_quoted) {
      add("secret_quoted", "the secret was configured with quotation marks around it",
          secret.substr(1, secret.size() - 2));
    }
    for (const std::string_view prefix :
         {"whsec_", "v1,whsec_", "Bearer ", "Basic ", "Token ", "sha256=", "secret=", "key="}) {
      if (!absl::StartsWithIgnoreCase(secret, prefix)) continue;
      add("secret_prefix", "the secret was configured with a prefix that is not part of it",
          secret.substr(prefix.size()), KeyFormat::kText);
    }
    constexpr std::string_view kDecoded =
        "the provider uses the secret as the text that it is, not what it decodes to";
    add("secret_not_decoded", kDecoded, secret, KeyFormat::kText);
    add("secret_base64", "the key is what the secret decodes to as base64", secret,
        KeyFormat::kBase64);
    if (const size_t prefix = secret.find('_'); prefix != std::string::npos) {
      add("secret_base64", "the key is what the secret decodes to as base64, behind its prefix",
          secret.substr(prefix + 1), KeyFormat::kBase64);
      add("secret_prefix", "the secret was configured with a prefix that is not part of it",
          secret.substr(prefix + 1), KeyFormat::kText);
    }
    add("secret_hex", "the key is what the secret decodes to as hex", secret, KeyFormat::kHex);
    add("secret_prefix", "the prefix whsec_ is part of the provider's secret",
        absl::StrCat("whsec_", secret), KeyFormat::kText);
    add("secret_encoded", "the secret was configured decoded: the key is its base64",
        base::Base64Encode(secret), KeyFormat::kText);
    add("secret_encoded", "the secret was configured decoded: the key is its hex",
        base::HexEncode(secret), KeyFormat::kText);
    add("secret_case", "the secret was configured in another case", absl::AsciiStrToLower(secret));
    add("secret_case", "the secret was configured in another case", absl::AsciiStrToUpper(secret));
    add("secret_percent", "the secret was configured percent-encoded", base::FormDecode(secret));
    for (const std::string_view end : {"\n", "\r\n", " "}) {
      add("secret_newline", "the provider's secret ends with a line break or a space",
          absl::StrCat(secret, end), KeyFormat::kText);
    }
    if (const size_t colon = secret.find_first_of(":="); colon != std::string::npos) {
      add("secret_prefix", "the secret was configured with its name before it",
          std::string(TrimSecret(secret.substr(colon + 1))));
    }
  }
  for (const std::string& known : input_.preset.test_secrets) {
    add("test_secret", "the request is a test that the provider signs with a published key", known);
  }
  for (const auto& [name, value] : input_.settings.parameters) {
    add("secret_swapped", "the secret and a setting of the scheme were configured for each other",
        value);
  }
  return list;
}

std::vector<UrlSpelling> Trials::OtherUrls() const {
  std::vector<UrlSpelling> list;
  const std::string url(input_.request.url);
  const auto add = [&](std::string_view code, std::string_view text, std::string other) {
    if (other != url) list.push_back({std::string(code), std::string(text), std::move(other)});
  };
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return list;
  const size_t path = PathBegin(url);
  const std::string rest = url.substr(scheme_end), target = url.substr(path);
  constexpr std::string_view kScheme =
      "the provider signs the URL with the other of http and https: public_url must be the URL as "
      "the provider has it, TLS that ends at a proxy included";
  add("url_scheme", kScheme, absl::StrCat(url.starts_with("https") ? "http" : "https", rest));
  for (const UrlVariant variant : {UrlVariant::kNoPort, UrlVariant::kDefaultPort}) {
    if (auto other = SpellUrl(variant, url)) {
      add("url_port", "the provider signs the URL with, or without, its port", *other);
    }
  }
  for (const UrlVariant variant :
       {UrlVariant::kQuoted, UrlVariant::kLegacyQuery, UrlVariant::kHubspotDecoded}) {
    if (auto other = SpellUrl(variant, url)) {
      add("url_escapes", "the provider signs the URL with other escapes", *other);
    }
  }
  const size_t query = std::min(url.find('?'), url.size());
  const std::string base = url.substr(0, query), parameters = url.substr(query);
  add("url_trailing_slash", "the provider signs the URL with, or without, a slash at its end",
      base.ends_with('/') ? absl::StrCat(base.substr(0, base.size() - 1), parameters)
                          : absl::StrCat(base, "/", parameters));
  add("url_query", "the provider signs the URL without its query", base);
  add("url_query", "the provider signs the URL with a question mark at its end",
      absl::StrCat(url, "?"));
  const size_t at = url.rfind('@', path);
  if (at != std::string::npos && at > scheme_end) {
    add("url_userinfo", "the provider signs the URL without its user information",
        absl::StrCat(url.substr(0, scheme_end + 3), url.substr(at + 1)));
  }
  constexpr std::string_view kHost =
      "the provider signs the URL with the host that it calls: public_url has another one";
  for (const char* name : {"Host", "X-Forwarded-Host", "X-Original-Host"}) {
    const auto host = base::FindHeader(input_.request.headers, name);
    if (!host.has_value()) continue;
    for (const std::string_view scheme : {"https://", "http://"}) {
      add("url_host", kHost, absl::StrCat(scheme, *host, target));
    }
  }
  constexpr std::string_view kPath =
      "the provider signs the path that it calls, and a proxy changes it on the way";
  for (const char* name : {"X-Original-URI", "X-Original-URL", "X-Forwarded-Uri", "X-Rewrite-URL",
                           "X-Envoy-Original-Path"}) {
    const auto original = base::FindHeader(input_.request.headers, name);
    if (!original.has_value() || !original->starts_with('/')) continue;
    add("url_path", kPath, absl::StrCat(url.substr(0, path), *original));
  }
  if (const auto prefix = base::FindHeader(input_.request.headers, "X-Forwarded-Prefix")) {
    add("url_path", kPath, absl::StrCat(url.substr(0, path), *prefix, target));
  }
  return list;
}

std::vector<SchemeSpelling> Trials::OtherSignatures(const Scheme& scheme) const {
  using crypto::HashAlgorithm;
  std::vector<SchemeSpelling> list;
  if (!scheme.signature.prefix.empty()) {
    Scheme other = scheme;
    other.signature.prefix.clear();
    list.push_back({"prefix_missing",
                    absl::StrCat("the signature lacks the prefix ", scheme.signature.prefix),
                    std::move(other)});
  }
  const bool is_mac = scheme.type == SchemeType::kHmac || scheme.type == SchemeType::kDigest;
  if (!is_mac) return list;
  constexpr std::pair<HashAlgorithm, std::string_view> kAlgorithms[] = {
      {HashAlgorithm::kSha256, "SHA-256"},
      {HashAlgorithm::kSha1, "SHA-1"},
      {HashAlgorithm::kSha512, "SHA-512"},
      {HashAlgorithm::kMd5, "MD5"}};
  constexpr std::pair<SignatureEncoding, std::string_view> kEncodings[] = {
      {SignatureEncoding::kHex, "hex"},
      {SignatureEncoding::kBase64, "base64"},
      {SignatureEncoding::kBase64Url, "base64url"}};
  for (const auto& [algorithm, algorithm_name] : kAlgorithms) {
    for (const auto& [encoding, encoding_name] : kEncodings) {
      const bool is_same_algorithm = algorithm == scheme.algorithm;
      if (is_same_algorithm && encoding == scheme.encoding) continue;
      Scheme other = scheme;
      other.algorithm = algorithm;
      other.encoding = encoding;
      list.push_back({is_same_algorithm ? "signature_encoding" : "signature_algorithm",
                      absl::StrCat("the signature is made with ", algorithm_name,
                                   " and written as ", encoding_name),
                      other});
      // The algorithm's name is often the prefix: sha1= where sha256= is expected.
      for (const std::string_view prefix : {"", "sha1=", "sha256=", "sha512=", "v1=", "v0="}) {
        if (scheme.signature.prefix == prefix) continue;
        other.signature.prefix = prefix;
        list.push_back({list.back().code, list.back().text, other});
      }
    }
  }
  for (const std::string_view prefix : {"sha1=", "sha256=", "sha512=", "v1=", "v0=", "Bearer "}) {
    if (scheme.signature.prefix == prefix) continue;
    Scheme other = scheme;
    other.signature.prefix = prefix;
    list.push_back({"prefix_unexpected",
                    absl::StrCat("the signature has a prefix that the scheme does not: ", prefix),
                    std::move(other)});
  }
  return list;
}

std::vector<HeaderSpelling> Trials::OtherHeaders(const Scheme& scheme) {
  std::vector<HeaderSpelling> list;
  std::vector<std::pair<size_t, std::string>> changes;
  for (size_t i = 0; i < input_.request.headers.size(); ++i) {
    const HeaderView& header = input_.request.headers[i];
    const bool is_signature = std::any_of(scheme.signature.places.begin(),
                                          scheme.signature.places.end(), [&](const Locator& place) {
                                            return place.kind == Locator::Kind::kHeader &&
                                                   base::EqualsIgnoreCase(place.name, header.name);
                                          });
    if (!is_signature) continue;
    changes.emplace_back(i, absl::StrReplaceAll(header.value, {{" ", "+"}}));
    changes.emplace_back(i, base::PercentDecode(header.value).value_or(""));
    changes.emplace_back(i, absl::StrReplaceAll(header.value, {{"\"", ""}, {"'", ""}}));
    changes.emplace_back(i, absl::StrCat(header.value, "="));
    changes.emplace_back(i, absl::StrCat(header.value, "=="));
  }
  values_.reserve(values_.size() + changes.size());
  for (auto& [index, value] : changes) {
    if (value == input_.request.headers[index].value || value.empty()) continue;
    values_.push_back(std::move(value));
    std::vector<HeaderView> headers(input_.request.headers.begin(), input_.request.headers.end());
    headers[index].value = values_.back();
    list.push_back({"signature_mangled",
                    absl::StrCat("the header ", headers[index].name,
                                 " was changed on the way (escapes, spaces, quotes or padding)"),
                    std::move(headers)});
  }
  return list;
}

std::vector<std::string> Trials::OtherMessages() const {
  std::vector<std::string> list = {
      "{body}", "{url}{body}",         "{body}{url}",     "{url}{form_sorted}",
      "{url}",  "{method}{url}{body}", "{sha256hex:body}"};
  std::vector<std::string> times, ids;
  for (const HeaderView& header : input_.request.headers) {
    if (!base::IsHeaderName(header.name)) continue;
    const std::string name = absl::AsciiStrToLower(header.name);
    if (absl::StrContains(name, "timestamp") || absl::StrContains(name, "date") ||
        absl::StrContains(name, "time")) {
      times.push_back(absl::StrCat("{header:", header.name, "}"));
    }
    if (name.ends_with("-id") || name.ends_with("nonce")) {
      ids.push_back(absl::StrCat("{header:", header.name, "}"));
    }
  }
  times.push_back("{sig:t}");
  for (const std::string& time : times) {
    for (const std::string_view glue : {".", ":", "", ",", "\n", "|"}) {
      list.push_back(absl::StrCat(time, glue, "{body}"));
      list.push_back(absl::StrCat("{body}", glue, time));
    }
    list.push_back(absl::StrCat("v0:", time, ":{body}"));
    list.push_back(absl::StrCat("{method}{url}{body}", time));
    for (const std::string& id : ids) {
      list.push_back(absl::StrCat(id, ".", time, ".{body}"));
      list.push_back(absl::StrCat(id, time, "{body}"));
    }
  }
  return list;
}

}  // namespace convoy::verify
