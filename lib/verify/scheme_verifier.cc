// Factory of the verifier class for a scheme.
#include "lib/verify/scheme_verifier.h"

#include <utility>

#include "absl/status/status.h"

#include "lib/verify/secret_key.h"

namespace convoy::verify {
namespace {

constexpr size_t kSecretsMax = 32;

absl::Status CheckSecrets(const Scheme& scheme, const std::vector<std::string>& secrets,
                          bool has_source) {
  const bool is_key_published = scheme.key.location.has_value() && has_source;
  if (secrets.empty() && !is_key_published) {
    return absl::InvalidArgumentError(
        scheme.key.location.has_value()
            ? "the scheme needs the provider's key document (JWKS or PEM) as its secret here"
            : "the scheme needs a secret");
  }
  if (secrets.size() > kSecretsMax) return absl::InvalidArgumentError("there are too many secrets");
  for (const std::string& secret : secrets) {
    if (TrimSecret(secret).empty())
      return absl::InvalidArgumentError("the secret must not be empty");
    if (scheme.type == SchemeType::kBasic && secret.find(':') == std::string::npos) {
      return absl::InvalidArgumentError("the secret must be user:password");
    }
  }
  return absl::OkStatus();
}

}  // namespace

int Progress(VerifyReason refusal) {
  switch (refusal) {
    case VerifyReason::kMissingHeader:
      return 0;
    case VerifyReason::kMalformed:
      return 1;
    case VerifyReason::kSignatureMismatch:
    case VerifyReason::kUnknownKey:
      return 2;
    case VerifyReason::kKeyUnavailable:
      return 3;
    default:
      return 4;
  }
}

absl::StatusOr<std::unique_ptr<SchemeVerifier>> CompileSchemeVerifier(
    Scheme scheme, const std::vector<std::string>& secrets, std::shared_ptr<KeySource> source) {
  if (scheme.type == SchemeType::kNone) return CompileNoVerifier(std::move(scheme));
  const absl::Status checked = CheckSecrets(scheme, secrets, source != nullptr);
  if (!checked.ok()) return checked;
  switch (scheme.type) {
    case SchemeType::kToken:
      return CompileTokenVerifier(std::move(scheme), secrets);
    case SchemeType::kBasic:
      return CompileBasicVerifier(std::move(scheme), secrets);
    case SchemeType::kJwt:
      return CompileJwtVerifier(std::move(scheme), secrets, std::move(source));
    default:
      return CompileSignedVerifier(std::move(scheme), secrets, std::move(source));
  }
}

}  // namespace convoy::verify
