// Signatures over a message: HMAC, digests and public keys.
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "lib/base/status_macros.h"
#include "lib/verify/conditions.h"
#include "lib/verify/guarantees.h"
#include "lib/verify/keyring.h"
#include "lib/verify/message_template.h"
#include "lib/verify/scheme_verifier.h"
#include "lib/verify/signature_reader.h"
#include "lib/verify/signing_guard.h"
#include "lib/verify/time_window.h"

namespace convoy::verify {
namespace {

// Elements of a body that are signed one by one, at most.
constexpr size_t kElementsMax = 100;

class SignedVerifier final : public SchemeVerifier {
 public:
  SignedVerifier(Scheme scheme, MessageTemplate message, Conditions checks,
                 std::unique_ptr<Keyring> keyring)
      : scheme_(std::move(scheme)),
        message_(std::move(message)),
        checks_(std::move(checks)),
        keyring_(std::move(keyring)),
        is_replay_bounded_(scheme_.timestamp.has_value() && scheme_.timestamp->is_enforced &&
                           IsTimeSigned(scheme_, message_, checks_)) {}

  Verdict Verify(const Evidence& given, absl::Time now) const override {
    Verdict verdict{.scheme = scheme_.name};
    Evidence evidence = given;
    if (scheme_.each.empty()) {
      CheckGroups(&evidence, now, &verdict);
    } else {
      CheckElements(&evidence, now, &verdict);
    }
    if (!verdict.accepted()) return verdict;
    verdict.reason = checks_.Evaluate(evidence);
    if (verdict.accepted()) verdict.integrity = SignedIntegrity(message_, checks_);
    return verdict;
  }

 private:
  // Every element must be signed.
  void CheckElements(Evidence* evidence, absl::Time now, Verdict* verdict) const {
    const std::string_view each = scheme_.each;
    const size_t star = each.find(".*");
    const auto array = FindOnly(evidence->body.text(), each.substr(0, star));
    verdict->reason = VerifyReason::kMalformed;
    if (!array.has_value() || array->type != json::Type::kArray) return;
    const std::string_view within = star + 3 < each.size() ? each.substr(star + 3) : "";
    size_t count = 0;
    json::Skimmer elements(*array);
    while (elements.Next()) {
      const auto item = FindOnly(elements.value().text, within);
      verdict->reason = VerifyReason::kMalformed;
      if (!item.has_value() || ++count > kElementsMax) return;
      evidence->item = item->text;
      CheckGroups(evidence, now, verdict);
      if (!verdict->accepted()) return;
    }
    if (elements.is_broken()) verdict->reason = VerifyReason::kMalformed;
  }

  // One good group of signatures is enough. Else the verdict is that of the group that came
  // furthest.
  void CheckGroups(Evidence* evidence, absl::Time now, Verdict* verdict) const {
    for (size_t group = 0; group < kGroupsMax; ++group) {
      Verdict judged{.scheme = scheme_.name};
      FoundSignatures found;
      judged.reason = ReadSignatures(scheme_, group, evidence, &found);
      if (judged.accepted()) CheckSignatures(found, evidence, now, &judged);
      if (group == 0 || judged.accepted() || Progress(judged.reason) > Progress(verdict->reason)) {
        *verdict = std::move(judged);
      }
      if (verdict->accepted() || !found.has_more_groups) return;
    }
  }

  void CheckSignatures(const FoundSignatures& found, Evidence* evidence, absl::Time now,
                       Verdict* verdict) const {
    if (scheme_.timestamp.has_value()) {
      verdict->signed_at = ParseTimestamp(scheme_.timestamp->unit, found.timestamp.view());
      if (!verdict->signed_at.has_value()) {
        verdict->reason = VerifyReason::kMalformed;
        return;
      }
    }
    if (evidence->guard != nullptr && evidence->guard->Covers(message_, *evidence)) {
      verdict->reason = VerifyReason::kMalformed;
      return;
    }
    KeyMatch match =
        MatchAnyUrl(std::span(found.candidates).first(found.candidates_count), evidence);
    verdict->reason = match.reason;
    verdict->secret_index = match.key_index;
    verdict->missing_key_url = std::move(match.missing_key_url);
    if (verdict->accepted() && scheme_.timestamp.has_value()) {
      verdict->reason = CheckTime(*scheme_.timestamp, *verdict->signed_at, now);
      if (is_replay_bounded_) {
        verdict->replayable_until = *verdict->signed_at + scheme_.timestamp->past_max;
      }
    }
  }

  // With the URL as it is given, then as the scheme spells it otherwise.
  KeyMatch MatchAnyUrl(std::span<const std::string_view> candidates, Evidence* evidence) const {
    KeyMatch match = keyring_->Match(message_, evidence, candidates);
    if (match.reason != VerifyReason::kSignatureMismatch || scheme_.url_variants.empty()) {
      return match;
    }
    for (const std::string& url : SpellUrl(scheme_.url_variants, evidence->request.url)) {
      evidence->url = url;
      match = keyring_->Match(message_, evidence, candidates);
      evidence->url = evidence->request.url;
      if (match.reason != VerifyReason::kSignatureMismatch) break;
    }
    return match;
  }

  const Scheme scheme_;
  const MessageTemplate message_;
  const Conditions checks_;
  const std::unique_ptr<Keyring> keyring_;
  // Whether the same request is refused some time later, whatever its sender writes as the time.
  const bool is_replay_bounded_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SchemeVerifier>> CompileSignedVerifier(
    Scheme scheme, const std::vector<std::string>& secrets, std::shared_ptr<KeySource> source) {
  CONVOY_ASSIGN_OR_RETURN(MessageTemplate message, MessageTemplate::Compile(scheme.message));
  CONVOY_ASSIGN_OR_RETURN(Conditions checks, Conditions::Compile(scheme.checks));
  if (message.uses_timestamp() && !scheme.timestamp.has_value()) {
    return absl::InvalidArgumentError(
        "scheme field \"message\" uses {ts}, but there is no field \"timestamp\"");
  }
  if (message.uses_secret() != (scheme.type == SchemeType::kDigest)) {
    return absl::InvalidArgumentError(
        "scheme field \"message\" must hold {secret} for the type digest, and only for it");
  }
  if (!scheme.each.empty() && scheme.each.find(".*") == std::string::npos) {
    return absl::InvalidArgumentError("scheme field \"each\" must hold \".*\"");
  }
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Keyring> keyring,
                          MakeKeyring(scheme, secrets, std::move(source)));
  return std::make_unique<SignedVerifier>(std::move(scheme), std::move(message), std::move(checks),
                                          std::move(keyring));
}

}  // namespace convoy::verify
