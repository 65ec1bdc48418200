// Convoy's verifier kinds and providers, translated into schemes.
//
// An HMAC source accepts both of Convoy's forms: the bare signature of the body, and the advanced
// list "t=…,v1=…" over "<t>,<body>". Which of them a value is, its form tells without ambiguity
// ("t=" can begin no hex or base64), and both rest on the same configured secret and hash, so
// nothing that arrives can weaken the check beyond what was configured.
#include "lib/verify/source_verifier.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "convoy/verifier.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/verify/preset_verifier.h"

namespace convoy {
namespace {

using verify::Locator;
using verify::Preset;
using verify::Scheme;
using verify::SchemeType;

using verify::SourceDefinition;
using Compiled = absl::StatusOr<std::shared_ptr<const Verifier>>;
using Defined = absl::StatusOr<SourceDefinition>;

constexpr absl::Duration kAdvancedTolerance = absl::Seconds(300);

Defined DefineProvider(const Source& source) {
  const auto* hmac = std::get_if<HmacVerifierConfig>(&source.verifier);
  const std::string_view name = source.provider == Provider::kGithub    ? "github"
                                : source.provider == Provider::kShopify ? "shopify"
                                                                        : "twitter";
  if (hmac == nullptr || hmac->secret.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("hmac secret is required for ", name, " source"));
  }
  CONVOY_ASSIGN_OR_RETURN(Preset preset, verify::FindPreset(name));
  return SourceDefinition{std::move(preset), {.secrets = {hmac->secret}}};
}

Defined DefineHmac(const HmacVerifierConfig& config) {
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
  simple.signature.places = {{Locator::Kind::kHeader, config.header}};
  Scheme advanced = simple;
  advanced.name = "advanced";
  advanced.message = "{ts},{body}";
  advanced.signature.list = verify::ListSyntax{.key = "v", .is_key_numbered = true};
  advanced.timestamp = verify::TimestampField{.from = Locator{Locator::Kind::kSignatureItem, "t"},
                                              .past_max = kAdvancedTolerance,
                                              .future_max = kAdvancedTolerance};
  return SourceDefinition{{.schemes = {std::move(advanced), std::move(simple)}},
                          {.secrets = {config.secret}}};
}

Defined DefineApiKey(const ApiKeyAuth& config) {
  if (!base::IsHeaderName(config.header_name)) {
    return absl::InvalidArgumentError("verifier.api_key.header_name must be a header name");
  }
  Scheme scheme;
  scheme.name = "api_key";
  scheme.type = SchemeType::kToken;
  scheme.signature.places = {{Locator::Kind::kHeader, config.header_name}};
  return SourceDefinition{{.schemes = {std::move(scheme)}}, {.secrets = {config.header_value}}};
}

Defined DefineBasic(const BasicAuth& config) {
  // RFC 7617, section 2: the first colon ends the user name.
  if (config.username.find(':') != std::string::npos) {
    return absl::InvalidArgumentError("verifier.basic_auth.username must not hold a colon");
  }
  Scheme scheme;
  scheme.name = "basic_auth";
  scheme.type = SchemeType::kBasic;
  return SourceDefinition{{.schemes = {std::move(scheme)}},
                          {.secrets = {absl::StrCat(config.username, ":", config.password)}}};
}

Defined DefineScheme(const SchemeVerifierConfig& config) {
  absl::StatusOr<Preset> preset = config.preset.empty() ? verify::LoadDefinition(config.definition)
                                                        : verify::FindPreset(config.preset);
  if (!preset.ok()) return preset.status();
  return SourceDefinition{
      *std::move(preset),
      {.secrets = config.secrets, .parameters = config.parameters, .scheme = config.scheme}};
}

}  // namespace

Defined verify::DefineSource(const Source& source) {
  if (source.provider != Provider::kNone) return DefineProvider(source);
  if (const auto* hmac = std::get_if<HmacVerifierConfig>(&source.verifier)) {
    return DefineHmac(*hmac);
  }
  if (const auto* basic = std::get_if<BasicAuth>(&source.verifier)) return DefineBasic(*basic);
  if (const auto* key = std::get_if<ApiKeyAuth>(&source.verifier)) return DefineApiKey(*key);
  if (const auto* scheme = std::get_if<SchemeVerifierConfig>(&source.verifier)) {
    return DefineScheme(*scheme);
  }
  return SourceDefinition{{.schemes = {Scheme{.name = "noop"}}}, {}};
}

verify::Credentials verify::CredentialsOf(const Source& source) {
  Credentials all;
  const Defined defined = DefineSource(source);
  if (!defined.ok()) return all;
  for (const Scheme& scheme : defined->preset.schemes) {
    if (scheme.type == SchemeType::kBasic) all.headers.emplace_back("Authorization");
    if (scheme.type != SchemeType::kToken) continue;
    for (const Locator& place : scheme.signature.places) {
      if (place.kind == Locator::Kind::kHeader) all.headers.push_back(place.name);
      if (place.kind == Locator::Kind::kQuery) all.query_parameters.push_back(place.name);
    }
  }
  return all;
}

Compiled verify::CompileForSource(const Source& source, std::shared_ptr<KeySource> keys) {
  CONVOY_ASSIGN_OR_RETURN(const SourceDefinition defined, DefineSource(source));
  return CompilePresetVerifier(defined.preset, defined.settings, std::move(keys));
}

Compiled CompileSourceVerifier(const Source& source) {
  return verify::CompileForSource(source, nullptr);
}

}  // namespace convoy
