// Reader of Amazon's environment variables; see aws_environment.h.
#include "examples/convoyd/aws_environment.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "examples/convoyd/files.h"

namespace convoyd {
namespace {

constexpr std::string_view kKeyId = "AWS_ACCESS_KEY_ID";
constexpr std::string_view kSecret = "AWS_SECRET_ACCESS_KEY";
constexpr std::string_view kSessionToken = "AWS_SESSION_TOKEN";
constexpr std::string_view kRoleArn = "AWS_ROLE_ARN";
constexpr std::string_view kTokenFile = "AWS_WEB_IDENTITY_TOKEN_FILE";

class Variables {
 public:
  explicit Variables(char* const* environment) : environment_(environment) {}

  // The first of them that is set to something.
  std::string Find(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      for (char* const* line = environment_; *line != nullptr; ++line) {
        std::string_view value = *line;
        const bool is_named = absl::ConsumePrefix(&value, name) && absl::ConsumePrefix(&value, "=");
        if (is_named && !value.empty()) return std::string(value);
      }
    }
    return "";
  }

 private:
  char* const* const environment_;
};

absl::Status Without(std::string_view name, std::string_view missing) {
  return absl::InvalidArgumentError(absl::StrCat("sqs_credentials: ", name, " is set and ", missing,
                                                 " is not: set both or neither"));
}

absl::StatusOr<convoy::AwsWebIdentity> ReadWebIdentity(const Variables& variables) {
  convoy::AwsWebIdentity identity{
      .role_arn = variables.Find({kRoleArn}),
      .token_file = variables.Find({kTokenFile}),
      .session_name = variables.Find({"AWS_ROLE_SESSION_NAME"}),
      .region = variables.Find({"AWS_REGION", "AWS_DEFAULT_REGION"}),
      .sts_endpoint = variables.Find({"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"})};
  if (identity.role_arn.empty() && identity.token_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("sqs_credentials: there are none in the environment: set ", kKeyId, " and ",
                     kSecret, ", or ", kRoleArn, " and ", kTokenFile));
  }
  if (identity.token_file.empty()) return Without(kRoleArn, kTokenFile);
  if (identity.role_arn.empty()) return Without(kTokenFile, kRoleArn);
  if (const absl::Status status = ReadFile(identity.token_file).status(); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("sqs_credentials: ", kTokenFile, ": ", status.message()));
  }
  return identity;
}

}  // namespace

absl::StatusOr<convoy::SqsOptions> ReadAwsEnvironment(char* const* environment) {
  const Variables variables(environment);
  convoy::SqsOptions options{.own_endpoint =
                                 variables.Find({"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"})};
  convoy::AwsKeys keys{.access_key_id = variables.Find({kKeyId}),
                       .secret_key = variables.Find({kSecret}),
                       .session_token = variables.Find({kSessionToken})};
  if (keys.access_key_id.empty()) {
    if (!keys.secret_key.empty()) return Without(kSecret, kKeyId);
    if (!keys.session_token.empty()) return Without(kSessionToken, kKeyId);
    auto identity = ReadWebIdentity(variables);
    if (!identity.ok()) return identity.status();
    options.own_credentials = *std::move(identity);
    return options;
  }
  if (keys.secret_key.empty()) return Without(kKeyId, kSecret);
  options.own_credentials = std::move(keys);
  return options;
}

}  // namespace convoyd
