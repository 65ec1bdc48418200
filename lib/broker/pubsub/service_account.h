// Google service account's key, and the tokens that are signed with it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/crypto/rsa.h"

namespace convoy::broker {

// Makes bearer tokens by itself: a JWT that the key has signed for one API, which Google takes in
// place of an OAuth access token (google.aip.dev/auth/4111). So nothing has to be fetched, and the
// key file's token_uri is of no account.
class ServiceAccount {
 public:
  // `text` is the key file's JSON. kInvalidArgument names the field, without its value.
  static absl::StatusOr<ServiceAccount> Parse(std::string_view text);

  // "googleapis.com", or the domain of another Google cloud.
  std::string_view universe_domain() const { return universe_domain_; }

  // For the service at `audience`, an URL; valid for kLifetime.
  static constexpr absl::Duration kLifetime = absl::Hours(1);
  absl::StatusOr<std::string> MakeToken(std::string_view audience, absl::Time now) const;

 private:
  ServiceAccount(std::string email, std::string key_id, std::string universe_domain,
                 crypto::RsaPrivateKey key)
      : email_(std::move(email)),
        key_id_(std::move(key_id)),
        universe_domain_(std::move(universe_domain)),
        key_(std::move(key)) {}

  std::string email_;
  std::string key_id_;
  std::string universe_domain_;
  crypto::RsaPrivateKey key_;
};

}  // namespace convoy::broker
