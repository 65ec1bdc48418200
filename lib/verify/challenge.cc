// Answers to providers' handshakes; see challenge.h.
#include "lib/verify/challenge.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/verify/key_lookup.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/signing_guard.h"

namespace convoy::verify {
namespace {

constexpr size_t kEchoBytesMax = 4096;

std::string EncodeBytes(SignatureEncoding encoding, std::string_view bytes) {
  return encoding == SignatureEncoding::kBase64 ? base::Base64Encode(bytes)
                                                : base::HexEncode(bytes);
}

bool IsItsPath(const Challenge& challenge, std::string_view path) {
  return challenge.path.empty() ? path.find(kWellKnown) == path.npos
                                : path.ends_with(challenge.path);
}

}  // namespace

absl::StatusOr<ChallengeResponder> ChallengeResponder::Compile(
    const Challenge& challenge, const KeyRules& key_rules,
    const std::vector<std::string>& secrets) {
  ChallengeResponder responder;
  responder.challenge_ = challenge;
  CONVOY_ASSIGN_OR_RETURN(responder.when_, Conditions::Compile(challenge.when));
  CONVOY_ASSIGN_OR_RETURN(responder.body_, MessageTemplate::Compile(challenge.body));
  for (const auto& [name, value] : challenge.headers) {
    CONVOY_ASSIGN_OR_RETURN(MessageTemplate compiled, MessageTemplate::Compile(value));
    responder.headers_.push_back({name, std::move(compiled)});
  }
  if (!challenge.computed.has_value()) return responder;
  CONVOY_ASSIGN_OR_RETURN(responder.computed_message_,
                          MessageTemplate::Compile(challenge.computed->message));
  if (challenge.computed->is_keyed && !secrets.empty()) {
    // The newest secret is the one that the provider was given.
    CONVOY_ASSIGN_OR_RETURN(const auto keys, DecodeSecret(key_rules, secrets.back()));
    responder.key_ =
        std::make_shared<const crypto::HmacKey>(challenge.computed->algorithm, keys.back());
  }
  return responder;
}

bool ChallengeResponder::Compute(Evidence* evidence, std::string* out) const {
  if (!challenge_.computed.has_value()) return true;
  std::string message;
  if (computed_message_.Render(*evidence, &message) != Finding::kFound) return false;
  const Computation& computation = *challenge_.computed;
  crypto::Digest digest;
  if (!computation.is_keyed) {
    digest = crypto::Hash(computation.algorithm, message);
  } else if (key_ == nullptr || !MayBeSigned(computation, message)) {
    return false;
  } else {
    digest = crypto::HmacOf(*key_, message);
  }
  *out = EncodeBytes(computation.encoding, digest.view());
  evidence->computed = *out;
  return true;
}

std::optional<ChallengeAnswer> ChallengeResponder::Answer(
    const Evidence& given, absl::FunctionRef<bool()> is_accepted) const {
  Evidence evidence = given;
  const VerifyRequest& request = evidence.request;
  if (request.method != challenge_.method || !IsItsPath(challenge_, request.path) ||
      when_.Evaluate(evidence) != VerifyReason::kAccepted) {
    return std::nullopt;
  }
  if (challenge_.is_signed && !is_accepted()) return std::nullopt;
  std::string computed;
  if (!Compute(&evidence, &computed)) return std::nullopt;

  ChallengeAnswer answer;
  answer.response.status = challenge_.status;
  if (body_.Render(evidence, &answer.response.body) != Finding::kFound ||
      answer.response.body.size() > kEchoBytesMax) {
    return std::nullopt;
  }
  for (const HeaderTemplate& header : headers_) {
    std::string value;
    if (header.value.Render(evidence, &value) != Finding::kFound || value.size() > kEchoBytesMax ||
        !base::IsHeaderValue(value)) {
      return std::nullopt;
    }
    answer.response.headers.push_back({header.name, std::move(value)});
  }
  // The echoed text is untrusted: no browser may take it for a page.
  answer.response.headers.push_back({"Content-Type", challenge_.content_type});
  answer.response.headers.push_back({"X-Content-Type-Options", "nosniff"});

  Text text;
  if (challenge_.learns_secret.has_value()) {
    if (evidence.Find(*challenge_.learns_secret, &text) != Finding::kFound) return std::nullopt;
    answer.learned_secret = std::string(text.view());
  }
  if (challenge_.visits.has_value()) {
    if (evidence.Find(*challenge_.visits, &text) != Finding::kFound ||
        !IsHostAllowed(text.view(), challenge_.hosts)) {
      return std::nullopt;
    }
    answer.visit_url = std::string(text.view());
  }
  return answer;
}

}  // namespace convoy::verify
