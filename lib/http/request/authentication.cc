// Authentication by API keys. Keys have 380 bits of entropy, so one salted SHA-256 is as good as
// any slow hash and costs a microsecond. An unknown mask is answered after the same work as a wrong
// secret. Keys that come from Convoy keep its slow hash, because only the hash is known.
#include "lib/http/request/authentication.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/base/ulid.h"
#include "lib/crypto/digest.h"
#include "lib/http/request/verified_keys.h"

namespace convoy::http {
namespace {

constexpr size_t kMaskSize = 16;
constexpr size_t kSecretSize = 64;
constexpr size_t kSaltSize = 16;
constexpr std::string_view kPrefix = "CO.";
constexpr std::string_view kPortalPrefix = "PRT.";
// Before the hash of a key that comes from Convoy: PBKDF2 with HMAC-SHA256. Stored: permanent.
constexpr std::string_view kConvoyHash = "pbkdf2-sha256:4096:";
constexpr uint32_t kConvoyRounds = 4096;

bool IsAlphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

std::string HashOf(std::string_view salt, std::string_view key) {
  return std::string(crypto::Hash(crypto::HashAlgorithm::kSha256, absl::StrCat(salt, key)).view());
}

bool HasSecret(const ApiKey& stored, std::string_view key, VerifiedKeys* verified) {
  if (!stored.hash.starts_with(kConvoyHash)) {
    return crypto::ConstantTimeEquals(HashOf(stored.salt, key), stored.hash);
  }
  const std::string print = HashOf(absl::StrCat(stored.salt, stored.hash), key);
  if (verified != nullptr && crypto::ConstantTimeEquals(print, verified->Find(stored.id))) {
    return true;
  }
  const crypto::Digest hash = crypto::Pbkdf2Sha256(key, stored.salt, kConvoyRounds);
  const bool is_right = crypto::ConstantTimeEquals(
      hash.view(), std::string_view(stored.hash).substr(kConvoyHash.size()));
  if (is_right && verified != nullptr) verified->Remember(stored.id, print);
  return is_right;
}

// The mask of a well-formed key or token with this prefix, else empty.
std::string_view MaskOf(std::string_view key, std::string_view prefix) {
  if (key.size() != prefix.size() + kMaskSize + 1 + kSecretSize || !key.starts_with(prefix)) {
    return {};
  }
  const std::string_view mask = key.substr(prefix.size(), kMaskSize);
  const std::string_view secret = key.substr(prefix.size() + kMaskSize + 1);
  const bool is_well_formed =
      key[prefix.size() + kMaskSize] == '.' && IsAlphanumeric(mask) && IsAlphanumeric(secret);
  return is_well_formed ? mask : std::string_view();
}

std::string MakeSalt(const ApiParts& parts) {
  std::string salt(kSaltSize, '\0');
  parts.random->Fill(std::span(reinterpret_cast<uint8_t*>(salt.data()), salt.size()));
  return salt;
}

absl::Status RefuseCaller() { return absl::UnauthenticatedError("authorization failed"); }

absl::StatusOr<Caller> AuthenticatePortal(const ApiParts& parts, std::string_view token,
                                          std::string_view mask) {
  auto found = parts.configuration->FindPortalLinkByMask(mask);
  if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
  if (!found.ok()) {
    HashOf(std::string(kSaltSize, '\0'), token);  // the work of a wrong secret
    return RefuseCaller();
  }
  const absl::Time now = parts.clock->Now();
  for (const PortalToken& stored : (*found)->tokens) {
    if (!crypto::ConstantTimeEquals(HashOf(stored.salt, token), stored.hash)) continue;
    if (stored.expires_at.has_value() && *stored.expires_at <= now) continue;
    return Caller{.portal = *std::move(found)};
  }
  return RefuseCaller();
}

}  // namespace

std::string_view BearerTokenOf(const HttpRequest& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto header = base::FindHeader(request.headers, "Authorization");
  if (!header.has_value() || base::CountHeader(request.headers, "Authorization") != 1 ||
      !base::EqualsIgnoreCase(header->substr(0, kScheme.size()), kScheme)) {
    return {};
  }
  return header->substr(kScheme.size());
}

absl::StatusOr<Caller> Authenticate(const ApiParts& parts, const HttpRequest& request) {
  const std::string_view key = BearerTokenOf(request);
  if (key.empty()) return absl::UnauthenticatedError("Authentication required");
  const std::string_view portal_mask = MaskOf(key, kPortalPrefix);
  if (!portal_mask.empty()) return AuthenticatePortal(parts, key, portal_mask);
  const std::string_view mask = MaskOf(key, kPrefix);
  if (mask.empty()) return RefuseCaller();
  auto found = parts.configuration->FindApiKeyByMask(mask);
  if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
  const ApiKey* stored = found.ok() ? found->get() : nullptr;
  static const ApiKey kNone = {.salt = std::string(kSaltSize, '\0'), .hash = std::string(32, '\0')};
  const bool is_right = HasSecret(stored != nullptr ? *stored : kNone, key, parts.verified_keys);
  if (stored == nullptr || !is_right) return RefuseCaller();
  if (stored->expires_at.has_value() && *stored->expires_at <= parts.clock->Now()) {
    return RefuseCaller();
  }
  return Caller{.key = *std::move(found)};
}

absl::Status Authorize(const Caller& caller, Access access, PortalAccess portal_access,
                       std::string_view project_id) {
  const absl::Status refused = absl::PermissionDeniedError("Unauthorized");
  if (access == Access::kCaller) return absl::OkStatus();
  if (caller.portal != nullptr) {
    const bool may_act =
        caller.portal->project_id == project_id && portal_access != PortalAccess::kNone &&
        (portal_access != PortalAccess::kManage || caller.portal->may_manage_endpoints);
    return may_act ? absl::OkStatus() : refused;
  }
  const ApiKey& key = *caller.key;
  if (key.role == Role::kInstanceAdmin) return absl::OkStatus();
  if (access == Access::kInstance || key.project_id != project_id) return refused;
  if (access == Access::kWrite && key.role == Role::kProjectViewer) return refused;
  return absl::OkStatus();
}

std::string MakePortalMask(const ApiParts& parts) {
  return base::RandomAlphanumeric(*parts.random, kMaskSize);
}

NewPortalToken MakePortalToken(const ApiParts& parts, std::string_view mask) {
  NewPortalToken token;
  token.text =
      absl::StrCat(kPortalPrefix, mask, ".", base::RandomAlphanumeric(*parts.random, kSecretSize));
  token.stored.salt = MakeSalt(parts);
  token.stored.hash = HashOf(token.stored.salt, token.text);
  return token;
}

std::optional<ApiKey> ConvoyApiKey(std::string mask, std::string salt, std::string_view hash) {
  if (mask.size() != kMaskSize || !IsAlphanumeric(mask)) return std::nullopt;
  // Go writes base64url with padding; databases of old versions hold the other alphabet.
  std::optional<std::string> bytes = base::Base64UrlDecode(hash);
  if (!bytes.has_value()) bytes = base::Base64Decode(hash);
  if (!bytes.has_value() || bytes->size() != 32) return std::nullopt;
  return ApiKey{.mask_id = std::move(mask),
                .salt = std::move(salt),
                .hash = absl::StrCat(kConvoyHash, *bytes)};
}

NewApiKey MakeApiKey(Role role, std::string project_id, std::string name, const ApiParts& parts) {
  const std::string mask = base::RandomAlphanumeric(*parts.random, kMaskSize);
  const std::string secret = base::RandomAlphanumeric(*parts.random, kSecretSize);
  const std::string salt = MakeSalt(parts);
  NewApiKey key;
  key.text = absl::StrCat(kPrefix, mask, ".", secret);
  key.stored = {.id = parts.ulids->Next(),
                .name = std::move(name),
                .mask_id = mask,
                .salt = salt,
                .hash = HashOf(salt, key.text),
                .role = role,
                .project_id = std::move(project_id),
                .created_at = parts.clock->Now()};
  return key;
}

}  // namespace convoy::http
