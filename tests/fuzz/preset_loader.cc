// The strict loader of presets and schemes, and what it lets through: a definition that loads must
// refuse unknown fields, and one that compiles must accept nothing without its secret.
//
// Input: JSON.
#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/json/document.h"
#include "lib/verify/preset_parameters.h"
#include "lib/verify/preset_verifier.h"
#include "lib/verify/scheme_loader.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/sender.h"

namespace convoy::fuzz {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'750'000'000);

void CheckError(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument ||
              status.code() == absl::StatusCode::kOutOfRange,
          "a definition that is wrong is the caller's mistake");
  Require(!status.message().empty() && base::IsValidUtf8(status.message()), "errors are texts");
}

// With one field more at its end a definition is refused, for that field's sake.
void CheckIsRefusedWith(std::string_view definition, std::string_view field) {
  const size_t brace = definition.rfind('}');
  const std::string changed = absl::StrCat(definition.substr(0, brace), ", \"", field, "\": null",
                                           definition.substr(brace));
  const auto loaded = verify::LoadDefinition(changed);
  Require(!loaded.ok(), "a field that is unknown or given twice is refused");
  const std::string_view message = loaded.status().message();
  const bool is_at_limit =
      absl::StrContains(message, "more than") || absl::StrContains(message, "larger than");
  Require(is_at_limit || absl::StrContains(message, field), "a wrong field is refused by name");
}

bool MayAcceptAnything(const verify::Preset& preset, std::string_view scheme_name) {
  return std::any_of(preset.schemes.begin(), preset.schemes.end(), [&](const auto& scheme) {
    return scheme.name == scheme_name && scheme.type == verify::SchemeType::kNone;
  });
}

// Sends what the scheme looks for, with a signature that is none.
void Forge(const Sender& sender, const verify::Preset& preset, const verify::Scheme& scheme,
           const Verifier& verifier) {
  const std::string dummy = sender.Dummy(scheme);
  std::string value = scheme.signature.prefix + dummy;
  if (const auto& list = scheme.signature.list; list.has_value()) {
    const std::string separator(1, list->item_separator), equals(1, list->key_separator);
    value = absl::StrCat("t", equals, "1750000000", separator, list->key,
                         list->is_key_numbered ? "1" : "", equals, value);
  }
  std::string text = R"({"id": 1, "items": [{}]})";
  std::string query = "x=1";
  std::vector<HeaderView> headers = {{"Authorization", "Basic dTp3cm9uZw=="}};
  for (const verify::Locator& place : scheme.signature.places) {
    headers.push_back({place.name, value});
    query = absl::StrCat(place.name, "=", value);
  }
  if (scheme.timestamp.has_value() && scheme.timestamp->from.has_value()) {
    headers.push_back({scheme.timestamp->from->name, "1750000000"});
  }
  for (const std::string_view body : {std::string_view(text), std::string_view(query)}) {
    const VerifyRequest request{.method = "POST",
                                .url = "https://example.com/a?x=1",
                                .path = "/a",
                                .query = query,
                                .headers = headers,
                                .body = body};
    const Verdict verdict = verifier.Verify(request, kNow);
    Require(!verdict.accepted() || MayAcceptAnything(preset, verdict.scheme),
            "nothing is accepted without the secret");
    verifier.EventId(request);
    verifier.AnswerChallenge(request, kNow);
  }
}

void Compile(const Sender& sender, const verify::Preset& preset) {
  for (const verify::Scheme& scheme : preset.schemes) {
    VerifierSettings settings{.scheme = scheme.name};
    if (const auto names = verify::ParametersOf(scheme); names.ok()) {
      for (const std::string& name : names->needed) settings.parameters[name] = "cfg";
    }
    const std::string dummy_secret = sender.SecretFor(scheme);
    for (const bool has_secret : {true, false}) {
      settings.secrets.clear();
      if (has_secret) settings.secrets = {dummy_secret};
      const auto verifier = verify::CompilePresetVerifier(preset, settings, sender.key_source());
      if (verifier.ok()) {
        Forge(sender, preset, scheme, **verifier);
      } else {
        Require(verifier.status().message().find(dummy_secret) == std::string::npos,
                "no error holds a secret");
      }
    }
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace convoy;
  static const fuzz::Sender sender;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto preset = verify::LoadDefinition(text);
  if (!preset.ok()) {
    fuzz::CheckError(preset.status());
    return 0;
  }
  fuzz::CheckIsRefusedWith(text, "zz_typo");
  const bool is_preset = json::Parse(text, verify::kSchemeLimits)->HasMember("schemes");
  fuzz::CheckIsRefusedWith(text, is_preset ? "schemes" : "type");
  fuzz::Compile(sender, *preset);
  return 0;
}
