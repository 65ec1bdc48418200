// Accepts what any of the schemes accepts. That is no negotiation: all of them are pinned by
// configuration, and `when` conditions tell which of them a request may be judged by.
#include "lib/verify/preset_verifier.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/verify/challenge.h"
#include "lib/verify/conditions.h"
#include "lib/verify/evidence.h"
#include "lib/verify/preset_parameters.h"
#include "lib/verify/scheme_verifier.h"
#include "lib/verify/signing_guard.h"
#include "lib/verify/streaming.h"

namespace convoy::verify {
namespace {

struct Alternative {
  Conditions when;
  std::unique_ptr<SchemeVerifier> verifier;
  std::optional<Locator> event_id;
};

class PresetVerifier final : public Verifier, public StreamingVerifier {
 public:
  PresetVerifier(std::vector<Alternative> alternatives, std::vector<ChallengeResponder> challenges,
                 SigningGuard guard, Parameters parameters, int refusal_status, bool can_stream)
      : alternatives_(std::move(alternatives)),
        challenges_(std::move(challenges)),
        guard_(std::move(guard)),
        parameters_(std::move(parameters)),
        refusal_status_(refusal_status),
        // Whether a stranger may have had it signed, only the whole message tells.
        can_stream_(can_stream && guard_.is_empty()) {}

  Verdict Verify(const VerifyRequest& request, absl::Time now) const override {
    body::BodyView body(request.headers, request.body);
    const Evidence evidence{
        .request = request, .parameters = parameters_, .body = body, .guard = guard()};
    return VerifyEvidence(evidence, now);
  }

  bool can_stream() const override { return can_stream_; }

  Verdict VerifyStream(const VerifyRequest& head, BodyStream* stream,
                       absl::Time now) const override {
    body::BodyView body(head.headers, head.body);
    return VerifyEvidence(
        {.request = head, .parameters = parameters_, .body = body, .stream = stream}, now);
  }

  std::string EventId(const VerifyRequest& request) const override {
    body::BodyView body(request.headers, request.body);
    const Evidence evidence{.request = request, .parameters = parameters_, .body = body};
    for (const Alternative& alternative : alternatives_) {
      Text text;
      if (alternative.event_id.has_value() &&
          evidence.Find(*alternative.event_id, &text) == Finding::kFound &&
          base::IsValidUtf8(text.view())) {
        return std::string(text.view());
      }
    }
    return "";
  }

  std::optional<ChallengeAnswer> AnswerChallenge(const VerifyRequest& request,
                                                 absl::Time now) const override {
    if (challenges_.empty()) return std::nullopt;
    body::BodyView body(request.headers, request.body, kChallengeBytesMax);
    const Evidence evidence{
        .request = request, .parameters = parameters_, .body = body, .guard = guard()};
    for (const ChallengeResponder& challenge : challenges_) {
      auto answer =
          challenge.Answer(evidence, [&] { return VerifyEvidence(evidence, now).accepted(); });
      if (answer.has_value()) return answer;
    }
    return std::nullopt;
  }

  int refusal_status() const override { return refusal_status_; }

 private:
  const SigningGuard* guard() const { return guard_.is_empty() ? nullptr : &guard_; }

  Verdict VerifyEvidence(const Evidence& evidence, absl::Time now) const {
    // Without alternatives the provider has not handed over its secret yet.
    Verdict furthest{.reason = alternatives_.empty() ? VerifyReason::kUnknownKey
                                                     : VerifyReason::kMissingHeader};
    for (const Alternative& alternative : alternatives_) {
      if (alternative.when.Evaluate(evidence) != VerifyReason::kAccepted) continue;
      Verdict verdict = alternative.verifier->Verify(evidence, now);
      if (verdict.accepted()) return verdict;
      if (furthest.scheme.empty() || Progress(verdict.reason) > Progress(furthest.reason)) {
        furthest = std::move(verdict);
      }
    }
    return furthest;
  }

