// Every parser that a request meets before its signature is known to be right, and the code behind
// the comparison: lists, timestamps, encodings, tokens, canonical forms, conditions, challenges.
//
// Input: four bytes that choose the scheme, one byte of flags, a request script
// (request_script.h). Promises that are checked: a request is accepted only with the right
// signature, within its time window, given once, over the bytes that were signed.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "lib/base/text.h"
#include "lib/verify/conditions.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/request_script.h"
#include "tests/fuzz/scheme_catalog.h"

namespace convoy::fuzz {
namespace {

constexpr std::string_view kTokenCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
constexpr uint8_t kPublishedKeys = 1;
constexpr uint8_t kWholePreset = 2;

const absl::Time kNow = absl::FromUnixSeconds(1'750'000'000);

std::string TimeText(const verify::Scheme& scheme) {
  if (!scheme.timestamp.has_value()) return absl::StrCat(absl::ToUnixSeconds(kNow));
  switch (scheme.timestamp->unit) {
    case verify::TimeUnit::kSeconds:
      return absl::StrCat(absl::ToUnixSeconds(kNow));
    case verify::TimeUnit::kMilliseconds:
      return absl::StrCat(absl::ToUnixMillis(kNow));
    case verify::TimeUnit::kRfc3339:
      return absl::FormatTime(absl::RFC3339_full, kNow, absl::UTCTimeZone());
    case verify::TimeUnit::kHttpDate:
      break;
  }
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", kNow, absl::UTCTimeZone());
}

// Value that the first check of the scheme expects of this request.
std::string ExpectedByCheck(const SchemeCase& chosen, const VerifyRequest& request) {
  if (chosen.scheme.checks.empty()) return "";
  const auto expected = verify::MessageTemplate::Compile(chosen.scheme.checks.front().expected);
  body::BodyView body(request.headers, request.body);
  const verify::Evidence evidence{
      .request = request, .parameters = chosen.parameters, .body = body};
  std::string text;
  if (!expected.ok() || expected->Render(evidence, &text) != verify::Finding::kFound) return "";
  return text;
}

// Fields of a form in another order or spelling are the same message to some providers.
bool IsEveryByteSigned(const SchemeCase& chosen, const Verdict& verdict) {
  const std::string& message = chosen.scheme.message;
  return verdict.integrity == Integrity::kFull && message.find("form_sorted") == message.npos &&
         message.find("plivo_v3_url") == message.npos;
}

// Compared without the hooks by which libFuzzer would come to know the secret.
#if defined(__clang__)
__attribute__((no_sanitize("coverage")))
#endif
bool Contains(std::string_view text, std::string_view secret) {
  for (size_t at = 0; at + secret.size() <= text.size(); ++at) {
    size_t same_count = 0;
    while (same_count < secret.size() && text[at + same_count] == secret[same_count]) ++same_count;
    if (same_count == secret.size()) return true;
  }
  return false;
}

// Some schemes send the secret, and an answer may repeat what its request holds.
bool Holds(const VerifyRequest& request, std::string_view secret) {
  return Contains(request.body, secret) || Contains(request.url, secret) ||
         std::any_of(request.headers.begin(), request.headers.end(),
                     [&](const HeaderView& header) { return Contains(header.value, secret); });
}

void CheckChallenge(const Verifier& verifier, const VerifyRequest& request,
                    std::string_view secret) {
  const std::optional<ChallengeAnswer> answer = verifier.AnswerChallenge(request, kNow);
  if (!answer.has_value()) return;
  Require(answer->response.status >= 200 && answer->response.status < 500, "a status that is one");
  Require(!Contains(answer->response.body, secret) || Holds(request, secret),
          "no answer tells the secret");
  for (const Header& header : answer->response.headers) {
    Require(base::IsHeaderName(header.name) && base::IsHeaderValue(header.value),
            "an answer injects no header");
  }
  Require(answer->visit_url.empty() || answer->visit_url.starts_with("https://"),
          "visits are over https");
}

// Checks the promises for a request that was accepted with the right signature.
void CheckAccepted(const SchemeCase& chosen, const Verifier& verifier, ScriptedRequest& request,
                   const Verdict& verdict) {
  const verify::Scheme& scheme = chosen.scheme;
  if (scheme.timestamp.has_value() && scheme.timestamp->is_enforced) {
    const verify::TimestampField& time = *scheme.timestamp;
    Require(verdict.signed_at.has_value(), "an accepted request has the time that it needs");
    Require(
        kNow - *verdict.signed_at <= time.past_max && *verdict.signed_at - kNow <= time.future_max,
        "an accepted request is within its window");
    const absl::Time later = kNow + time.past_max + time.future_max + absl::Seconds(1);
    Require(verifier.Verify(request.view(), later).reason == VerifyReason::kTooOld,
            "what was accepted becomes too old");
  }
  if (IsEveryByteSigned(chosen, verdict)) {
    const size_t size = request.body.size();
    for (const size_t at : {size_t{0}, size / 2, size - 1}) {
      if (at >= size) continue;
      request.body[at] ^= 1;
      Require(!verifier.Verify(request.view(), kNow).accepted(), "every byte of the body counts");
      request.body[at] ^= 1;
    }
  }
  const std::vector<verify::Locator>& places = scheme.signature.places;
  if (places.size() == 1 && places[0].kind == verify::Locator::Kind::kHeader &&
      !scheme.signature.is_name_numbered) {
    const Headers once = request.headers;
    request.headers.push_back({places[0].name, "0"});
    Require(!verifier.Verify(request.view(), kNow).accepted(), "a signature given twice is none");
    request.headers = once;
  }
}

void Run(const SchemeCase& chosen, const Verifier& verifier, const Sender& sender,
         std::string_view script) {
  const auto no_signature = [&](std::string_view) { return sender.Dummy(chosen.scheme); };
  Fillings fillings{.signature = no_signature, .time = TimeText(chosen.scheme)};
  {
    const ScriptedRequest draft(script, chosen.headers, fillings);
    fillings.check = ExpectedByCheck(chosen, draft.view());
  }
  const ScriptedRequest forged(script, chosen.headers, fillings);
  const VerifyRequest forged_view = forged.view();
  const Verdict refusal = verifier.Verify(forged_view, kNow);
  Require(!refusal.accepted() || chosen.has_open_sibling ||
              chosen.scheme.type == verify::SchemeType::kNone,
          "nothing is accepted without the secret");
  verifier.EventId(forged_view);
  CheckChallenge(verifier, forged_view, sender.SecretFor(chosen.scheme));
  if (script.find('\x01') == std::string_view::npos) return;

  const std::string signature = sender.Sign(chosen.scheme, forged_view, chosen.parameters);
  const auto right_signature = [&](std::string_view preceding) {
    if (chosen.scheme.type != verify::SchemeType::kJwt) return signature;
    // The token's first two parts: what precedes may hold more, as in a query.
    if (preceding.ends_with('.')) preceding.remove_suffix(1);
    const size_t begin = preceding.find_last_not_of(kTokenCharacters);
    preceding.remove_prefix(begin == preceding.npos ? 0 : begin + 1);
    return sender.SignToken(chosen.scheme, preceding);
  };
  const Fillings right{
      .signature = right_signature, .time = fillings.time, .check = fillings.check};
  ScriptedRequest request(script, chosen.headers, right);
  const Verdict verdict = verifier.Verify(request.view(), kNow);
  Require(verdict.accepted() == verifier.Verify(request.view(), kNow).accepted(),
          "a verdict depends on nothing but the request");
  verifier.EventId(request.view());
  CheckChallenge(verifier, request.view(), sender.SecretFor(chosen.scheme));
  // Of a whole preset another scheme may have accepted, whose rules are others.
  if (verdict.accepted() && &verifier != chosen.preset.get()) {
    CheckAccepted(chosen, verifier, request, verdict);
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace convoy::fuzz;
  static const Sender sender;
  static const SchemeCatalog catalog(sender);
  Input input(data, size);
  const SchemeCase& chosen = catalog.Select(input.Number());
  const uint8_t flags = input.Byte();
  const convoy::Verifier* verifier = chosen.alone.get();
  if ((flags & kPublishedKeys) != 0 && chosen.published) verifier = chosen.published.get();
  if ((flags & kWholePreset) != 0 && chosen.preset) verifier = chosen.preset.get();
  Run(chosen, *verifier, sender, input.Rest());
  return 0;
}
