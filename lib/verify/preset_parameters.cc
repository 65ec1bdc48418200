// Collects the names from every template and locator of a preset.
#include "lib/verify/preset_parameters.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/status_macros.h"
#include "lib/verify/conditions.h"
#include "lib/verify/message_template.h"

namespace convoy::verify {
namespace {

absl::Status AddTemplate(const std::string& text, std::set<std::string>* out) {
  CONVOY_ASSIGN_OR_RETURN(const MessageTemplate compiled, MessageTemplate::Compile(text));
  compiled.AddParameters(out);
  return absl::OkStatus();
}

absl::Status AddConditions(const std::vector<Condition>& list, std::set<std::string>* needed,
                           std::set<std::string>* used) {
  CONVOY_ASSIGN_OR_RETURN(const Conditions compiled, Conditions::Compile(list));
  compiled.AddParameters(needed, used);
  return absl::OkStatus();
}

absl::Status AddChallenge(const Challenge& challenge, std::set<std::string>* out) {
  CONVOY_RETURN_IF_ERROR(AddConditions(challenge.when, out, out));
  CONVOY_RETURN_IF_ERROR(AddTemplate(challenge.body, out));
  for (const auto& [name, value] : challenge.headers) {
    CONVOY_RETURN_IF_ERROR(AddTemplate(value, out));
  }
  return challenge.computed.has_value() ? AddTemplate(challenge.computed->message, out)
                                        : absl::OkStatus();
}

}  // namespace

absl::StatusOr<ParameterNames> ParametersOf(const Scheme& scheme) {
  ParameterNames names;
  CONVOY_RETURN_IF_ERROR(AddTemplate(scheme.message, &names.needed));
  CONVOY_RETURN_IF_ERROR(AddConditions(scheme.checks, &names.needed, &names.used));
  CONVOY_RETURN_IF_ERROR(AddConditions(scheme.when, &names.used, &names.used));
  if (scheme.signature.list.has_value() && !scheme.signature.list->key_parameter.empty()) {
    names.needed.insert(scheme.signature.list->key_parameter);
  }
  if (scheme.key.location.has_value()) {
    // Only where the key has to be fetched.
    CONVOY_RETURN_IF_ERROR(AddTemplate(scheme.key.location->url, &names.used));
  }
  return names;
}

absl::StatusOr<ParameterNames> ParametersOf(const Preset& preset) {
  ParameterNames all;
  for (const Scheme& scheme : preset.schemes) {
    CONVOY_ASSIGN_OR_RETURN(ParameterNames names, ParametersOf(scheme));
    all.needed.merge(names.needed);
    all.used.merge(names.used);
  }
  for (const Challenge& challenge : preset.challenges) {
    CONVOY_RETURN_IF_ERROR(AddChallenge(challenge, &all.used));
  }
  for (const std::string& name : all.needed) all.used.erase(name);
  return all;
}

absl::Status CheckGiven(const Scheme& scheme, const Parameters& given) {
  CONVOY_ASSIGN_OR_RETURN(const ParameterNames names, ParametersOf(scheme));
  for (const std::string& name : names.needed) {
    if (given.contains(name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("config \"", name, "\" is missing, and the scheme needs it"));
  }
  return absl::OkStatus();
}

absl::Status CheckKnown(const Preset& preset, const Parameters& given) {
  CONVOY_ASSIGN_OR_RETURN(ParameterNames names, ParametersOf(preset));
  names.used.merge(names.needed);
  for (const auto& [name, value] : given) {
    if (names.used.contains(name)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "config \"", name, "\" is not known here; ",
        names.used.empty() ? "there are none"
                           : absl::StrCat("there are: ", absl::StrJoin(names.used, ", "))));
  }
  return absl::OkStatus();
}

}  // namespace convoy::verify