  const std::vector<Alternative> alternatives_;
  const std::vector<ChallengeResponder> challenges_;
  const SigningGuard guard_;
  const Parameters parameters_;
  const int refusal_status_;
  const bool can_stream_;
};

// Whether a scheme takes part: the one that was asked for, or else every one that is not opt-in.
bool IsWanted(const Scheme& scheme, std::string_view wanted) {
  return wanted.empty() ? !scheme.is_opt_in : scheme.name == wanted;
}

bool HandsOverSecret(const Preset& preset) {
  return std::any_of(
      preset.challenges.begin(), preset.challenges.end(),
      [](const Challenge& challenge) { return challenge.learns_secret.has_value(); });
}

bool UsesPublicKey(const Scheme& scheme) {
  switch (scheme.type) {
    case SchemeType::kEd25519:
    case SchemeType::kEcdsaP256:
    case SchemeType::kRsaPkcs1:
      return true;
    case SchemeType::kJwt:
      return !scheme.jwt.algorithms.front().starts_with("HS");
    default:
      return false;
  }
}

// A public key must never serve as a shared secret: everyone knows it, so everyone could sign. And
// a scheme that accepts everything is no alternative to any other.
absl::Status CheckFamilies(const Preset& preset, std::string_view wanted) {
  size_t public_count = 0, shared_count = 0, unsigned_count = 0;
  for (const Scheme& scheme : preset.schemes) {
    if (!IsWanted(scheme, wanted)) continue;
    (scheme.type == SchemeType::kNone ? unsigned_count
     : UsesPublicKey(scheme)          ? public_count
                                      : shared_count) += 1;
  }
  if (unsigned_count > 0 && public_count + shared_count > 0) {
    return absl::InvalidArgumentError(
        "a scheme of the type none must not be an alternative to others, because it accepts "
        "everything: mark one kind opt_in");
  }
  if (public_count == 0 || shared_count == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "schemes with shared secrets and schemes with public keys must not be alternatives: mark one "
      "kind opt_in");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Verifier>> CompilePresetVerifier(
    const Preset& preset, const VerifierSettings& settings, std::shared_ptr<KeySource> source) {
  CONVOY_RETURN_IF_ERROR(CheckFamilies(preset, settings.scheme));
  Parameters parameters(settings.parameters.begin(), settings.parameters.end());
  CONVOY_RETURN_IF_ERROR(CheckKnown(preset, parameters));
  std::vector<Alternative> alternatives;
  absl::Status first_error;
  bool can_stream = true;
  for (const Scheme& scheme : preset.schemes) {
    if (!IsWanted(scheme, settings.scheme)) continue;
    Alternative alternative;
    CONVOY_ASSIGN_OR_RETURN(alternative.when, Conditions::Compile(scheme.when));
    alternative.event_id = scheme.event_id.has_value() ? scheme.event_id : preset.event_id;
    auto verifier = CompileSchemeVerifier(scheme, settings.secrets, source);
    absl::Status status = verifier.status();
    status.Update(CheckGiven(scheme, parameters));
    if (!status.ok()) {
      // Schemes of one provider may want secrets of different forms: a text, base64. One that the
      // secrets do not fit is left out, as long as another remains.
      first_error.Update(status);
      continue;
    }
    alternative.verifier = *std::move(verifier);
    can_stream = can_stream && CanStream(scheme);
    alternatives.push_back(std::move(alternative));
  }
  const bool is_secret_to_come = settings.secrets.empty() && HandsOverSecret(preset);
  if (!first_error.ok() && alternatives.empty() && !is_secret_to_come) return first_error;
  if (first_error.ok() && alternatives.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no scheme called '", settings.scheme, "'"));
  }
  std::vector<ChallengeResponder> challenges;
  for (const Challenge& challenge : preset.challenges) {
    CONVOY_ASSIGN_OR_RETURN(
        ChallengeResponder responder,
        ChallengeResponder::Compile(challenge, preset.schemes.front().key, settings.secrets));
    challenges.push_back(std::move(responder));
  }
  return std::make_shared<PresetVerifier>(std::move(alternatives), std::move(challenges),
                                          SigningGuard(preset.challenges), std::move(parameters),
                                          preset.refusal_status, can_stream);
}

}  // namespace convoy::verify
