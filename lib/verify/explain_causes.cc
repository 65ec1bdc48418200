// Mistakes are found by making them good: a spelling of the secret, the URL or the body, another
// algorithm or scheme under which the very signature that came would be right. A match of a MAC is
// no accident, so what fits is the cause.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/verify/explain.h"
#include "lib/verify/explain_trials.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/spellings.h"

namespace convoy::verify {
namespace {

constexpr size_t kCausesMax = 3;

// A header's name without what proxies and servers change in it.
std::string PlainName(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      plain.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    }
  }
  if (plain.starts_with("http")) plain.erase(0, 4);
  if (plain.starts_with("x")) plain.erase(0, 1);
  return plain;
}

class CauseFinder {
 public:
  CauseFinder(const ExplainInput& input, const Verdict& verdict)
      : input_(input), verdict_(verdict), trials_(input) {}

  std::vector<Cause> Find() {
    AddFromVerdict();
    if (!is_decided_) AddFromHeaders();
    if (!is_decided_) TryAll();
    if (causes_.empty()) AddFallback();
    if (causes_.size() > kCausesMax) causes_.resize(kCausesMax);
    return std::move(causes_);
  }

 private:
  void Add(std::string_view code, std::string text) {
    for (const Cause& cause : causes_) {
      if (cause.code == code) return;
    }
    causes_.push_back({std::string(code), std::move(text)});
  }

  // ---- What the verdict says by itself.

  void AddFromVerdict() {
    switch (verdict_.reason) {
      case VerifyReason::kTooOld:
      case VerifyReason::kTooFarInFuture:
        AddClock();
        break;
      case VerifyReason::kKeyUnavailable:
        Add("key_unavailable", "the provider's published key is not at hand here");
        break;
      case VerifyReason::kUnknownKey:
        Add("unknown_key", "the request names a key that is not configured");
        break;
      default:
        return;
    }
    is_decided_ = true;
  }

  void AddClock() {
    if (!verdict_.signed_at.has_value()) {
      Add("clock", "the token is out of its time");
      return;
    }
    const int64_t seconds = absl::ToInt64Seconds(input_.now - *verdict_.signed_at);
    Add("clock",
        absl::StrCat("the signature is right, and its time is ", seconds < 0 ? -seconds : seconds,
                     " s ", seconds < 0 ? "ahead of" : "behind",
                     " the clock that judges: one of the clocks is off by that, or the "
                     "request is an old one"));
  }

  // ---- What its headers say.

  void AddFromHeaders() {
    for (const Scheme& scheme : trials_.schemes()) {
      for (const Locator& place : scheme.signature.places) AddFromPlace(scheme, place);
      if (scheme.type == SchemeType::kBasic) {
        AddFromPlace(scheme, {Locator::Kind::kHeader, "Authorization"});
      }
      if (scheme.timestamp.has_value() && scheme.timestamp->from.has_value()) {
        AddFromTimestamp(scheme, *scheme.timestamp);
      }
      AddFromMessage(scheme);
    }
    if (verdict_.reason == VerifyReason::kMissingHeader) AddOtherProviders();
  }

  void AddFromPlace(const Scheme& scheme, const Locator& place) {
    if (place.kind != Locator::Kind::kHeader) return;
    const size_t count = base::CountHeader(input_.request.headers, place.name);
    if (count > 1) {
      Add("header_twice", absl::StrCat("the header ", place.name, " is there ", count, " times"));
      is_decided_ = true;
    }
    if (count > 0) return AddFromValue(scheme, place.name);
    // Some scheme finds its signature under the name that it has.
    const auto& schemes = trials_.schemes();
    if (std::any_of(schemes.begin(), schemes.end(),
                    [this](const Scheme& other) { return trials_.HasSignatureOf(other); })) {
      return;
    }
    for (const HeaderView& header : input_.request.headers) {
      if (PlainName(header.name) != PlainName(place.name)) continue;
      AddRenamed(place.name, header.name);
    }
    // Tokens have no form of their own, and a definition of one's own has no sibling presets.
    const bool is_own = input_.preset.title.empty();
    if (scheme.type == SchemeType::kToken || is_own) AddFromOtherHeader(scheme, place);
  }

  void AddRenamed(std::string_view name, std::string_view other) {
    Add("header_renamed",
        absl::StrCat("the header ", name, " has arrived as ", other,
                     ": something between the provider and here renames headers, or the sender "
                     "uses another"));
    is_decided_ = true;
  }

  // Whether the right signature stands in some other header.
  void AddFromOtherHeader(const Scheme& scheme, const Locator& place) {
    for (const HeaderView& header : input_.request.headers) {
      if (!base::IsHeaderName(header.name)) continue;
      for (const std::string& prefix : {scheme.signature.prefix, std::string("Bearer ")}) {
        Scheme other = scheme;
        other.signature.places = {{Locator::Kind::kHeader, std::string(header.name)}};
        other.signature.prefix = prefix;
        if (!trials_.Passes(other)) continue;
        AddRenamed(place.name, header.name);
        return;
      }
    }
  }

