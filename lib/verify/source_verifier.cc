// Convoy's verifier kinds and providers, translated into schemes.
//
// An HMAC source accepts both of Convoy's forms: the bare signature of the body, and the advanced
// list "t=…,v1=…" over "<t>,<body>". Which of them a value is, its form tells without ambiguity
// ("t=" can begin no hex or base64), and both rest on the same configured secret and hash, so
// nothing that arrives can weaken the check beyond what was configured.
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "convoy/verifier.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/verify/scheme.h"
#include "lib/verify/scheme_verifier.h"

namespace convoy {
namespace {

using verify::Scheme;
using verify::SchemeType;

constexpr absl::Duration kAdvancedTolerance = absl::Seconds(300);

absl::StatusOr<std::shared_ptr<const Verifier>> CompileProvider(const Source& source) {
  const auto* hmac = std::get_if<HmacVerifierConfig>(&source.verifier);
  const std::string_view preset = source.provider == Provider::kGithub    ? "github"
                                  : source.provider == Provider::kShopify ? "shopify"
                                                                          : "twitter";
  if (hmac == nullptr || hmac->secret.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("hmac secret is required for ", preset, " source"));
  }
  return CompilePreset(preset, {hmac->secret});
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompileHmac(const HmacVerifierConfig& config) {
  if (!base::IsHeaderName(config.header)) {
    return absl::InvalidArgumentError("verifier.hmac.header must be a header name");
  }
  Scheme simple;
  simple.name = "simple";
  simple.type = SchemeType::kHmac;
  simple.algorithm = config.hash == Hash::kSha512 ? crypto::HashAlgorithm::kSha512
                                                  : crypto::HashAlgorithm::kSha256;
  simple.encoding = config.encoding == Encoding::kBase64 ? verify::SignatureEncoding::kBase64
                                                         : verify::SignatureEncoding::kHex;
  simple.signature.name = config.header;
  Scheme advanced = simple;
  advanced.name = "advanced";
  advanced.message = "{ts},{body}";
  advanced.signature.list = verify::ListSyntax{.key = "v", .is_key_numbered = true};
  advanced.timestamp = verify::TimestampField{
      .item = "t", .past_max = kAdvancedTolerance, .future_max = kAdvancedTolerance};
  CONVOY_ASSIGN_OR_RETURN(auto by_list, verify::Compile(std::move(advanced), {config.secret}));
  CONVOY_ASSIGN_OR_RETURN(auto by_value, verify::Compile(std::move(simple), {config.secret}));
  return verify::AnyOf({std::move(by_list), std::move(by_value)});
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompileApiKey(const ApiKeyAuth& config) {
  if (!base::IsHeaderName(config.header_name)) {
    return absl::InvalidArgumentError("verifier.api_key.header_name must be a header name");
  }
  Scheme scheme;
  scheme.name = "api_key";
  scheme.type = SchemeType::kToken;
  scheme.signature.name = config.header_name;
  return verify::Compile(std::move(scheme), {config.header_value});
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompileBasic(const BasicAuth& config) {
  // RFC 7617, section 2: the first colon ends the user name.
  if (config.username.find(':') != std::string::npos) {
    return absl::InvalidArgumentError("verifier.basic_auth.username must not hold a colon");
  }
  Scheme scheme;
  scheme.name = "basic_auth";
  scheme.type = SchemeType::kBasic;
  return verify::Compile(std::move(scheme), {absl::StrCat(config.username, ":", config.password)});
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Verifier>> CompileSourceVerifier(const Source& source) {
  if (source.provider != Provider::kNone) return CompileProvider(source);
  if (const auto* hmac = std::get_if<HmacVerifierConfig>(&source.verifier)) {
    return CompileHmac(*hmac);
  }
  if (const auto* basic = std::get_if<BasicAuth>(&source.verifier)) return CompileBasic(*basic);
  if (const auto* key = std::get_if<ApiKeyAuth>(&source.verifier)) return CompileApiKey(*key);
  return verify::Compile(Scheme{.name = "noop"}, {});
}

}  // namespace convoy
