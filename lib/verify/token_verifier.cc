// Secrets that come with the request as they are: tokens and HTTP Basic. They prove who sent it and
// cover nothing of what was sent.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/encoding.h"
#include "lib/base/latin1.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"
#include "lib/verify/conditions.h"
#include "lib/verify/scheme_verifier.h"
#include "lib/verify/secret_key.h"

namespace convoy::verify {
namespace {

// The live secrets. Digests of equal size are compared, so that not even the length of a secret
// shows in the time taken.
class SecretSet {
 public:
  explicit SecretSet(const std::vector<std::string>& secrets) {
    for (size_t i = 0; i < secrets.size(); ++i) {
      Add(secrets[i], i);
      // A header's value has no white space around it, a secret that was pasted may.
      if (TrimSecret(secrets[i]) != secrets[i]) Add(TrimSecret(secrets[i]), i);
    }
  }

  void Add(std::string_view secret, size_t index) {
    digests_.push_back({DigestOf(secret), static_cast<int32_t>(index)});
  }

  // Looks at all of them, whichever matches; -1: none.
  int32_t Find(std::string_view given) const {
    const crypto::Digest digest = DigestOf(given);
    int32_t found = -1;
    for (const auto& [known, secret_index] : digests_) {
      if (crypto::ConstantTimeEquals(digest.view(), known.view())) found = secret_index;
    }
    return found;
  }

 private:
  static crypto::Digest DigestOf(std::string_view text) {
    return crypto::Hash(crypto::HashAlgorithm::kSha256, text);
  }

  struct Known {
    crypto::Digest digest;
    int32_t secret_index;
  };
  std::vector<Known> digests_;
};

class TokenVerifier final : public SchemeVerifier {
 public:
  TokenVerifier(Scheme scheme, const std::vector<std::string>& tokens)
      : scheme_(std::move(scheme)), tokens_(tokens) {}

  Verdict Verify(const Evidence& evidence, absl::Time) const override {
    Verdict verdict{.scheme = scheme_.name};
    const Locator& place = scheme_.signature.places.front();
    const size_t star = place.name.find(".*.");
    if (place.kind == Locator::Kind::kJson && star != std::string::npos) {
      CompareElements(evidence.body.text(), place.name.substr(0, star), place.name.substr(star + 3),
                      &verdict);
      return verdict;
    }
    Text text;
    verdict.reason = ReasonOf(evidence.Find(place, &text));
    if (verdict.accepted()) CompareToken(text.view(), &verdict);
    return verdict;
  }

 private:
  void CompareToken(std::string_view value, Verdict* verdict) const {
    const bool has_prefix = value.starts_with(scheme_.signature.prefix);
    if (!has_prefix || value.size() == scheme_.signature.prefix.size()) {
      verdict->reason = VerifyReason::kMalformed;
      return;
    }
    verdict->secret_index = tokens_.Find(value.substr(scheme_.signature.prefix.size()));
    verdict->reason =
        verdict->secret_index < 0 ? VerifyReason::kSignatureMismatch : VerifyReason::kAccepted;
  }

  // Every element of the array must carry the token.
  void CompareElements(std::string_view body, std::string_view array_path, std::string_view within,
                       Verdict* verdict) const {
    const auto array = FindOnly(body, array_path);
    verdict->reason = VerifyReason::kMalformed;
    if (!array.has_value() || array->type != json::Type::kArray) return;
    json::Skimmer elements(*array);
    while (elements.Next()) {
      Text text;
      verdict->reason = ReasonOf(FindJson(elements.value().text, within, &text));
      if (verdict->accepted()) CompareToken(text.view(), verdict);
      if (!verdict->accepted()) return;
    }
    if (elements.is_broken()) verdict->reason = VerifyReason::kMalformed;
  }

  const Scheme scheme_;
  const SecretSet tokens_;
};

// RFC 7617. A secret is "user:password"; the password may hold colons. Beyond ASCII the charset is
// the client's choice: UTF-8, or ISO 8859-1 as in Python's requests.
class BasicVerifier final : public SchemeVerifier {
 public:
  BasicVerifier(Scheme scheme, const std::vector<std::string>& credentials)
      : scheme_(std::move(scheme)), credentials_(credentials) {
    for (size_t i = 0; i < credentials.size(); ++i) {
      const auto latin1 = base::Utf8ToLatin1(TrimSecret(credentials[i]));
      if (latin1.has_value() && *latin1 != credentials[i]) credentials_.Add(*latin1, i);
    }
  }

  Verdict Verify(const Evidence& evidence, absl::Time) const override {
    constexpr std::string_view kPrefix = "Basic ";
    Verdict verdict{.scheme = scheme_.name};
    Text text;
    verdict.reason = ReasonOf(evidence.Find(kAuthorization, &text));
    if (!verdict.accepted()) return verdict;
    verdict.reason = VerifyReason::kMalformed;
    const std::string_view value = text.view();
    if (!base::EqualsIgnoreCase(value.substr(0, kPrefix.size()), kPrefix)) return verdict;
    // Any number of spaces may stand before the credentials (RFC 9110, 11.4).
    const size_t begin = std::min(value.find_first_not_of(' ', kPrefix.size()), value.size());
    const std::optional<std::string> pair = base::Base64Decode(value.substr(begin));
    if (!pair.has_value() || pair->find(':') == std::string::npos) return verdict;
    verdict.secret_index = credentials_.Find(*pair);
    verdict.reason =
        verdict.secret_index < 0 ? VerifyReason::kSignatureMismatch : VerifyReason::kAccepted;
    return verdict;
  }

 private:
  const Locator kAuthorization{Locator::Kind::kHeader, "Authorization"};
  const Scheme scheme_;
  SecretSet credentials_;  // constant after construction
};

class NoVerifier final : public SchemeVerifier {
 public:
  explicit NoVerifier(Scheme scheme) : scheme_(std::move(scheme)) {}

  Verdict Verify(const Evidence&, absl::Time) const override {
    return {.reason = VerifyReason::kAccepted, .scheme = scheme_.name};
  }

 private:
  const Scheme scheme_;
};

}  // namespace

std::unique_ptr<SchemeVerifier> CompileTokenVerifier(Scheme scheme,
                                                     const std::vector<std::string>& tokens) {
  return std::make_unique<TokenVerifier>(std::move(scheme), tokens);
}

std::unique_ptr<SchemeVerifier> CompileBasicVerifier(Scheme scheme,
                                                     const std::vector<std::string>& credentials) {
  return std::make_unique<BasicVerifier>(std::move(scheme), credentials);
}

std::unique_ptr<SchemeVerifier> CompileNoVerifier(Scheme scheme) {
  return std::make_unique<NoVerifier>(std::move(scheme));
}

}  // namespace convoy::verify