  void AddFromValue(const Scheme& scheme, const std::string& name) {
    const std::string_view value = *base::FindHeader(input_.request.headers, name);
    if (value.empty()) {
      Add("signature_empty", absl::StrCat("the header ", name, " is empty"));
      is_decided_ = true;
    } else if (scheme.type == SchemeType::kBasic && !absl::StartsWithIgnoreCase(value, "Basic ")) {
      Add("prefix_missing", absl::StrCat("the header ", name, " is not of the form Basic …"));
      is_decided_ = true;
    }
  }

  void AddFromTimestamp(const Scheme& scheme, const TimestampField& field) {
    if (field.from->kind == Locator::Kind::kSignatureItem) {
      const std::string text = trials_.TimestampOf(scheme);
      if (text.empty() || !trials_.IsTimestampOfOtherUnit(field, text)) return;
      Add("timestamp_unit", absl::StrCat("the signature's item ", field.from->name,
                                         " holds a time of another unit than the scheme's"));
      is_decided_ = true;
    }
    if (field.from->kind != Locator::Kind::kHeader) return;
    const auto value = base::FindHeader(input_.request.headers, field.from->name);
    if (!value.has_value()) {
      const bool has_signature =
          std::any_of(scheme.signature.places.begin(), scheme.signature.places.end(),
                      [&](const Locator& place) {
                        return place.kind == Locator::Kind::kHeader &&
                               base::FindHeader(input_.request.headers, place.name).has_value();
                      });
      if (!has_signature) return;
      Add("timestamp_missing", absl::StrCat("the header ", field.from->name,
                                            " is missing: something on the way takes it off"));
      is_decided_ = true;
    } else if (trials_.IsTimestampOfOtherUnit(field, *value)) {
      Add("timestamp_unit", absl::StrCat("the header ", field.from->name,
                                         " holds a time of another unit than the scheme's"));
      is_decided_ = true;
    }
  }

  // Headers that are signed, and that must be there if the signature is.
  void AddFromMessage(const Scheme& scheme) {
    constexpr std::string_view kPart = "{header:";
    if (is_decided_ || !trials_.HasSignatureOf(scheme)) return;
    // Optional parts stand in brackets, and nothing after them is asked for here.
    const std::string_view message =
        std::string_view(scheme.message).substr(0, scheme.message.find('['));
    for (size_t at = message.find(kPart); at != message.npos; at = message.find(kPart, at + 1)) {
      const std::string_view rest = message.substr(at + kPart.size());
      const std::string_view name = rest.substr(0, rest.find_first_of("}|"));
      if (base::FindHeader(input_.request.headers, name).has_value()) continue;
      Add("header_missing", absl::StrCat("the header ", name,
                                         ", which is signed, is missing: something on the way "
                                         "takes it off, or the sender does not sign so"));
      is_decided_ = true;
    }
  }

  // Presets whose signature stands in a header of this request.
  void AddOtherProviders() {
    if (trials_.PassesOtherScheme(&causes_)) {
      is_decided_ = true;
      return;
    }
    std::set<std::string> titles;
    for (const PresetFile& file : PresetFiles()) {
      const auto preset = LoadPreset(file.json);
      if (!preset.ok()) continue;
      for (const Scheme& scheme : preset->schemes) {
        if (!trials_.HasSignatureOf(scheme)) continue;
        if (trials_.PassesAs(*preset)) {
          Add("other_preset", absl::StrCat("the request is signed with this secret as the preset ",
                                           file.name, " has it"));
          is_decided_ = true;
        }
        titles.insert(std::string(file.name));
      }
    }
    if (is_decided_) return;
    for (const Scheme& scheme : trials_.schemes()) {
      const std::vector<Locator>& places = scheme.signature.places;
      const bool is_in_header = !places.empty() && places[0].kind == Locator::Kind::kHeader;
      if (is_in_header && !is_decided_) AddFromOtherHeader(scheme, places[0]);
    }
    if (!titles.empty() && !is_decided_) {
      std::vector<std::string> names(titles.begin(), titles.end());
      if (names.size() > 5) names.resize(5);
      Add("wrong_provider", absl::StrCat("the request has the signature header of other presets: ",
                                         absl::StrJoin(names, ", ")));
      is_decided_ = true;
    }
  }

  // ---- What a trial finds.

  void TryAll() {
    for (const Scheme& scheme : trials_.schemes()) {
      TrySignatures(scheme);
      TrySecrets(scheme);
      TrySwapped(scheme);
      TryUrls(scheme);
      TryMethods(scheme);
      TryBodies(scheme);
      TryMessages(scheme);
      if (!causes_.empty()) return;
    }
    if (trials_.PassesOtherScheme(&causes_)) return;
    for (const PresetFile& file : PresetFiles()) {
      const auto preset = LoadPreset(file.json);
      const bool has_signature =
          preset.ok() && std::any_of(preset->schemes.begin(), preset->schemes.end(),
                                     [&](const Scheme& s) { return trials_.HasSignatureOf(s); });
      if (!has_signature || !trials_.PassesAs(*preset)) continue;
      Add("other_preset", absl::StrCat("the request is signed with this secret as the preset ",
                                       file.name, " has it"));
    }
  }

