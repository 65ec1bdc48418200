// Compiles each scheme once per process, in the ways in which a host can have it.
#include "tests/fuzz/scheme_catalog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/verify/preset_parameters.h"
#include "lib/verify/preset_verifier.h"
#include "tests/fuzz/finding.h"

namespace convoy::fuzz {
namespace {

// Forms that the engine knows and no preset has, or has only in one combination.
constexpr verify::PresetFile kCustom[] = {
    {"numbered", R"({"type": "hmac", "signature": {"name": "X-Sig-", "numbered": true}})"},
    {"several", R"({"type": "hmac", "alg": "sha512", "encoding": "base64url",
        "signature": {"name": ["X-A", "X-B"], "prefix": "s="}})"},
    {"groups", R"({"type": "hmac", "message": "{ts}.{body}", "timestamp": {"from": "sig:t"},
        "signature": {"name": "X-Sig",
                      "list": {"item_sep": ";", "group_sep": ",", "key_numbered": "v"}}})"},
    {"timestamp_first", R"({"type": "hmac", "alg": "md5", "message": "{ts}:{body}",
        "signature": {"name": "X-Sig", "list": {"item_sep": ",", "timestamp_first": true}},
        "timestamp": {"unit": "ms", "past_s": 60, "future_s": 5}})"},
    {"key_config", R"({"type": "hmac", "event_id": "json:id", "signature": {"name": "X-Sig",
        "list": {"item_sep": "&", "kv_sep": "=", "key_config": "key"}}})"},
    {"envelope",
     R"({"type": "hmac", "signature": {"name": "X-Sig", "envelope": "a.0.signature"}})"},
    {"everything",
     R"({"type": "hmac", "timestamp": {"from": "header:Date", "unit": "http-date"},
        "message": "{method}{path}{query}{target}{url}{url_no_query})"
     R"({sha256hex:body}{sha256base64:body}{sha256base64url:body}{sha256raw:body})"
     R"({crc32:body}{sha256hex:url}[{json_string:json:a}][{header:X-A|lower}]{qsh}{contentful_target}",
        "signature": {"name": "X-Sig"}})"},
    {"signed_headers",
     R"({"type": "hmac", "message": "{signed_headers:X-Signed}{query_sorted}{body}",
        "signature": {"name": "X-Sig"}})"},
    {"other_port",
     R"({"type": "hmac", "message": "{url_other_port}", "signature": {"name": "X-Sig"},
        "timestamp": {"from": "query:at", "unit": "rfc3339"}})"},
    {"form",
     R"({"type": "hmac", "message": "{form_sorted}", "signature": {"in": "form", "name": "sig"},
        "event_id": "form:id"})"},
    {"each", R"({"type": "hmac", "each": "items.*.item", "message": "{item:id}[:{item:n}]",
        "signature": {"in": "json", "name": "sig"}})"},
    {"digest", R"({"type": "digest", "alg": "sha1", "message": "{body_with_secret:json:auth}",
        "signature": {"in": "json", "name": "auth"}})"},
    {"jwt_eddsa",
     R"({"type": "jwt", "jwt": {"algs": ["EdDSA"], "require_exp": true, "max_age_s": 60},
        "key": {"location": {"kind": "jwks", "url": "https://keys.example/{config:tenant}"}},
        "checks": [{"value": "jwt:hash", "equals": "{sha256hex:body}"}],
        "signature": {"name": "Authorization", "prefix": "Bearer "}, "event_id": "jwt:jti"})"},
    {"jwt_hs512", R"({"type": "jwt", "jwt": {"algs": ["HS256", "HS512"], "leeway_s": 10},
        "checks": [{"value": "jwt:qsh", "equals": "{qsh}"}, {"value": "jwt:iss", "equals": "*"}],
        "signature": {"in": "query", "name": "jwt"}})"},
    {"jwt_body", R"({"type": "jwt", "jwt": {"algs": ["ES256"]}, "signature": {"in": "body"},
        "key": {"location": {"kind": "certificate", "url_from": "header:X-Cert",
                             "hosts": ["*.example.com"]}}})"},
    {"ed25519_jwks", R"({"type": "ed25519", "message": "{ts}{body}",
        "timestamp": {"from": "header:X-Time", "enforced": false}, "signature": {"name": "X-Sig"},
        "key": {"location": {"kind": "jwks", "url": "https://keys.example/",
                             "key_id": "header:X-Key"}}})"},
    {"token_each", R"({"type": "token", "signature": {"in": "json", "name": "list.*.token"}})"},
    {"when",
     R"({"type": "token", "when": {"header:X-Version": "2", "query:x": null, "json:kind": "*"},
        "signature": {"in": "query", "name": "token", "prefix": "t:"}})"},
};

