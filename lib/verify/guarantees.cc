// Guarantees follow from the schemes alone, without a secret and without a request.
#include "lib/verify/guarantees.h"

#include <algorithm>

#include "absl/strings/match.h"

#include "lib/base/status_macros.h"

namespace convoy::verify {
namespace {

// A scheme takes part unless another is asked for by name, or it is only for those who ask.
bool TakesPart(const Scheme& scheme, const VerifierSettings& settings) {
  return settings.scheme.empty() ? !scheme.is_opt_in : scheme.name == settings.scheme;
}

absl::StatusOr<Integrity> IntegrityOf(const Scheme& scheme) {
  CONVOY_ASSIGN_OR_RETURN(const Conditions checks, Conditions::Compile(scheme.checks));
  switch (scheme.type) {
    case SchemeType::kToken:
    case SchemeType::kBasic:
    case SchemeType::kNone:
      return Integrity::kNone;
    case SchemeType::kJwt:
      return JwtIntegrity(scheme, checks);
    default: {
      CONVOY_ASSIGN_OR_RETURN(const MessageTemplate message,
                              MessageTemplate::Compile(scheme.message));
      return SignedIntegrity(message, checks);
    }
  }
}

absl::StatusOr<std::optional<absl::Duration>> WindowOf(const Scheme& scheme, Integrity integrity) {
  if (scheme.type == SchemeType::kJwt) return scheme.jwt.age_max;
  if (!scheme.timestamp.has_value() || !scheme.timestamp->is_enforced ||
      integrity == Integrity::kNone) {
    return std::nullopt;
  }
  CONVOY_ASSIGN_OR_RETURN(const MessageTemplate message, MessageTemplate::Compile(scheme.message));
  CONVOY_ASSIGN_OR_RETURN(const Conditions checks, Conditions::Compile(scheme.checks));
  if (!IsTimeSigned(scheme, message, checks)) return std::nullopt;
  return scheme.timestamp->past_max + scheme.timestamp->future_max;
}

void AddWarnings(bool is_anything_accepted, bool has_idempotency_keys, Guarantees& all) {
  if (is_anything_accepted) {
    all.warnings.emplace_back("nothing is verified: who knows the link can send anything");
    return;
  }
  if (all.integrity == Integrity::kNone) {
    all.warnings.emplace_back(
        "requests are not signed: who has seen one can send others like it, with any body");
  } else if (all.integrity == Integrity::kPartial) {
    all.warnings.emplace_back(
        "the signature does not cover the whole body: what it leaves out could be changed");
  }
  if (!all.replay_window.has_value() && !has_idempotency_keys) {
    all.warnings.emplace_back(
        "the same request is accepted again at any time: give the source idempotency_keys");
  }
  if (absl::StartsWith(all.tenant, "none")) {
    all.warnings.emplace_back(
        "the provider signs for all of its customers, and nothing signed says whose event it is: "
        "keep the link secret");
  }
}

}  // namespace

Integrity SignedIntegrity(const MessageTemplate& message, const Conditions& checks) {
  return message.covers_body() || checks.cover_body() ? Integrity::kFull : Integrity::kPartial;
}

Integrity JwtIntegrity(const Scheme& scheme, const Conditions& checks) {
  const bool is_whole_body = !scheme.signature.places.empty() &&
                             scheme.signature.places.front().kind == Locator::Kind::kBody;
  if (is_whole_body || checks.cover_body()) return Integrity::kFull;
  return checks.cover_request() ? Integrity::kPartial : Integrity::kNone;
}

bool IsTimeSigned(const Scheme& scheme, const MessageTemplate& message, const Conditions& checks) {
  if (message.uses_timestamp()) return true;
  const std::optional<Locator>& from = scheme.timestamp->from;
  if (!from.has_value()) return false;
  return message.covers(*from) || (from->kind == Locator::Kind::kJson && checks.cover_body());
}

absl::StatusOr<Guarantees> GuaranteesOf(const Preset& preset, const VerifierSettings& settings,
                                        bool has_idempotency_keys) {
  Guarantees all{.handshake = preset.handshake, .tenant = preset.tenant};
  bool is_first = true, is_anything_accepted = false;
  for (const Scheme& scheme : preset.schemes) {
    if (!TakesPart(scheme, settings)) continue;
    CONVOY_ASSIGN_OR_RETURN(const Integrity integrity, IntegrityOf(scheme));
    all.integrity = std::min(all.integrity, integrity);
    is_anything_accepted = is_anything_accepted || scheme.type == SchemeType::kNone;
    CONVOY_ASSIGN_OR_RETURN(const std::optional<absl::Duration> window,
                            WindowOf(scheme, integrity));
    if (is_first) {
      all.replay_window = window;
    } else if (all.replay_window.has_value()) {
      all.replay_window =
          window.has_value() ? std::max(*all.replay_window, *window) : std::optional(window);
    }
    is_first = false;
    if (integrity != Integrity::kNone && scheme.type != SchemeType::kJwt) {
      all.signs.push_back(scheme.message);
    }
  }
  if (is_first) all.integrity = Integrity::kNone;
  AddWarnings(is_anything_accepted, has_idempotency_keys, all);
  return all;
}

}  // namespace convoy::verify
