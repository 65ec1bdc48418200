// AssumeRoleWithWebIdentity of Amazon's Security Token Service, in its older protocol: a form is
// sent, XML comes back. The request is not signed: the token in it proves the sender.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/sqs.h"
#include "convoy/transport.h"

namespace convoy::broker {

// Limit of the service.
inline constexpr size_t kWebIdentityTokenBytesMax = 20'000;

// Makes requests for one role.
class StsRequests {
 public:
  // kInvalidArgument names the field behind "web_identity." that can never work.
  static absl::StatusOr<StsRequests> Make(const AwsWebIdentity& identity);

  OutgoingRequest AssumeRole(std::string_view token, absl::Duration timeout) const;

 private:
  StsRequests(std::string url, std::string form) : url_(std::move(url)), form_(std::move(form)) {}

  std::string url_;
  std::string form_;  // but for the token, whose name is at its end
};

struct AwsSession {
  AwsKeys keys;
  absl::Time expires_at;
};

// Errors are broker.h's codes and a line that says what to look at, without what the service said:
// it may quote the token.
absl::StatusOr<AwsSession> ReadAssumedRole(const TransportResult& result);

}  // namespace convoy::broker