uint32_t HashOf(std::string_view text) {  // FNV-1a
  uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

// Texts that follow each `mark` in a preset's text, up to the end of the name.
std::vector<std::string> FindNames(std::string_view json, std::string_view mark) {
  std::vector<std::string> names;
  for (size_t at = json.find(mark); at != json.npos; at = json.find(mark, at)) {
    at += mark.size();
    names.emplace_back(json.substr(at, json.find_first_of("\"}|", at) - at));
  }
  return names;
}

std::vector<std::string> HeadersOf(std::string_view json, const verify::Scheme& scheme) {
  std::vector<std::string> names;
  const auto add = [&names](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  };
  for (const verify::Locator& place : scheme.signature.places) {
    if (place.kind != verify::Locator::Kind::kHeader) continue;
    add(scheme.signature.is_name_numbered ? absl::StrCat(place.name, "1") : place.name);
  }
  if (scheme.type == verify::SchemeType::kBasic) add("Authorization");
  for (const char* mark : {"header:", "signed_headers:"}) {
    for (std::string& name : FindNames(json, mark)) add(std::move(name));
  }
  return names;
}

bool AcceptsAll(const verify::Scheme& scheme) { return scheme.type == verify::SchemeType::kNone; }

}  // namespace

SchemeCatalog::SchemeCatalog(const Sender& sender) : sender_(sender) {
  for (const verify::PresetFile& file : verify::PresetFiles()) {
    const auto preset = verify::LoadPreset(file.json);
    Require(preset.ok(), "every shipped preset can be loaded");
    Add(std::string(file.name), file.json, *preset);
  }
  for (const verify::PresetFile& file : kCustom) {
    const auto preset = verify::LoadDefinition(file.json);
    Require(preset.ok(), "the schemes of this file can be loaded");
    Add(absl::StrCat("custom-", file.name), file.json, *preset);
  }
}

void SchemeCatalog::Add(const std::string& preset_name, std::string_view json,
                        const verify::Preset& preset) {
  for (const verify::Scheme& scheme : preset.schemes) {
    SchemeCase made = MakeCase(preset_name, json, preset, scheme);
    while (cases_.contains(HashOf(made.name))) made.name += "'";  // schemes may share a name
    cases_.emplace(HashOf(made.name), std::move(made));
  }
}

SchemeCase SchemeCatalog::MakeCase(const std::string& preset_name, std::string_view json,
                                   const verify::Preset& preset,
                                   const verify::Scheme& scheme) const {
  SchemeCase made{.name = absl::StrCat(preset_name, "/", scheme.name), .scheme = scheme};
  made.has_open_sibling = std::any_of(preset.schemes.begin(), preset.schemes.end(), AcceptsAll);
  made.headers = HeadersOf(json, scheme);
  const auto names = verify::ParametersOf(scheme);
  Require(names.ok(), made.name + " says which parameters it needs");
  for (const auto& set : {names->needed, names->used}) {
    for (const std::string& name : set) made.parameters[name] = "cfg";
  }
  VerifierSettings settings{.parameters = {made.parameters.begin(), made.parameters.end()}};
  verify::Preset only = preset;
  only.schemes = {scheme};
  only.schemes.front().is_opt_in = false;
  if (scheme.key.location.has_value()) {
    made.published = verify::CompilePresetVerifier(only, settings, sender_.key_source()).value();
  }
  settings.secrets = {sender_.SecretFor(scheme)};
  const auto alone = verify::CompilePresetVerifier(only, settings);
  Require(alone.ok(), made.name + " compiles with a secret in its format");
  made.alone = *alone;
  const auto whole = preset_name.starts_with("custom-") ? CompileScheme(json, settings)
                                                        : CompilePreset(preset_name, settings);
  if (whole.ok()) made.preset = *whole;
  return made;
}

const SchemeCase& SchemeCatalog::Select(uint32_t number) const {
  const auto found = cases_.lower_bound(number);
  return found == cases_.end() ? cases_.begin()->second : found->second;
}

}  // namespace convoy::fuzz
