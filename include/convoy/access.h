// Credentials of the REST API: API keys, and portal links with their tokens. Plain values, as those
// of model.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace convoy {

// The credential of a portal link, "PRT.<mask>.<secret>", which is shown once and never stored.
struct PortalToken {
  std::string salt;                      // raw bytes
  std::string hash;                      // raw SHA-256 of salt + whole token
  std::optional<absl::Time> expires_at;  // nullopt: as long as its link

  friend bool operator==(const PortalToken&, const PortalToken&) = default;
};

// "static_token": one token that lasts; "refresh_token": tokens of an hour, on request.
enum class PortalAuth : uint8_t { kStaticToken, kRefreshToken };

// Access of one owner to the owner's endpoints and their deliveries.
struct PortalLink {
  std::string id;
  std::string project_id;
  std::string name;
  std::string owner_id;  // never empty
  PortalAuth auth = PortalAuth::kStaticToken;
  bool may_manage_endpoints = false;
  std::string mask_id;  // the middle part of its tokens
  std::vector<PortalToken> tokens;
  absl::Time created_at;
  absl::Time updated_at;

  friend bool operator==(const PortalLink&, const PortalLink&) = default;
};

enum class Role : uint8_t { kInstanceAdmin, kProjectAdmin, kProjectViewer };

// An API key as it is stored. The secret itself is shown once and never stored.
struct ApiKey {
  std::string id;
  std::string name;
  std::string mask_id;  // the middle part of "CO.<mask>.<secret>", which identifies the key
  std::string salt;     // raw bytes
  std::string hash;     // raw SHA-256 of salt + whole key
  Role role = Role::kProjectAdmin;
  std::string project_id;  // empty for an instance admin
  std::optional<absl::Time> expires_at;
  absl::Time created_at;

  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

}  // namespace convoy
