// The public face of verification: names, and compiling by scheme or preset.
#include "convoy/verifier.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/verify/presets.h"
#include "lib/verify/scheme.h"
#include "lib/verify/scheme_verifier.h"

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

absl::StatusOr<std::shared_ptr<const Verifier>> CompileScheme(std::string_view scheme_json,
                                                              std::vector<std::string> secrets) {
  CONVOY_ASSIGN_OR_RETURN(verify::Scheme scheme, verify::ParseScheme(scheme_json));
  return verify::Compile(std::move(scheme), std::move(secrets));
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompilePreset(std::string_view preset,
                                                              std::vector<std::string> secrets) {
  const verify::Preset* found = verify::FindPreset(preset);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no preset called '", preset, "'"));
  }
  return CompileScheme(found->scheme, std::move(secrets));
}

std::vector<PresetInfo> ListPresets() {
  std::vector<PresetInfo> list;
  for (const verify::Preset& preset : verify::Presets()) {
    list.push_back({.name = preset.name, .evidence = preset.evidence});
  }
  return list;
}

}  // namespace convoy