  void TrySignatures(const Scheme& scheme) {
    for (auto& [code, text, other] : trials_.OtherSignatures(scheme)) {
      if (trials_.Passes(other)) Add(code, text);
    }
    for (auto& [code, text, headers] : trials_.OtherHeaders(scheme)) {
      if (trials_.Passes(scheme, headers)) Add(code, text);
    }
  }

  void TrySecrets(const Scheme& scheme) {
    for (const SecretSpelling& spelling : trials_.OtherSecrets(scheme)) {
      Scheme other = scheme;
      if (spelling.format.has_value()) {
        other.key.format = *spelling.format;
        other.key.prefixes.clear();
        other.key.is_sha1_of_secret = false;
        other.key.is_ascii_only = false;
      }
      if (trials_.Passes(other, spelling.secret)) Add(spelling.code, std::string(spelling.text));
    }
  }

  // Arguments of an HMAC function that were given in the wrong order.
  void TrySwapped(const Scheme& scheme) {
    if (scheme.type != SchemeType::kHmac || input_.request.body.empty()) return;
    for (const std::string& secret : input_.settings.secrets) {
      Scheme other = scheme;
      other.key = {};
      other.timestamp.reset();
      other.message = absl::StrReplaceAll(TrimSecret(secret),
                                          {{"{", "{{"}, {"}", "}}"}, {"[", "[["}, {"]", "]]"}});
      if (!trials_.Passes(other, std::string(input_.request.body))) continue;
      Add("secret_swapped",
          "what signs has taken the body for the key and the secret for the text");
    }
  }

  void TryMethods(const Scheme& scheme) {
    if (!absl::StrContains(scheme.message, "{method}")) return;
    for (const std::string_view method : {"POST", "PUT", "PATCH", "GET", "DELETE"}) {
      if (method == input_.request.method || !trials_.PassesMethod(scheme, method)) continue;
      Add("method", absl::StrCat("the provider signs the method ", method,
                                 ", and the request came by ", input_.request.method));
    }
  }

  void TryUrls(const Scheme& scheme) {
    if (!trials_.UsesUrl(scheme)) return;
    for (const UrlSpelling& spelling : trials_.OtherUrls()) {
      if (trials_.PassesUrl(scheme, spelling.url)) {
        Add(spelling.code, std::string(spelling.text));
      }
    }
  }

  void TryBodies(const Scheme& scheme) {
    body::BodyView view(input_.request.headers, input_.request.body);
    for (const Spelling& spelling : SpellBody(input_.request.body, view)) {
      if (trials_.PassesBody(scheme, spelling.body)) {
        Add(spelling.code, std::string(spelling.text));
        return;
      }
    }
  }

  void TryMessages(const Scheme& scheme) {
    for (const std::string& message : trials_.OtherMessages()) {
      Scheme other = scheme;
      other.message = message;
      if (message == scheme.message || !trials_.Passes(other)) continue;
      Add("message",
          absl::StrCat("the signature is right over ", message, " instead of ", scheme.message));
    }
  }

  void AddFallback() {
    if (verdict_.reason == VerifyReason::kMissingHeader) {
      Add("not_signed",
          "there is no signature where the scheme has it: the secret is not set at the provider, "
          "or something on the way takes the header off");
    } else if (verdict_.reason == VerifyReason::kMalformed) {
      Add("malformed",
          "the signature, its time or a value that it covers is not of the scheme's form: see the "
          "steps");
    } else if (IsUnpackedOnTheWay()) {
      Add("body_unpacked",
          "Content-Encoding says that the body is packed, and it is not: something on the way has "
          "unpacked it, and the provider signs what it sends");
    } else {
      Add("secret_or_body",
          "the signature fits none of the secrets in any spelling that is known here: the secret "
          "is another one (another endpoint's, test mode's, an old one), or the body was changed");
    }
  }

  bool IsUnpackedOnTheWay() const {
    const auto coding = base::FindHeader(input_.request.headers, "Content-Encoding");
    if (!coding.has_value() || !absl::StrContains(absl::AsciiStrToLower(*coding), "gzip")) {
      return false;
    }
    return !input_.request.body.starts_with("\x1F\x8B");
  }

  const ExplainInput& input_;
  const Verdict& verdict_;
  Trials trials_;
  std::vector<Cause> causes_;
  bool is_decided_ = false;
};

}  // namespace

std::vector<Cause> FindCauses(const ExplainInput& input, const Verdict& verdict) {
  return CauseFinder(input, verdict).Find();
}

}  // namespace convoy::verify
