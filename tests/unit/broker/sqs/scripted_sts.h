// A Security Token Service that answers as a test says, and the token file of who asks it.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "convoy/sqs.h"
#include "lib/base/time_text.h"
#include "tests/unit/broker/web/scripted_service.h"

namespace convoy::testing {

class TokenFile {
 public:
  explicit TokenFile(std::string_view token = "token-1") { Write(token); }
  ~TokenFile() { Remove(); }

  void Write(std::string_view token) const { std::ofstream(path_) << token; }
  void Remove() const { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  static inline std::atomic<int> count_ = 0;
  const std::string path_ = std::filesystem::temp_directory_path() /
                            absl::StrCat("convoy-token-", getpid(), "-", ++count_);
};

inline AwsWebIdentity IdentityAt(const ScriptedService& sts, const TokenFile& file) {
  return {.role_arn = "arn:aws:iam::123456789012:role/reader",
          .token_file = file.path(),
          .sts_endpoint = sts.endpoint()};
}

// The session ASIA<number> with its own secret and token.
inline ScriptedAnswer AssumedRole(int number, absl::Time expires_at) {
  return {.body = absl::StrCat(
              "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
              "<AccessKeyId>ASIA",
              number, "</AccessKeyId><SecretAccessKey>secret", number,
              "</SecretAccessKey><SessionToken>session", number, "</SessionToken><Expiration>",
              base::FormatTime(expires_at),
              "</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
              "</AssumeRoleWithWebIdentityResponse>")};
}

inline ScriptedAnswer StsError(std::string_view code, int status = 400) {
  return {.status = status,
          .body = absl::StrCat("<ErrorResponse><Error><Code>", code,
                               "</Code></Error></ErrorResponse>")};
}

}  // namespace convoy::testing
