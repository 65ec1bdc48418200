// Trials ask the verifier that judges requests; what there is to try stands in explain_secrets.cc,
// explain_signatures.cc and explain_urls.cc.
#include "lib/verify/explain_trials.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/verify/conditions.h"
#include "lib/verify/preset_parameters.h"
#include "lib/verify/preset_verifier.h"
#include "lib/verify/signature_reader.h"
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

bool Trials::PassesMethod(const Scheme& scheme, std::string_view method) {
  VerifyRequest request = input_.request;
  request.method = method;
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

std::string Trials::TimestampOf(const Scheme& scheme) const {
  const Parameters parameters(input_.settings.parameters.begin(), input_.settings.parameters.end());
  body::BodyView body(input_.request.headers, input_.request.body);
  Evidence evidence{.request = input_.request, .parameters = parameters, .body = body};
  FoundSignatures found;
  ReadSignatures(scheme, 0, &evidence, &found);
  return std::string(found.timestamp.view());
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

}  // namespace convoy::verify
