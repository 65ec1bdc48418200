// Public interface of verification: names, and compiling by scheme or preset.
#include "convoy/verifier.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/verify/explain.h"
#include "lib/verify/guarantees.h"
#include "lib/verify/preset.h"
#include "lib/verify/preset_parameters.h"
#include "lib/verify/preset_verifier.h"
#include "lib/verify/source_verifier.h"

namespace convoy {

std::string_view VerifyReasonName(VerifyReason reason) {
  switch (reason) {
    case VerifyReason::kAccepted:
      return "accepted";
    case VerifyReason::kMissingHeader:
      return "missing_header";
    case VerifyReason::kMalformed:
      return "malformed";
    case VerifyReason::kUnknownKey:
      return "unknown_key";
    case VerifyReason::kSignatureMismatch:
      return "signature_mismatch";
    case VerifyReason::kTooOld:
      return "too_old";
    case VerifyReason::kTooFarInFuture:
      return "too_far_in_future";
    case VerifyReason::kReplayed:
      return "replayed";
    case VerifyReason::kKeyUnavailable:
      break;
  }
  return "key_unavailable";
}

std::string_view IntegrityName(Integrity integrity) {
  switch (integrity) {
    case Integrity::kFull:
      return "full";
    case Integrity::kPartial:
      return "partial";
    case Integrity::kNone:
      break;
  }
  return "none";
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompileScheme(std::string_view json,
                                                              VerifierSettings settings) {
  CONVOY_ASSIGN_OR_RETURN(const verify::Preset preset, verify::LoadDefinition(json));
  return verify::CompilePresetVerifier(preset, settings);
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompileScheme(std::string_view json,
                                                              std::vector<std::string> secrets) {
  return CompileScheme(json, VerifierSettings{.secrets = std::move(secrets)});
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompilePreset(std::string_view name,
                                                              VerifierSettings settings) {
  CONVOY_ASSIGN_OR_RETURN(const verify::Preset preset, verify::FindPreset(name));
  return verify::CompilePresetVerifier(preset, settings);
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompilePreset(std::string_view name,
                                                              std::vector<std::string> secrets) {
  return CompilePreset(name, VerifierSettings{.secrets = std::move(secrets)});
}

absl::StatusOr<std::string> ExplainScheme(std::string_view json, const VerifierSettings& settings,
                                          const VerifyRequest& request, absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const verify::Preset preset, verify::LoadDefinition(json));
  return verify::ToJson(
      verify::Explain({.preset = preset, .settings = settings, .request = request, .now = now}));
}

absl::StatusOr<std::string> ExplainPreset(std::string_view name, const VerifierSettings& settings,
                                          const VerifyRequest& request, absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const verify::Preset preset, verify::FindPreset(name));
  return verify::ToJson(
      verify::Explain({.preset = preset, .settings = settings, .request = request, .now = now}));
}

absl::StatusOr<std::string> ExplainSource(const Source& source, const VerifyRequest& request,
                                          absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const verify::SourceDefinition defined, verify::DefineSource(source));
  return verify::ToJson(verify::Explain(
      {.preset = defined.preset, .settings = defined.settings, .request = request, .now = now}));
}

std::vector<PresetInfo> ListPresets() {
  std::vector<PresetInfo> list;
  for (const verify::PresetFile& file : verify::PresetFiles()) {
    const absl::StatusOr<verify::Preset> preset = verify::LoadPreset(file.json);
    if (!preset.ok()) continue;  // a test sees to it that there are none
    PresetInfo info{.name = std::string(file.name),
                    .title = preset->title,
                    .handshake = preset->handshake,
                    .evidence = preset->evidence,
                    .sources = preset->sources,
                    .tenant = preset->tenant};
    for (const verify::Scheme& scheme : preset->schemes) info.schemes.push_back(scheme.name);
    if (const auto names = verify::ParametersOf(*preset); names.ok()) {
      info.parameters_needed.assign(names->needed.begin(), names->needed.end());
      info.parameters_used.assign(names->used.begin(), names->used.end());
    }
    if (const auto known = verify::GuaranteesOf(*preset, {}, false); known.ok()) {
      info.integrity = known->integrity;
      info.replay_window = known->replay_window;
    }
    list.push_back(std::move(info));
  }
  return list;
}

}  // namespace convoy
